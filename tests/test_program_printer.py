"""A program's text, whose hash tells one run's network from another's: every field of every op is in it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from builders import OPS

from inception_dsl.elaborate.printer import print_program
from inception_dsl.emit.runner.runner import fingerprint
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.activations import LeakyReLU, PReLU, ReLU
from inception_dsl.ir.ops.channels import ChannelConv, ChannelPart, ChannelShuffle, ChannelSlice
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected
from inception_dsl.ir.ops.norms import LRN, BatchNorm, GroupNorm, LayerNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool, Unpool
from inception_dsl.ir.ops.regularisation import Dropout, DropPath
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle, Resize
from inception_dsl.ir.ops.scaling import Affine, Scale
from inception_dsl.ir.ops.shaping import ORDERS, Crop, Pad, Permute, Shift
from inception_dsl.ir.program import Layer, Paper, Program, Row
from inception_dsl.ir.shapes import Padding, TensorType, Window
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import Name

IMAGE = TensorType((8, 32, 32))
WINDOW = Window((3, 3))
MADE: dict[type[Op], tuple[Op, ...]] = {
    Conv: (Conv(8, WINDOW), Conv(Name("in"), WINDOW, Name("in"), bias=True)),
    ConvTranspose: (
        ConvTranspose(8, WINDOW, output_padding=(1, 0)),
        ConvTranspose(Name("in"), WINDOW, Name("in"), bias=True),
    ),
    BatchNorm: (BatchNorm(),),
    GroupNorm: (GroupNorm(2), GroupNorm(Name("in"))),
    LayerNorm: (LayerNorm(),),
    LRN: (LRN(),),
    LeakyReLU: (LeakyReLU(0.25),),
    PReLU: (PReLU(),),
    ChannelPart: (ChannelPart((1, 2)),),
    ChannelSlice: (ChannelSlice(2, 2), ChannelSlice(Name("in"), Name("in"))),
    ChannelShuffle: (ChannelShuffle(2),),
    ChannelConv: (ChannelConv(5, pad=2), ChannelConv(8, 2, 3, Name("in"), bias=True)),
    Shift: (Shift(1),),
    Crop: (Crop((1, 1)), Crop((1, 2), bottom=True, right=True)),
    Pad: (Pad((1, 2), top=True, left=True),),
    MaxPool: (MaxPool(None), MaxPool(WINDOW)),
    Unpool: (Unpool(WINDOW),),
    AvgPool: (AvgPool(None), AvgPool(None, to=(2, 3)), AvgPool(WINDOW)),
    Dropout: (Dropout(),),
    FullyConnected: (FullyConnected(8),),
    Scale: (Scale(0.5),),
    Affine: (Affine(),),
    DropPath: (DropPath(), DropPath(Name("rate"))),
    PixelShuffle: (PixelShuffle(2),),
    PixelUnshuffle: (PixelUnshuffle(2),),
    Permute: (Permute("HCW"), Permute("WCH")),
    Resize: (Resize((2, 3), bilinear=True), Resize(to=(4, 5))),
}
"""Ops with fields, in every form that they take."""


def program(*ops: Op) -> Program:
    """A network of one layer."""
    rows = (Row("layer", Layer(ops)),)
    return Program("tiny", "tiny.yaml", "tiny", Paper(), IMAGE, {"classes": 10}, {}, rows)


def text(*ops: Op) -> str:
    """What a network of one layer prints."""
    return print_program(program(*ops))


def others(value: Any) -> list[Any]:
    """Other values of a field."""
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 2]
        case float():
            return [value / 2, value + 0.125]
        case Name():
            return [8, Name("classes")]
        case None:
            return [WINDOW]
        case str():
            return [order for order in ORDERS if order != value]
        case (height, width):
            return [(height + 1, width), (height, width + 1)]
        case Padding():
            amounts = [Padding("pad", (1, 0)), Padding("pad", (0, 1)), Padding("pad", (1, 1))]
            return [
                Padding("same"),
                Padding("same_upper"),
                Padding(ceil=True),
                *amounts,
                Padding("pad", (1, 1), ceil=True),
            ]
        case Window():
            return [
                replace(value, **{field.name: new})
                for field in fields(value)
                for new in others(getattr(value, field.name))
            ]
        case _:
            raise TypeError(value)


def changed(op: Op) -> list[Op]:
    """An op with each of its fields changed in turn, where that is another op."""
    sides = ("factor", "to") if isinstance(op, Resize) else ()  # of which one is given
    given = [field for field in fields(op) if field.name not in sides or getattr(op, field.name)]
    forms = [replace(op, **{field.name: new}) for field in given for new in others(getattr(op, field.name))]
    return [form for form in forms if form != op]


def test_every_op_with_fields_is_tried() -> None:
    assert MADE.keys() == {op for op in OPS if fields(op)}


@pytest.mark.parametrize("op", [op for made in MADE.values() for op in made], ids=str)
def test_a_change_of_any_field_is_another_text(op: Op) -> None:
    """Alone, and after a convolution where it can stand there."""
    forms = [op, *changed(op)]
    layers: list[tuple[Op, ...]] = [(form,) for form in forms]
    if isinstance(op, BatchNorm):
        layers += [(Conv(8, WINDOW), form, ReLU()) for form in forms]

    assert len({text(*layer) for layer in layers}) == len(layers)


@dataclass(frozen=True)
class Leaky(Op):
    """An op that nothing here knows."""

    name = "leaky"
    slope: float = 0.01
    inplace: bool = False
    at: tuple[int, int] = (0, 0)


@pytest.mark.parametrize("op", [Leaky(slope=0.3), Leaky(inplace=True), Leaky(at=(0, 1))], ids=str)
def test_a_field_that_the_printer_does_not_know_is_printed(op: Op) -> None:
    """A new op needs no line in the printer: its fields stand as they are called."""
    assert text(op) != text(Leaky())
    assert text(Conv(8, WINDOW), op) != text(Conv(8, WINDOW), Leaky())
    assert fingerprint(typed(op)) != fingerprint(typed(Leaky()))


def test_a_field_that_cannot_be_printed_is_a_fault() -> None:
    """Rather than a text without it."""

    @dataclass(frozen=True)
    class Odd(Op):
        name = "odd"
        what: object = None

    with pytest.raises(TypeError, match="cannot be printed"):
        text(Odd({1}))


def typed(op: Op) -> Typed:
    """A network of one op that keeps the shape."""
    return Typed(program(op), IMAGE, (), {})
