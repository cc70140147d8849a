"""A network that was not written here: its graph, and functions that run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.emit.onnx.executor import session, tapped
from inception_dsl.interchange.graph import Graph
from inception_dsl.interchange.target import kind_of
from inception_dsl.ir.shapes import Pair
from inception_dsl.runner.base.settings import one_line

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from torch import nn

    from inception_dsl.interchange.graph import Array

Run = Callable[["Array", Mapping[str, "Array"]], "Array"]
"""The main output for a batch of images (channels first), with some tensors, by the source's names, replaced."""

Tap = Callable[["Array", Mapping[str, "Array"], Sequence[str]], Mapping[str, "Array"]]
"""The values of some nodes, by their names in the graph, for such a batch and such tensors."""


def _untapped(*_: object) -> Mapping[str, Array]:
    """What a network without a function for its nodes gives: nothing. Raises `ValueError`."""
    raise ValueError("only its output is known")


@dataclass(frozen=True)
class Network:
    """A network as its user names it, its graph, and functions that run it: for its main output, and for any nodes."""

    name: str
    graph: Graph
    run: Run = field(compare=False, repr=False)
    tap: Tap = field(default=_untapped, compare=False, repr=False)
    is_file: bool = False
    """Whether it is an ONNX file, and not a module of torch."""


def read_network(target: str, size: Pair | None = None, arguments: Mapping[str, str] | None = None) -> Network:
    """Read an ONNX file, or the module of torch that `package.module:callable` gives, whose code is run.

    `size` is the height and width of the images where the network leaves them open. Raises `SpecError`.
    """
    kind = kind_of(target)
    if kind == "weights":
        message = f"`{target}` holds weights, and no graph"
        hint = "give an ONNX file, or `package.module:callable`"
        raise SpecError([Diagnostic(NOT_A_GRAPH, message, help=hint, file=target)])
    if kind == "onnx":
        from inception_dsl.interchange.onnx.reader import read_onnx

        return of_file(read_onnx(Path(target), size), target)
    from inception_dsl.interchange.torch.module import make_module

    return of_module(make_module(target, arguments or {}, values=True), target, size=size)


def of_module(module: nn.Module, name: str, shape: Sequence[int] | None = None, size: Pair | None = None) -> Network:
    """A module of torch, read with its heads for images of a shape, or of the one that it notes and perhaps a size.

    One that is wrapped, or not in float32 on the CPU, is read without that. Raises `SpecError`.
    """
    from inception_dsl.interchange.torch import keras
    from inception_dsl.interchange.torch.foreign import plain
    from inception_dsl.interchange.torch.reader import read_torch
    from inception_dsl.interchange.torch.running import run, shape_of, tap

    module = plain(module, name)
    graph = read_torch(module, keras.fitted(module, shape or shape_of(module, size)), name, heads=True)
    return Network(
        name,
        graph,
        lambda images, weights: run(module, graph, images, weights),
        lambda images, weights, nodes: tap(module, graph, images, weights, nodes),
    )


def of_file(graph: Graph, name: str) -> Network:
    """An ONNX file that was read."""
    file = Path(name)
    return Network(
        name,
        graph,
        lambda images, weights: _main(file, next(iter(graph.outputs)), images, weights),
        lambda images, weights, nodes: _tap(file, images, weights, nodes),
        is_file=True,
    )


def _main(file: Path, output: str, images: Array, weights: Mapping[str, Array]) -> Array:
    """An output of an ONNX file. Raises `SpecError` E140 for a file that onnxruntime cannot run in float32."""
    from inception_dsl.interchange.onnx.running import session_of

    try:
        running = session_of(file)
        unlike = next((each for each in running.get_inputs() if each.type != "tensor(float)"), None)
        if unlike is None:
            return _run(running, images, weights, [output])[0]
        reason = f"`{unlike.name}` is a {unlike.type}, and values are compared in float32"
    except Exception as error:  # noqa: BLE001 - onnxruntime raises exceptions of many kinds
        reason = one_line(error)
    message = f"onnxruntime cannot run `{file}`: {reason}"
    hint = "check the file with `onnx.checker`; `--no-values` leaves the values out"
    raise SpecError([Diagnostic(NOT_A_GRAPH, message, help=hint, file=str(file))])


def _tap(file: Path, images: Array, weights: Mapping[str, Array], nodes: Sequence[str]) -> Mapping[str, Array]:
    """The values that some nodes of an ONNX file give; weights that the graph takes and nobody gives are 0."""
    import numpy as np

    from inception_dsl.interchange.onnx.model import OnnxModel

    given = {node.name: node.outputs[0] for node in OnnxModel(file).nodes() if node.outputs}
    names = [given[node] for node in nodes]
    running = session(tapped(file, names), fused=False)
    _, *others = (each for each in running.get_inputs() if each.name not in weights)
    unread = {each.name: np.zeros(each.shape, np.float32) for each in others}
    return dict(zip(nodes, _run(running, images, {**unread, **weights}, names), strict=True))


def _run(running: InferenceSession, images: Array, weights: Mapping[str, Array], outputs: Sequence[str]) -> list[Array]:
    """Some outputs of an ONNX file; images go in one by one, as its batch may be fixed."""
    import numpy as np

    given = {each.name: each.shape for each in running.get_inputs()}
    name = next(key for key in given if key not in weights)
    shape = given[name]
    last = len(shape) == images.ndim and shape[-1] == images.shape[1] != shape[1]
    batch = images.transpose(0, 2, 3, 1) if last else images
    feeds = {key: weights[key].reshape(given[key]) for key in given if key in weights}
    found = [running.run([*outputs], {name: batch[at : at + 1], **feeds}) for at in range(len(batch))]
    return [np.concatenate(values) for values in zip(*found, strict=True)]
