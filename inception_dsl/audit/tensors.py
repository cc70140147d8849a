"""The audit of a file of weights: all that it says are names and shapes, so that only layers with weights are compared.

Layers pair by name where the names are the spec's own, or those that a library is known to have for it. Other files
are aligned like series, in the order of their tensors, and what then has no partner pairs by content, since the order
of a file need not be that in which layers run. Safetensors sorts its tensors by name, which leaves no order: there,
equal layers pair first.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, NamedTuple

from inception_dsl.audit.align import Aligner
from inception_dsl.audit.audit import Audit
from inception_dsl.audit.differences import Difference
from inception_dsl.audit.effects import Count, count
from inception_dsl.audit.findings import NOTHING, Deviation, grouped
from inception_dsl.audit.series import Contents, Element, Series
from inception_dsl.diagnostics.codes.audit_layers import BIAS, GROUPS, KERNEL, PARAMETER, WIDTH
from inception_dsl.diagnostics.codes.audit_structure import CLASSES, EXTRA_LAYER, MISSING_LAYER
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.ir.op import concrete
from inception_dsl.ir.ops.channels import ChannelConv
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected, LinearLayer
from inception_dsl.ir.shapes import Pair, Window, sides
from inception_dsl.ir.typed import Typed
from inception_dsl.weights.files import COUNTER
from inception_dsl.weights.matching import match
from inception_dsl.weights.names.libraries import LIBRARIES

Shape = tuple[int, ...]

NOT_SEEN: Final = "strides, paddings, pools, activations and the order of branches are not seen in a file of weights"


class Layer(NamedTuple):
    """Tensors of one layer, by the last part of their names."""

    name: str
    shapes: Mapping[str, Shape]

    @property
    def kind(self) -> str:
        """What the tensors are those of."""
        if "running_mean" in self.shapes:
            return "bn"
        if len(self.weight) in (3, 5) and self.weight[1] == 1 and self.weight[3:] in ((), (1, 1)):
            return ChannelConv.name  # as a 1-D or a 3-D convolution has it
        return {4: "conv", 2: "fc"}.get(len(self.weight), "norm")

    @property
    def weight(self) -> Shape:
        """The shape of its weight, or of what it has instead."""
        return self.shapes.get("weight") or next(iter(self.shapes.values()))

    @property
    def kernel(self) -> Pair:
        """The kernel of a convolution; one along the channels has a single side."""
        if self.kind == ChannelConv.name:
            return self.weight[2], 1
        return (self.weight[2], self.weight[3]) if len(self.weight) == 4 else (1, 1)

    @property
    def words(self) -> str:
        """The layer as the language writes it."""
        if self.kind == "conv":
            return f"conv {sides(self.kernel)} {self.weight[0]}"
        if self.kind == ChannelConv.name:
            return f"channel_conv {self.weight[2]}"
        return f"fc {self.weight[0]}" if self.kind == "fc" else self.kind

    def element(self, index: int, contents: Contents) -> Element:
        """The layer as an element of a series; on one pixel, a convolution is a fully connected layer."""
        linear = self.kind in ("conv", "fc", ChannelConv.name)
        kind = "conv" if self.kind == "fc" else self.kind
        known = {"width": self.weight[0], "kernel": self.kernel, "bias": "bias" in self.shapes, "in": self.weight[1:2]}
        parameters = tuple(known.items()) if linear else (("width", self.weight[0]),)
        return Element(index, kind, parameters, (), contents.number(kind, parameters))


def audit_tensors(typed: Typed, tensors: Mapping[str, Shape], source: str, heads: bool = True) -> Audit:
    """Compare the names and shapes of tensors with those of a spec."""
    spec = of_spec(typed)
    ours = _layers_of(spec, {*typed.heads} if not heads else set())
    theirs = _layers_in(tensors)
    pairs = _by_name(typed, ours, theirs) or _by_order(spec, ours, theirs, {*typed.heads})
    deviations = [*_deviations(typed, spec, ours, theirs, pairs)]
    findings = grouped(typed.program, spec, deviations)
    params = sum(math.prod(shape) for name, shape in tensors.items() if name.rpartition(".")[2] in ("weight", "bias"))
    own = count(spec)
    in_trunk = [each for each in deviations if each.row not in typed.heads]
    of_trunk = [finding.effect for finding in grouped(typed.program, spec, in_trunk)]
    total = Count(own.params + sum(each.params for each in of_trunk), own.macs + sum(each.macs for each in of_trunk))
    notes = [f"{NOT_SEEN}; it holds {params:,} parameters, heads included"]
    target = Graph(source, spec.input, (), {"weights": INPUT}, spec.tensor)
    return Audit(typed, spec, target, findings, tuple(notes), {}, (own, total))


def _layers_of(spec: Graph, left_out: set[str]) -> dict[int, Layer]:
    """The layers of a spec by their node; one that is applied again has one set of weights."""
    found: dict[int, Layer] = {}
    seen: set[str] = set()
    for index, node in enumerate(spec.nodes):
        name = next(iter(node.weights.values()), "").rpartition(".")[0]
        if node.weights and name not in seen and node.row not in left_out:
            seen.add(name)
            shapes = {key: weight.shape for key, weight in node.op.weights(*node.types).items()}
            found[index] = Layer(name, shapes)
    return found


def _layers_in(tensors: Mapping[str, Shape]) -> list[Layer]:
    layers: dict[str, dict[str, Shape]] = {}
    for name, shape in tensors.items():
        layer, _, own = name.rpartition(".")
        if not name.endswith(COUNTER) and shape:
            layers.setdefault(layer, {})[own] = shape
    found = [Layer(name, shapes) for name, shapes in layers.items()]
    return sorted(found, key=lambda layer: _numbered(layer.name)) if _is_sorted(found) else found


def _is_sorted(layers: Sequence[Layer]) -> bool:
    """Whether the order of a file is that of its names, by letters or with numbers as numbers."""
    names = [layer.name for layer in layers]
    return names in (sorted(names), sorted(names, key=_numbered))


def _numbered(name: str) -> list[tuple[int, str]]:
    """What sorts a name before one with a larger number."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _by_name(typed: Typed, ours: Mapping[int, Layer], theirs: Sequence[Layer]) -> dict[int, int]:
    """The layer in the file of every layer of the spec, if their names tell; otherwise nothing."""
    places = {layer.name: place for place, layer in enumerate(theirs)}
    names = {layer.name: layer.name for layer in ours.values()}
    if 2 * len(names.keys() & places.keys()) > len(names):
        return {index: places[layer.name] for index, layer in ours.items() if layer.name in places}
    found = [f"{layer.name}.{tensor}" for layer in theirs for tensor in layer.shapes]
    for library in LIBRARIES:
        for heads in (True, False):
            with suppress(SpecError):
                pairs = match(typed, library, found, heads).theirs
                names = {our.rpartition(".")[0]: their.rpartition(".")[0] for our, their in pairs.items()}
                if {*names.values()} <= places.keys():
                    return {i: places[names[layer.name]] for i, layer in ours.items() if layer.name in names}
    return {}


