"""A network at a glance: a bar for every row, as high as its output and as wide as it is deep."""

from __future__ import annotations

import math
from typing import Final

from inception_dsl.analysis.cost import Cost
from inception_dsl.emit.figures.diagram import network_figure
from inception_dsl.emit.figures.model import Element, Fork, Frame
from inception_dsl.emit.templates import markup
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.typed import Typed

HEIGHT: Final = 30
WIDTH: Final = 120
"""The most pixels; those of a deeper network are narrower."""

LAYER: Final = 2
"""The width of a layer with weights."""

LEAST: Final = 3
"""The width of a bar without any."""


def silhouette(typed: Typed, cost: Cost) -> str:
    """The rows as bars with the colours of figures; their heights grow as the root of the side of the output."""
    tallest = _side(typed.input)
    bars, x = [], 0.0
    unit = min(1.0, WIDTH / sum(_width(cost.rows[name].depth) + 1 for name in typed.trunk))
    (trunk,) = network_figure(typed).trunks
    for row in trunk.rows:
        width = _width(cost.rows[row.name].depth) * unit
        height = LEAST + (HEIGHT - LEAST) * min(1.0, math.sqrt(_side(typed.out(row.name)) / tallest))
        y = (HEIGHT - height) / 2
        bars.append(
            f'<rect class="{_kind(row.element)}" x="{x:.4g}" y="{y:.3g}" width="{width:.3g}" height="{height:.3g}"/>'
        )
        x += width + unit
    size = f'width="{math.ceil(x)}" height="{HEIGHT}" viewBox="0 0 {math.ceil(x)} {HEIGHT}"'
    return markup(f'<svg class="figure silhouette" {size} aria-hidden="true">{"".join(bars)}</svg>')


def _side(shape: TensorType) -> float:
    """The side of a square of as many pixels; 1 for a vector."""
    return math.sqrt(math.prod(shape.shape[1:]))


def _width(depth: int) -> float:
    return LEAST + LAYER * (depth - 1) if depth else LEAST


def _kind(element: Element) -> str:
    return "module" if isinstance(element, Frame | Fork) else element.kind
