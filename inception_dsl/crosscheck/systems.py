"""The systems that can bear witness: each reads what the compiler emits for it, and says what it found there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

from inception_dsl.build import build, missing
from inception_dsl.crosscheck import probe
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

Shape = tuple[int, ...]
Run = Callable[["Array"], Iterable[tuple[str, "Array"]]]
"""From images to the values of every row and head, by name, each with the batch first; a later value stands."""


class System(Protocol):
    """A system that read the emitted form of a network, at the network's own size."""

    name: str
    weights: Mapping[str, Shape]
    """The tensors it says the network has, by name, in its order."""
    parameters: int | None
    """How many numbers it says are trained; None where it says nothing of training."""

    def take(self, weights: Mapping[str, Array]) -> Mapping[str, Array]:
        """Run with these weights from now on, or with what it makes of them, which it gives."""

    def at(self, part: Typed) -> Run:
        """How it runs a part of the network (rows from the first, some heads) at the part's image size."""


COUNTER: Final = ".num_batches_tracked"
"""What torch keeps in a batch norm besides its weights."""


class PyTorch:
    """The generated Python file, executed. Its weights lie on no device until it takes some."""

    name = "pytorch"

    def __init__(self, typed: Typed) -> None:
        import torch

        with torch.device("meta"):  # where initialising neither takes time nor draws from the global random generator
            self.net = build(pytorch.source(typed), typed.program.name)
        self.net.eval()
        self.net.training = True  # of the network alone: it gives its heads, while no dropout or batch norm trains
        tensors = {name: tuple(each.shape) for name, each in self.net.state_dict().items()}
        self.weights: Mapping[str, Shape] = {name: tensors[name] for name in tensors if not name.endswith(COUNTER)}
        self.parameters: int | None = sum(each.numel() for each in self.net.parameters())
        self.typed = typed

    def take(self, weights: Mapping[str, Array]) -> Mapping[str, Array]:
        """Run with these weights, scaled to what arrives at their layers (`probe.settling`)."""
        import torch

        self.net.to_empty(device="cpu").requires_grad_(requires_grad=False)
        tensors = {name: torch.from_numpy(each) for name, each in weights.items()}
        self.net.load_state_dict(tensors, strict=False)  # all but the counters
        images = probe.images(self.typed.input.shape, 2, probe.level(self.typed))
        with probe.settling(self.net, self.typed), suppress(Exception):  # where rows are compared, it fails again
            self.net(torch.from_numpy(images))
        settled = self.net.state_dict()
        return {name: settled[name].numpy() for name in weights}

    def at(self, part: Typed) -> Run:
        """The rows one by one; where the part is the whole network, its own `forward` gives the logits and heads."""
        whole = (part.trunk, part.heads) == (self.typed.trunk, self.typed.heads)

        def run(images: Array) -> Iterator[tuple[str, Array]]:
            import torch

            modules: dict[str, Any] = dict(self.net.named_children())
            x = torch.from_numpy(images)
            values = {}
            for row in part.trunk:
                x = values[row] = modules[row](x) if row in modules else x
                yield row, x.numpy()
            for head in part.program.heads:
                yield head.name, modules[head.name](values[head.source]).numpy()
            if whole:
                given = self.net(torch.from_numpy(images))
                yield part.trunk[-1], (given.logits if part.heads else given).numpy()
                yield from ((name, getattr(given, name).numpy()) for name in part.heads)

        return run


class Onnx:
    """The ONNX graph: checked and shaped by `onnx`, run by onnxruntime."""

    name = "onnx"
    parameters: int | None = None  # to a graph, running statistics are inputs like any other

    def __init__(self, typed: Typed) -> None:
        import onnx as standard

        graph = standard.ModelProto.FromString(onnx.model(typed, heads=True)).graph
        read = {name for node in graph.node for name in node.input}
        inputs = {each.name: _shape(each) for each in graph.input if each.name in read}
        self.weights: Mapping[str, Shape] = {name: inputs[name] for name in inputs if name != "input"}
        self.feeds: Mapping[str, Array] = {}

    def take(self, weights: Mapping[str, Array]) -> Mapping[str, Array]:
        """Run with these weights from now on."""
        self.feeds = weights
        return weights

    def at(self, part: Typed) -> Run:
        """One session for any batch, every row an output; raises what `onnx` or onnxruntime find wrong."""
        import onnxruntime

        graph = onnx.model(part, heads=True, taps=part.trunk)
        _check(graph, {name: part.out(name).shape for name in (*part.trunk, *part.heads)})
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what is fatal is raised; nothing else is the reader's business
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads would slow torch's down
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        outputs = [each.name for each in session.get_outputs()]
        feeds = {name: each for name, each in self.feeds.items() if name in part.weights}

        def run(images: Array) -> Iterator[tuple[str, Array]]:
            values = dict(zip(outputs, session.run(outputs, {"input": images, **feeds}), strict=True))
            yield from ((name, values[name]) for name in (*part.trunk, *part.heads))

        return run


SYSTEMS: Final[Mapping[str, Callable[[Typed], System]]] = {"pytorch": PyTorch, "onnx": Onnx}
"""The systems by their names, in the order in which they take weights."""

NEEDS: Final = {"pytorch": ("torch", "numpy"), "onnx": ("onnx", "onnxruntime", "numpy")}


def require(*systems: str) -> None:
    """Raise `SpecError` E005 for a library that one of the systems needs and that is not installed."""
    for library in (each for name in systems for each in NEEDS[name]):
        if find_spec(library) is None:
            raise missing(library)


def _check(graph: bytes, shapes: Mapping[str, Shape]) -> None:
    """Hold a graph against ONNX's checker, and its outputs against inference that is told none of our shapes."""
    import onnx as standard

    model = standard.ModelProto.FromString(graph)
    standard.checker.check_model(model, full_check=True)
    del model.graph.value_info[:]
    for output in model.graph.output:
        for dim in output.type.tensor_type.shape.dim:
            dim.Clear()
    inferred = standard.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    for output in inferred.graph.output:
        expected = shapes.get(output.name)
        if expected is not None and _shape(output)[1:] != expected:
            message = f"inference gives {output.name} the shape {_shape(output)[1:]}, and the spec {expected}"
            raise ValueError(message)


def _shape(value: Any) -> Shape:
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