def _by_order(spec: Graph, ours: Mapping[int, Layer], theirs: Sequence[Layer], heads: set[str]) -> dict[int, int]:
    """Pair layers in order at the least cost: those of the trunk first, then those of heads, then equal ones.

    Equal ones come first where the file has no order but that of its names.
    """
    contents = Contents()
    target = [layer.element(index, contents) for index, layer in enumerate(theirs)]
    own = [layer.element(index, contents) for index, layer in ours.items()]
    pairs = _equal(own, target, {}) if _is_sorted(theirs) else {}
    for of_heads in (False, True):
        left = [element for element in target if element.step not in pairs.values()]
        part = [each for each in own if (spec.nodes[each.step].row in heads) == of_heads and each.step not in pairs]
        pairs |= Aligner().align(_series(part, contents), _series(left, contents)).pairs
    return pairs | _equal(own, target, pairs)


def _equal(own: Sequence[Element], target: Sequence[Element], pairs: Mapping[int, int]) -> dict[int, int]:
    """Pairs of equal layers among those without a partner, in their order."""
    free: defaultdict[int, list[int]] = defaultdict(list)
    taken = {*pairs.values()}
    for element in reversed(target):
        if element.step not in taken:
            free[element.key].append(element.step)
    return {each.step: free[each.key].pop() for each in own if each.step not in pairs and free[each.key]}


def _series(elements: Sequence[Element], contents: Contents) -> Series:
    return Series(tuple(elements), contents.number(*(element.key for element in elements)))


