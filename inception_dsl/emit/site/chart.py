"""The errors of networks against their multiply-adds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from inception_dsl.emit.charts.axes import costs, percent
from inception_dsl.emit.charts.model import Chart, Dots, Mark, Name, Panel, Point, series
from inception_dsl.emit.site.entry import Entry
from inception_dsl.emit.site.errors import TOPS, PrintedError

CROPS: Final = ("one crop of an image", "several crops, or not stated")
"""What the two kinds of points mean."""

Placed = tuple[Entry, PrintedError]


def error_charts(entries: Iterable[Entry]) -> list[Chart]:
    """A chart for top-5 and one for top-1, of the networks that report such an error; none for an error of nobody."""
    listed = list(entries)
    charts = []
    for at, top in reversed([*enumerate(TOPS)]):
        if placed := [(entry, error) for entry in listed if (error := entry.errors[at])]:
            charts.append(_chart(f"{top.capitalize()} error on ImageNet", placed))
    return charts


def _chart(title: str, placed: Sequence[Placed]) -> Chart:
    points = [_point(entry, error) for entry, error in placed]
    x = costs([x for x, _ in points], "multiply-adds of an image")
    y = costs([y for _, y in points], "", percent)
    description = "; ".join(f"{entry.title} {error.text} at {entry.macs.short}" for entry, error in placed)
    return Chart(title, description, [Panel("", x, y, [*_marks(placed)])], size=(780, 560))


def _marks(placed: Sequence[Placed]) -> Iterator[Mark]:
    for number, label in enumerate(CROPS):
        if own := [(entry, error) for entry, error in placed if (error.crops == 1) == (number == 0)]:
            yield Dots(
                [_point(entry, error) for entry, error in own],
                series(number),
                label,
                size=8,
                names=[_told(entry, error) for entry, error in own],
                links=[entry.page for entry, _ in own],
            )
    for entry, error in placed:
        yield Name(_point(entry, error), entry.title, "many", entry.page)


def _point(entry: Entry, error: PrintedError) -> Point:
    return float(entry.macs.exact), error.number


def _told(entry: Entry, error: PrintedError) -> str:
    return f"{entry.title}: error {error.text}, {entry.macs.short} multiply-adds ({error.measured}; {error.origin})"
