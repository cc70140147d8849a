"""How PyTorch's layers take a window: kernel, stride and padding."""

from __future__ import annotations

from inception_dsl.emit.python import Item
from inception_dsl.ir.ops.linear import ConvTranspose
from inception_dsl.ir.shapes import Pair, Window


def window_items(window: Window, pool: bool = False) -> list[Item]:
    """Stride and padding, as PyTorch's layers take them."""
    items: list[Item] = []
    if pool or window.stride != (1, 1):
        items.append(("stride", pair(window.stride)))
    padding = window.padding.amount
    if window.padding.kind != "pad" and not window.pads_unevenly:
        padding = (window.reach[0] // 2, window.reach[1] // 2)
    if padding != (0, 0):
        items.append(("padding", pair(padding)))
    if window.padding.ceil:
        items.append(("ceil_mode", "True"))
    return items


def transposed_items(conv: ConvTranspose) -> list[Item]:
    """Stride, padding and output padding of `nn.ConvTranspose2d`, and what is cut off after it.

    torch cuts off as much before as after, and then adds pixels below and on the right.
    """
    items: list[Item] = [("stride", pair(conv.window.stride))] if conv.window.stride != (1, 1) else []
    (top, bottom), (left, right) = conv.cut
    added = max(top - bottom, 0), max(left - right, 0)
    cut = max(bottom - top, 0), max(right - left, 0)
    items += [("padding", pair((top, left)))] if (top, left) != (0, 0) else []
    items += [("output_padding", pair(added))] if added != (0, 0) else []
    return [*items, ("cut", str(cut))] if cut != (0, 0) else items


def pair(sides: Pair) -> str:
    """One number for two that are equal, otherwise both."""
    return str(sides[0]) if sides[0] == sides[1] else f"({sides[0]}, {sides[1]})"
