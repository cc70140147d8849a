"""Rows or columns of an image as channels: axes that stay exchanged where no layout explains them."""

from __future__ import annotations

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Permute, Slice
from inception_dsl.interchange.recognise.layout import CHANNELS_LAST, FIRST, LAST, channels_first
from inception_dsl.ir.ops import shaping
from inception_dsl.ir.ops.channels import ChannelPart, ChannelSlice


def of_layer(graph: Builder, added: Added) -> int | None:
    """A layer of the language that exchanges axes, which joins others of its like as those of a source do."""
    assert isinstance(added.op, shaping.Permute)
    return graph.add(added.name, Permute(added.op.axes), *added.inputs)


def part_of_rows(graph: Builder, added: Added) -> int | None:
    """A layer that takes a range of the channels, on an image whose rows they are: as sources take ranges of rows."""
    op, (index,) = added.op, added.inputs
    if len(graph.type_of(index).shape) != 3 or channels_first(graph, index) is None:
        return None
    match op:
        case ChannelPart((part, parts)):
            width = graph.type_of(index).channels // parts
            return graph.add(added.name, Slice(0, (part - 1) * width, part * width), index)
        case ChannelSlice(int(width), int(start)):
            return graph.add(added.name, Slice(0, start, start + width), index)
    return None


def over_columns(graph: Builder, added: Added) -> int | None:
    """A norm or a product over the last axis of an image that has no channels there: its columns become channels."""
    (index,) = added.inputs
    if len(graph.type_of(index).shape) != 3 or channels_first(graph, index) is not None:
        return None
    columns = graph.add(f"{added.name}/columns", Permute(FIRST), index)
    found = CHANNELS_LAST.repeat(graph, added, [columns])
    return None if found is None else graph.add(f"{added.name}/layout", Permute(LAST), found)
