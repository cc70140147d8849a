"""The base class of every operation: shape, weights, work and receptive field."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Literal, Self

from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE
from inception_dsl.ir.shapes import ReceptiveFields, TensorType, Weight
from inception_dsl.ir.values import Scalar, Value, ValueFault, Width, evaluate


@dataclass(frozen=True)
class Op:
    """An operation; by default it keeps the shape, and has no weights and no multiply-adds."""

    name: ClassVar[str]
    depth: ClassVar[int] = 0
    """What it adds to a network's depth, as papers count: 1 for layers with weights."""

    storage: ClassVar[Literal["own", "view", "in_place"]] = "own"
    """Where its output lies: in its own memory, in its input's, or over its input if nothing else reads that."""
    needs_input: ClassVar[bool] = False
    """Whether the backward pass reads its input again, so that in training its output lies in its own memory."""

    operands: ClassVar[tuple[str, ...]] = ()
    """What it reads beside what arrives: values given before, by the words that name them."""

    training_only: ClassVar[bool] = False
    """Whether it passes its input through in inference."""

    def varying(self, axes: frozenset[int]) -> frozenset[int]:
        """The axes of its output whose size depends on that of the image at hand, given those of its inputs.

        The channels are 0, the rows 1 and the columns 2.
        """
        return axes

    def infer(self, *inputs: TensorType) -> TensorType:
        """The output shape; raises `ShapeError` for inputs it cannot take."""
        return inputs[0]

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        """Its tensors, by the last part of their name in a state_dict."""
        return {}

    def macs(self, *inputs: TensorType) -> int:
        """Multiply-adds for one example; bias, normalisation, activation and pooling count none."""
        return 0

    def layers(self, *inputs: TensorType) -> int:
        """What it adds to the depth of a network with these inputs."""
        return self.depth

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        """The receptive field of its output, given that of its single input, of shape `image`."""
        return before

    def receptive_field_of(self, types: Sequence[TensorType], before: Sequence[ReceptiveFields]) -> ReceptiveFields:
        """The receptive field of its output, given those of its inputs, of shapes `types`."""
        return self.receptive_field(types[0], before[0])

    def channels(self, *inputs: Width) -> Width:
        """The output channels for input channels that may be symbolic."""
        return inputs[0]

    def bind(self, env: Mapping[str, Scalar | None]) -> Self:
        """The op with numbers for its symbolic widths; raises `ValueFault` E207 for one that is not a width."""
        bound = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Value):
                number = evaluate(value, env)
                least = field.metadata.get("least", 1)
                if not isinstance(number, int) or number < least:
                    hint = "write `{round(...)}` around it" if isinstance(number, float) and number >= 0.5 else ""
                    what = "a width must be a whole number above 0" if least else f"`{field.name}` must be 0 or more"
                    raise ValueFault(CANNOT_EVALUATE, f"{what}, not {number}", value.at, help=hint)
                bound[field.name] = number
        return replace(self, **bound) if bound else self


def single(number: float) -> float:
    """A number as float32 holds it, in which torch computes and ONNX keeps the attributes of an op."""
    rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    return rounded


def concrete(width: Width) -> int:
    """The number that a width is once bound."""
    if not isinstance(width, int):
        raise TypeError(f"{width} is symbolic: bind the op first")
    return width
