"""Confusion matrix -> SVG: a cell for each pair of classes, coloured by its part of the row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from inception_dsl.emit.charts.pen import STYLE, fitted, number, path, text, wide, wrapped
from inception_dsl.emit.picture.svg import document

STEPS: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""The least part of a row at which a cell has the colour of the same place in `LEVELS`; the first is for any image."""

NAMED: Final = 50
"""The most classes whose names stand at the sides."""

WRITTEN: Final = 15
"""The most classes whose cells have numbers."""

LONGEST: Final = 180
"""The most pixels of a name at a side."""

EDGE: Final = 16

Cells = Mapping[tuple[int, int], int]
"""The images of a class that were predicted as another, or as itself, by the places of the two; none are left out."""


def confusion_svg(title: str, classes: Sequence[str], cells: Cells, styled: bool = True) -> str:
    """The matrix as an SVG file: a row for each class, a column for each prediction.

    With more than 50 classes, they have no names, and cells below 1% of their row are left out.
    """
    rows: Counter[int] = Counter()
    for (label, _), images in cells.items():
        rows[label] += images
    parts = {place: images / rows[place[0]] for place, images in cells.items() if images}
    count, named = len(classes), len(classes) <= NAMED
    side = 40.0 if count <= WRITTEN else 17.0 if named else max(900 / count, 0.6)
    margin = min(LONGEST, max(wide(name, "tick") for name in classes)) + 8 if named else 0
    left = EDGE + 18 + margin
    width = max(left + count * side + EDGE, 580)
    length = number(count * side)
    head = [*wrapped(title, "title", width - 2 * EDGE)]
    top = EDGE + 24 * len(head) + 56.0
    drawn = [text(line, EDGE, EDGE + 14 + 24 * index, "title") for index, line in enumerate(head)]
    drawn += [
        *_legend(top - 46, named),
        *_cells(parts, left, top, side, named),
        *(_numbers(parts, left, top, side) if count <= WRITTEN else []),
        *(_names(classes, left, top, side) if named else []),
        path("line tick", f"M{number(left)} {number(top)}h{length}v{length}h-{length}z"),
        text("class", EDGE + 10, top + count * side / 2, "label", "middle", turned=True),
        text("predicted", left + count * side / 2, top - 8, "label", "middle"),
    ]
    right = sum(images for (label, predicted), images in cells.items() if label == predicted)
    total = sum(rows.values())
    words = f"{total:,} images of {count:,} classes, {right:,} predicted as their class"
    size = width, top + count * side + margin + EDGE
    return document("chart", title, words, size, drawn, STYLE if styled else "")


def _level(part: float) -> int:
    return max(index for index, step in enumerate(STEPS) if part >= step)


def _cells(parts: Mapping[tuple[int, int], float], left: float, top: float, side: float, all_: bool) -> Iterator[str]:
    """A path for each colour, whose strokes are as wide as a cell."""
    strokes: dict[int, list[str]] = {}
    for (label, predicted), part in sorted(parts.items()):
        if (level := _level(part)) or all_:
            x, y = left + predicted * side, top + (label + 0.5) * side
            strokes.setdefault(level, []).append(f"M{number(x)} {number(y)}h{number(side)}")
    for level, data in sorted(strokes.items()):
        yield path(f"line level{level}", "".join(data), side)


def _numbers(parts: Mapping[tuple[int, int], float], left: float, top: float, side: float) -> Iterator[str]:
    for (label, predicted), part in sorted(parts.items()):
        words = "<1" if part < 0.01 else f"{100 * part:.0f}"
        x, y = left + (predicted + 0.5) * side, top + (label + 0.5) * side + 4
        yield f'<g class="on{_level(part)}">{text(words, x, y, "cell", "middle")}</g>'


def _names(classes: Sequence[str], left: float, top: float, side: float) -> Iterator[str]:
    for index, name in enumerate(classes):
        middle = (index + 0.5) * side
        shown = fitted(name, "tick", LONGEST)
        yield text(shown, left - 6, top + middle + 4, "tick", "end")
        yield text(shown, left + middle + 4, top + len(classes) * side + 6, "tick", "end", turned=True)


def _legend(y: float, all_: bool) -> Iterable[str]:
    yield text("part of the class's images, at least", EDGE, y, "label")
    x = EDGE + wide("part of the class's images, at least", "label") + 10
    for level, step in enumerate(STEPS):
        if level or all_:
            words = f"{100 * step:g}%" if level else "any"
            yield path(f"line level{level}", f"M{number(x)} {number(y - 4)}h12", 12)
            yield text(words, x + 16, y, "tick")
            x += 28 + wide(words, "tick")
