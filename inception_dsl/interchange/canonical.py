"""The canonical form of a graph: two graphs have the same form if they compute the same function of input and weights.

It keeps what the main output needs in inference. Names, and ways to write the same thing, are gone: padding is counted
in pixels on the image at hand, sums of sums are one sum, what passes its input through is left out. What remains
different computes something else, or needs weights of another shape.
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from inception_dsl.interchange.graph import INPUT, Graph, GraphNode
from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.linear import Conv, FullyConnected
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.resampling import Upsample
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Flatten, Identity
from inception_dsl.ir.shapes import TensorType, Window, uniform_window

COMMUTATIVE: Final = ("add", "mul")
"""The kinds whose inputs have no order."""

LINEAR: Final = ("conv", "fc")
"""The kinds into which a batch norm after them can be folded."""

Parameters = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Step:
    """One computation: its kind, the parameters that matter, and the indices of earlier steps that it reads.

    `nodes` are the nodes of the graph that it stands for; the first of them has its weights.
    """

    kind: str
    parameters: Parameters
    inputs: tuple[int, ...]
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class Canonical:
    """The steps that the main output needs, in order, and the index of the one that gives it."""

    graph: Graph
    steps: tuple[Step, ...]
    output: int

    @property
    def digest(self) -> str:
        """A hash that equal forms have in common, whatever the order and the names of their nodes."""
        plain = self._digests(["" for _ in self.steps])
        sharing: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for index, step in enumerate(self.steps):
            if tensors := tuple(self.graph.nodes[step.nodes[0]].weights.values()):
                sharing[tensors].append(index)
        marks = ["" for _ in self.steps]
        for group in sharing.values():
            if len(group) > 1:
                for index in group:
                    marks[index] = " ".join(sorted(plain[other] for other in group))
        digests = self._digests(marks)
        end = digests[self.output] if self.output != INPUT else "input"
        return _sha256([end, *sorted(digests)])

    def _digests(self, marks: Sequence[str]) -> list[str]:
        found: list[str] = []
        for step, mark in zip(self.steps, marks, strict=True):
            read = [found[index] if index != INPUT else f"input {self.graph.input.shape}" for index in step.inputs]
            found.append(
                _sha256([step.kind, repr(step.parameters), mark, *(sorted(read) if step.kind in COMMUTATIVE else read)])
            )
        return found


def canonical(graph: Graph, fold_norms: bool = False) -> Canonical:
    """The canonical form of a graph; with `fold_norms`, batch norms are part of the layers before them.

    Tools fold them when they prepare a network for inference: the layer then has other weights, and a bias.
    """
    steps: list[Step] = []
    of_node = {INPUT: INPUT}
    needed = graph.reachable()
    readers = Counter(each for index in needed for each in graph.nodes[index].inputs)
    for index in needed:
        node = graph.nodes[index]
        inputs = tuple(of_node[each] for each in node.inputs)
        if _passes(node):
            of_node[index] = inputs[0]
            continue
        kind, parameters = describe(node)
        covers = [index]
        if fold_norms and kind == "bn" and readers[node.inputs[0]] == 1 and inputs[0] != INPUT:
            layer = steps[inputs[0]]
            if layer.kind in LINEAR and layer.nodes[-1] == node.inputs[0]:
                biased = tuple((name, name == "bias" or value) for name, value in layer.parameters)
                steps[inputs[0]] = Step(layer.kind, biased, layer.inputs, (*layer.nodes, index))
                of_node[index] = inputs[0]
                continue
        if isinstance(node.op, Add | Concat | Mul):
            parts: list[int] = []
            for each in inputs:
                inner = steps[each] if each != INPUT else None
                merged = inner is not None and inner.kind == kind
                parts += inner.inputs if inner and merged else (each,)
                covers += inner.nodes if inner and merged else ()
            inputs = tuple(parts)
        elif isinstance(node.op, Scale) and inputs[0] != INPUT and steps[inputs[0]].kind == kind:
            inner = steps[inputs[0]]
            parameters = (("factor", single(node.op.factor * dict(inner.parameters)["factor"])),)
            inputs, covers = inner.inputs, [index, *inner.nodes]
        steps.append(Step(kind, parameters, inputs, tuple(covers)))
        of_node[index] = len(steps) - 1
    return _pruned(graph, steps, of_node[graph.output])


def _pruned(graph: Graph, steps: Sequence[Step], output: int) -> Canonical:
    """Without the steps that were merged into others and that nothing else reads."""
    needed = {output}
    for index in range(len(steps) - 1, -1, -1):
        if index in needed:
            needed.update(steps[index].inputs)
    kept = sorted(needed - {INPUT})
    new = {INPUT: INPUT, **{old: at for at, old in enumerate(kept)}}
    renumbered = tuple(
        Step(step.kind, step.parameters, tuple(new[each] for each in step.inputs), step.nodes)
        for step in (steps[index] for index in kept)
    )
    return Canonical(graph, renumbered, new[output])


# --- what a node computes ---------------------------------------------------------------------------------------------


def _passes(node: GraphNode) -> bool:
    """Whether a node gives its input as it is, in inference."""
    op, x = node.op, node.types[0]
    match op:
        case _ if op.training_only:
            return True
        case Identity() | Scale(1.0):
            return True
        case Flatten():
            return x.size == x.channels
        case Add() | Concat() | Mul():
            return len(node.inputs) == 1
        case MaxPool(window) | AvgPool(window):
            return node.out == x and (window is None or window.reach == window.stride == (1, 1))
        case ChannelPart((_, parts)):
            return parts == 1
        case ChannelShuffle(groups):
            return groups in (1, x.channels)
        case Upsample(factor):
            return factor == (1, 1)
        case _:
            return False


def describe(node: GraphNode) -> tuple[str, Parameters]:
    """The kind of a node's op, and the parameters that matter for its value in inference, on the image that it reads.

    A convolution of one pixel is a fully connected layer, and a window over a whole image is `global`.
    """
    op, x = node.op, node.types[0]
    match op:
        case Conv(width, window, groups, bias):
            sums = {"width": concrete(width), "bias": bias}
            if x.shape[1:] == window.kernel == (1, 1) == node.out.shape[1:]:
                return "fc", _parameters(**sums, groups=concrete(groups))
            return "conv", _parameters(**sums, groups=concrete(groups), **_window(window, x))
        case FullyConnected(width, bias):
            return "fc", _parameters(width=concrete(width), bias=bias, groups=1)
        case MaxPool(window):
            return "maxpool", _pool(window, x, (1, 1))
        case AvgPool(window, count_pad, to):
            counted = {"count_pad": True} if window and count_pad and _touches_padding(window, x) else {}
            return "avgpool", (*_pool(window, x, to), *_parameters(**counted))
        case BatchNorm(eps):
            return "bn", _parameters(eps=eps)
        case Upsample(factor, bilinear, align_corners):
            return "upsample", _parameters(factor=factor, bilinear=bilinear, align_corners=align_corners)
        case _:
            own = {field.name: getattr(op, field.name) for field in fields(op)} if _has_fields(op) else {}
            return op.name, _parameters(**own)


def _has_fields(op: Op) -> bool:
    return hasattr(op, "__dataclass_fields__")


def _parameters(**values: Any) -> Parameters:
    return tuple((name, single(value) if isinstance(value, float) else value) for name, value in values.items())


def single(value: float) -> float:
    """A number as float32 holds it, in which ONNX keeps the attributes of an op."""
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


def _window(window: Window, x: TensorType) -> dict[str, Any]:
    """A window by its pixels: the padding before the image and the number of its places, on either axis.

    What lies behind the image follows from these. A stride has no effect on one place, nor a dilation on one pixel.
    """
    axes = window.axes(x.image)
    return {
        "kernel": window.kernel,
        "stride": tuple(step if axis.out > 1 else 1 for step, axis in zip(window.stride, axes, strict=True)),
        "dilation": tuple(d if k > 1 else 1 for d, k in zip(window.dilation, window.kernel, strict=True)),
        "before": tuple(axis.before for axis in axes),
        "out": tuple(axis.out for axis in axes),
    }


def _pool(window: Window | None, x: TensorType, to: tuple[int, int]) -> Parameters:
    """The window of a pool; `to` where it covers the whole image with windows that are not alike."""
    window = window or uniform_window(x.image, to)
    if window is None:
        return _parameters(to=to)
    if _covers(window, x):
        return _parameters(to=(1, 1))
    return _parameters(**_window(window, x))


def _covers(window: Window, x: TensorType) -> bool:
    """Whether a window has one place and reads every pixel of the image there."""
    axes = window.axes(x.image)
    return window.dilation == (1, 1) and all(
        axis.out == 1 and kernel - axis.before >= size
        for axis, kernel, size in zip(axes, window.kernel, x.image, strict=True)
    )


def _touches_padding(window: Window, x: TensorType) -> bool:
    """Whether a place of a window reads padding: only there does it matter whether padding counts."""
    return any(
        axis.before > 0 or (axis.out - 1) * step + reach - axis.before > size
        for axis, step, reach, size in zip(window.axes(x.image), window.stride, window.reach, x.image, strict=True)
    )


def _sha256(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
