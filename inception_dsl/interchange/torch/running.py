"""Modules of torch as their users run them: for images of a shape, in inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.func import functional_call
from torch.utils._pytree import tree_leaves

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import raised
from inception_dsl.interchange.graph import Array, Graph
from inception_dsl.interchange.torch import keras
from inception_dsl.interchange.torch.foreign import inference
from inception_dsl.interchange.torch.program import recorded
from inception_dsl.ir.shapes import Pair

USUAL: Final = (3, 224, 224)
"""The shape of the images of a module that states no other."""


def shape_of(module: nn.Module, image: Pair | None = None) -> tuple[int, ...]:
    """The shape of a module's images: with this height and width, or as its library notes it, or as usual."""
    config: Any = getattr(module, "default_cfg", None) or {}
    noted = tuple(config.get("input_size") or ()) if isinstance(config, Mapping) else ()
    size: Any = getattr(module, "in_size", None)
    first = next((each for each in module.modules() if isinstance(each, nn.Conv2d)), None)
    channels = (first.in_channels if first is not None else 0) or USUAL[0]  # 0 in one that waits for its image
    if image:
        return (channels, *image)
    if len(noted) == len(USUAL):
        return noted
    if isinstance(size, tuple) and len(size) == len(USUAL) - 1:
        return (min(channels, USUAL[0]), *size)  # the first layer of some reads an image that was rearranged
    return (channels, *USUAL[1:])


def run(module: nn.Module, graph: Graph, images: Array, weights: Mapping[str, Array]) -> Array:
    """The main output of a module in inference, with some of its tensors replaced.

    Raises `SpecError` E140 if its code raises an exception.
    """
    own = keras.tensors(module)
    given = {key: _stored(graph, key, value).reshape(own[key].shape) for key, value in weights.items() if key in own}
    batch = keras.batch_of(module, torch.from_numpy(images))
    variables = given if keras.is_keras(module) else {}  # under keras' names, which `functional_call` does not know
    try:
        with torch.no_grad(), inference(module), keras.replaced(module, variables):
            returned = tree_leaves(functional_call(module, {} if variables else given, (batch,)))
    except (Exception, SystemExit) as error:
        message = f"`{graph.source}` cannot be run: {raised(error)}"
        raise SpecError([Diagnostic(NOT_A_GRAPH, message, help="`--no-values` leaves the values out")]) from error
    outputs = [each for each in returned if isinstance(each, Tensor)]  # as the graph counts them
    main: Array = outputs[int(next(iter(graph.outputs)))].detach().numpy()
    return main


def _stored(graph: Graph, name: str, values: Array) -> Tensor:
    """Values of a weight of the graph, as the module keeps them."""
    return torch.from_numpy(np.ascontiguousarray(graph.stored(name, values)))


class _Tapped(fx.Interpreter):
    """Runs a program node by node, and keeps the values of some nodes."""

    def __init__(self, program: fx.GraphModule, given: Mapping[str, Tensor], nodes: Sequence[str]) -> None:
        super().__init__(program)
        self.given = given
        self.nodes = {*nodes}
        self.values: dict[str, Array] = {}

    def run_node(self, n: fx.Node) -> Any:
        value = self.given[n.name] if n.name in self.given else super().run_node(n)
        if n.name in self.nodes:  # a pool may give the places of its maxima beside these
            first = value if isinstance(value, Tensor) else value[0]
            self.values[n.name] = first.detach().numpy().copy()  # what follows may work in its place
        return value


def tap(
    module: nn.Module, graph: Graph, images: Array, weights: Mapping[str, Array], nodes: Sequence[str]
) -> Mapping[str, Array]:
    """The values of some nodes of the graph that `read_torch` gives with heads, in inference.

    Some of the module's tensors are replaced. Raises `ValueError` for one that the module makes of another.
    """
    program = recorded(module, images.shape[1:], type(module).__name__, heads=True)
    if unknown := weights.keys() - {name for name, _ in program.tensors.values()}:
        raise ValueError(f"`{min(unknown)}` is made of another tensor")
    given = {
        node: _stored(graph, name, weights[name]).reshape(tensor.shape) if name in weights else tensor
        for node, (name, tensor) in program.tensors.items()
    }
    found = []
    batch = keras.batch_of(module, torch.from_numpy(images))
    for image in torch.split(batch, 1):  # the program is one for a single image
        run = _Tapped(program.module, {**given, **dict.fromkeys(program.images, image)}, nodes)
        with torch.no_grad():
            run.run()
        found.append(run.values)
    return {name: torch.cat([torch.from_numpy(values[name]) for values in found]).numpy() for name in found[0]}