def _deviations(
    typed: Typed, spec: Graph, ours: Mapping[int, Layer], theirs: Sequence[Layer], pairs: Mapping[int, int]
) -> Iterator[Deviation]:
    """What differs between partners, and the layers without one; what a layer reads follows from those before it."""
    same_widths = len(ours) == len(theirs) == len(pairs)
    for index, layer in ours.items():
        node = spec.nodes[index]
        places = node.row, node.name
        if index not in pairs:
            yield Deviation(
                MISSING_LAYER, "layer", layer.words, NOTHING, *places, "", node.origin, index, _counted(layer, -1)
            )
            continue
        other = theirs[pairs[index]]
        same_widths &= layer.weight[0] == other.weight[0]
        for each in _differences(typed, node, layer, other):
            yield Deviation(
                *(each.code, each.what, each.spec, each.target), *places, other.name, node.origin, index, each.op
            )
    for place, layer in enumerate(theirs):
        if place not in pairs.values():
            near = next((i for i, j in reversed([*pairs.items()]) if j < place), next(iter(ours)))
            node = spec.nodes[near]
            counts = _counted(layer, 1)
            yield Deviation(
                EXTRA_LAYER, "layer", NOTHING, layer.words, node.row, node.name, layer.name, node.origin, near, counts
            )
    if same_widths:
        yield from _groups(spec, ours, theirs, pairs)


def _differences(typed: Typed, node: GraphNode, layer: Layer, other: Layer) -> Iterator[Difference]:
    op = node.op
    if isinstance(op, ChannelConv) and other.kind == op.name:
        yield from _along_channels(op, layer, other)
    if not isinstance(op, LinearLayer) or other.kind not in ("conv", "fc"):
        return  # the width of a norm is that of what it reads
    width, its_width = _width(op, layer), _width(op, other)
    if width != its_width:
        classes = width == typed.program.env["classes"] and isinstance(op, FullyConnected)
        code, what = (CLASSES, "classes") if classes else (WIDTH, "width")
        yield Difference(code, what, str(width), str(its_width), replace(op, width=its_width))
    if layer.kernel != other.kernel and isinstance(op, Conv | ConvTranspose):
        edited = replace(op, window=_with_kernel(op.window, other.kernel))
        yield Difference(KERNEL, "kernel", sides(layer.kernel), sides(other.kernel), edited)
    yield from _bias(op, layer, other)


def _bias(op: LinearLayer | ChannelConv, layer: Layer, other: Layer) -> Iterator[Difference]:
    bias = "bias" in other.shapes
    if ("bias" in layer.shapes) != bias:
        yield Difference(BIAS, "bias", "no" if bias else "yes", "yes" if bias else "no", replace(op, bias=bias))


def _along_channels(op: ChannelConv, layer: Layer, other: Layer) -> Iterator[Difference]:
    kernel, kernels = other.kernel[0], other.weight[0]
    if kernel != op.kernel:
        edited = replace(op, kernel=kernel, pad=max(op.pad + (kernel - op.kernel) // 2, 0))
        yield Difference(KERNEL, "kernel", str(op.kernel), str(kernel), edited)
    if kernels != op.kernels:
        yield Difference(PARAMETER, "kernels", str(op.kernels), str(kernels), replace(op, kernels=kernels))
    yield from _bias(op, layer, other)


def _width(op: LinearLayer, layer: Layer) -> int:
    """The width of a layer of this kind; a transposed convolution has its outputs in the second axis, by group."""
    if isinstance(op, ConvTranspose) and len(layer.weight) > 1:
        return layer.weight[1] * concrete(op.groups)
    return layer.weight[0]


def _with_kernel(window: Window, kernel: Pair) -> Window:
    """A window with another kernel, whose padding grows with it."""
    (top, left), (height, width) = window.padding.amount, window.kernel
    amount = (max(top + (kernel[0] - height) // 2, 0), max(left + (kernel[1] - width) // 2, 0))
    return replace(
        window, kernel=kernel, padding=replace(window.padding, amount=amount if (top, left) > (0, 0) else (0, 0))
    )


def _groups(
    spec: Graph, ours: Mapping[int, Layer], theirs: Sequence[Layer], pairs: Mapping[int, int]
) -> Iterator[Deviation]:
    """Where all widths are equal, a layer that reads another number of channels has other groups."""
    for index, place in pairs.items():
        node, layer, other = spec.nodes[index], ours[index], theirs[place]
        if not isinstance(node.op, Conv) or len(other.weight) < 2 or layer.weight[1] == other.weight[1]:
            continue
        channels = node.types[0].channels
        if other.weight[1] and channels % other.weight[1] == 0:
            groups = channels // other.weight[1]
            texts = str(channels // layer.weight[1]), str(groups)
            edit = replace(node.op, groups=groups)
            yield Deviation(GROUPS, "groups", *texts, node.row, node.name, other.name, node.origin, index, edit)


def _counted(layer: Layer, sign: int) -> Count:
    """The parameters of a layer; where it stands, and so its multiply-adds, is not in the file."""
    return Count(sign * sum(math.prod(shape) for name, shape in layer.shapes.items() if name in ("weight", "bias")), 0)
