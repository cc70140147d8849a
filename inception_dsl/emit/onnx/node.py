"""What a rule of ONNX is given, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.ir.shapes import Pair, TensorType

REDUCTION_AXES: Final = 18
"""The first opset whose reductions take their axes as an input."""


class OnnxNode(NamedTuple):
    """A node of ONNX. Unless it names its `inputs`, they are the op's inputs, its `constants`, and the op's weights.

    Inputs are named `x` (the op's own input; `x2`, `x3` where it has more), by the op's weights (`weight`), by the
    `constants` of this node or an earlier one of the op, and by the `name` of an earlier node of the op, whose output
    it is; by `second`, a second output of it.
    """

    op_type: str
    attributes: Mapping[str, pb.Parameter] = {}
    constants: Mapping[str, pb.Constant] = {}
    inputs: tuple[str, ...] = ()
    name: str = ""
    second: str = ""


Spelling = OnnxNode | list[OnnxNode]
"""How ONNX spells an op: as one node, or as several, of which the last gives the op's output."""


class Site(NamedTuple):
    """Where a node stands: its input types, whether their image size is dynamic, and the opset."""

    types: Sequence[TensorType]
    dynamic: bool
    opset: int


def over_image(weight: str) -> OnnxNode:
    """The node `WEIGHT_image`: a weight of one number for each channel, with the axes of an image after them."""
    axes = f"{weight}_axes"
    return OnnxNode("Unsqueeze", {}, {axes: pb.Integers((1, 2))}, (weight, axes), f"{weight}_image")


def over_channels(reduction: str, site: Site) -> OnnxNode:
    """The node that reduces `x` over its channels, which stay as one."""
    if site.opset < REDUCTION_AXES:
        return OnnxNode(reduction, {"axes": (1,)}, inputs=("x",))
    return OnnxNode(reduction, {}, {"axes": pb.Integers((1,))}, ("x", "axes"))


def slice_of(ranges: Mapping[int, Pair]) -> OnnxNode:
    """The node that takes a range of some axes, by their numbers: from the first number to before the second."""
    starts, ends = zip(*ranges.values(), strict=True)
    return OnnxNode(
        "Slice",
        constants={
            name: pb.Integers(tuple(numbers))
            for name, numbers in (("starts", starts), ("ends", ends), ("axes", tuple(ranges)))
        },
    )
