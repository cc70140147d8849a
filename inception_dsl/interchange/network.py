"""A network that was not written here: its graph, and functions that run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.interchange.graph import Graph, needed
from inception_dsl.interchange.target import kind_of
from inception_dsl.ir.shapes import Pair

if TYPE_CHECKING:
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


def read_network(
    target: str,
    size: Pair | None = None,
    arguments: Mapping[str, str] | None = None,
    shape: Sequence[int] | None = None,
    values: bool = True,
) -> Network:
    """Read an ONNX file, or the module of torch that `package.module:callable` gives, whose code is run.

    `size` is the height and width of the images where the network leaves them open, `shape` the shape of those that a
    module reads. Without `values`, a module draws no weights. Raises `SpecError`.
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

    return of_module(make_module(target, arguments or {}, values), target, shape, size)


def of_module(module: nn.Module, name: str, shape: Sequence[int] | None = None, size: Pair | None = None) -> Network:
    """A module of torch, read with its heads for images of a shape, or of the one that it notes and perhaps a size.

    One that is wrapped, or not in float32 on the CPU, is read without that. Raises `SpecError`.
    """
    from inception_dsl.interchange.torch import keras
    from inception_dsl.interchange.torch.foreign import plain
    from inception_dsl.interchange.torch.reader import read_torch
    from inception_dsl.interchange.torch.running import run, shape_of, tap

    module = plain(module, name)
    graph = _with_main(read_torch(module, keras.fitted(module, shape or shape_of(module, size)), name, heads=True))
    return Network(
        name,
        graph,
        lambda images, weights: run(module, graph, images, weights),
        lambda images, weights, nodes: tap(module, graph, images, weights, nodes),
    )


def of_file(graph: Graph, name: str) -> Network:
    """An ONNX file that was read."""
    from inception_dsl.interchange.onnx.running import run, tap

    file, graph = Path(name), _with_main(graph)
    output = next(iter(graph.outputs))
    return Network(
        name,
        graph,
        lambda images, weights: run(file, output, images, weights),
        lambda images, weights, nodes: tap(file, images, weights, nodes),
        is_file=True,
    )


def _with_main(graph: Graph) -> Graph:
    """A graph whose main output is one of which the first is computed, if that has no word: the scores of a label."""
    first, *others = graph.outputs
    unsaid = graph.unsaid
    before = {*needed([node.inputs for node in graph.nodes], [graph.output])}
    scores = [name for name in others if graph.outputs[name] in before and name not in unsaid]
    if first not in unsaid or not scores:
        return graph
    main = max(scores, key=graph.outputs.__getitem__)
    return replace(graph, outputs={main: graph.outputs[main], **graph.outputs})
