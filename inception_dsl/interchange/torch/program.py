"""What torch records of a module that runs on shapes and not on numbers: by `torch.export`, or else by fx."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensor
from torch.export import ExportedProgram, export
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import raised
from inception_dsl.interchange.torch import keras
from inception_dsl.interchange.torch.foreign import complete, inference
from inception_dsl.runner.base.settings import one_line

CALLED: Final = """\
it is called with one batch of images: wrap a network that needs more in a module of your own
`--size` of `adopt` and `identify` sets the size of the images; `audit` has that of the spec
`--traceback` shows where it happened"""

RECORDED: Final = (
    "code that torch cannot export, such as gradients of its own: fx recorded the network as it ran on shapes"
)
"""The note of a program by fx."""


@dataclass(frozen=True)
class Program:
    """A module as a graph of ops: the nodes that are images and tensors, with the module's names, and its outputs."""

    module: GraphModule
    images: tuple[str, ...]
    tensors: Mapping[str, tuple[str, Tensor]]
    outputs: tuple[str, ...]
    notes: tuple[str, ...] = ()


def recorded(module: nn.Module, image: Sequence[int], source: str, heads: bool) -> Program:
    """A module for images of a shape, with the outputs that it has in training if `heads`, as far as it can be so.

    Raises `SpecError` E140 for one that neither `torch.export` nor fx can record.
    """
    attempts: list[tuple[Callable[[nn.Module, Tensor], Program], bool]] = [(_exported, True)] if heads else []
    failed: BaseException | None = None
    for record, training in (*attempts, (_exported, False), (_traced, False)):
        try:
            with inference(module, training=training), keras.dropouts_shown():
                complete(module, image)
                return record(module, keras.batch_of(module, torch.zeros(1, *image)))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the code of the module runs here
            if failed is None or record is not _traced:  # `torch.export` says more of what it refuses than fx does
                failed = error
    size = "x".join(map(str, image))
    assert failed is not None
    message = f"torch cannot export `{source}` for images of {size}: {_shown(failed)}"
    raise SpecError([Diagnostic(NOT_A_GRAPH, message, help=CALLED)]) from failed


def _exported(module: nn.Module, images: Tensor) -> Program:
    found = export(module, (images,), strict=False)
    inputs, outputs = found.graph_signature.user_inputs, found.graph_signature.user_outputs
    return Program(
        found.graph_module,
        tuple(name for name in inputs if isinstance(name, str)),
        _tensors_of(module, found),
        tuple(name for name in outputs if isinstance(name, str)),
    )


def _tensors_of(module: nn.Module, exported: ExportedProgram) -> dict[str, tuple[str, Tensor]]:
    signature = exported.graph_signature
    own = _names(module)
    tensors = {**dict(exported.named_parameters()), **dict(exported.named_buffers()), **exported.constants}
    targets = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    found = {given: (name, tensors[name]) for given, name in targets.items()}
    for given, name in signature.inputs_to_lifted_tensor_constants.items():
        found[given] = own.get(_place(tensors[name]), name), tensors[name]
    return found


def _traced(module: nn.Module, images: Tensor) -> Program:
    """The program that fx records of a module as it runs on tensors that have shapes and no values."""

    def run(given: Tensor) -> object:
        return module(given)

    with torch.no_grad():
        trace = make_fx(run, tracing_mode="fake", pre_dispatch=True, _allow_non_fake_inputs=True)
        found = trace(images)
    own, nodes = _names(module), found.graph.nodes
    held = {node.name: _held(found, node) for node in nodes if node.op == "get_attr"}
    (returned,) = (node for node in nodes if node.op == "output")
    return Program(
        found,
        tuple(node.name for node in nodes if node.op == "placeholder"),
        {node: (own.get(_place(tensor), node), tensor) for node, tensor in held.items() if isinstance(tensor, Tensor)},
        tuple(node.name for node in returned.all_input_nodes),
        (RECORDED,),
    )


def _held(program: GraphModule, node: Node) -> object:
    """What a program holds under the name of a node."""
    found: object = program
    for part in str(node.target).split("."):
        found = getattr(found, part)
    return found


def _names(module: nn.Module) -> dict[tuple[int, int], str]:
    return {_place(tensor): name for name, tensor in keras.tensors(module).items()}


def _place(tensor: Tensor) -> tuple[int, int]:
    """Where a tensor lies in memory: two of one place are the same; one without values is itself."""
    if isinstance(tensor, FakeTensor):
        return id(tensor), 0
    return tensor.data_ptr(), tensor.numel()


def _shown(error: BaseException) -> str:
    """The message of an exception, which torch may make as long as a page."""
    return one_line(error) if isinstance(error, Exception) else raised(error)
