"""What the report and the page of a network both state, as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from inception_dsl.analysis.cost import Cost, RowCost
from inception_dsl.ir.program import Program
from inception_dsl.ir.results import Result
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import MEASURES, WORDING, Judgement, Printed, Verdict, column_of, parse_cell
from inception_dsl.recipes.recipe import named, recipe

CONVENTIONS: Final = (
    "Shapes are height x width x channels of one example. A vector is 1x1xN.",
    "Parameters are the numbers that training changes: weights, biases, and the scale and shift of a batch norm, but "
    "not its running statistics. A bias is a parameter of which there is one per channel.",
    "Multiply-adds are those of convolutions and fully connected layers: one for each weight and output pixel. Biases, "
    "norms, activations and pooling count none.",
    "Depth is the longest path, in layers with weights. A depthwise separable convolution is one layer. The depth of a "
    "head counts from the row that it reads.",
    "Activations are the numbers that a row's ops write in training. A ReLU writes in place if nothing else reads its "
    "input. The image, dropout masks and pooling indices are not counted.",
    "The inference peak is the largest number of values alive at once, with the image and without heads, if the ops "
    "run in the order of the table. Weights are not counted.",
    "The receptive field is the part of the input that one output pixel depends on, height x width in pixels, padding "
    "included. The stride is the distance in the input between neighbouring output pixels.",
)

ROUNDINGS: Final = {
    "nearest": "Rounded to nearest, half up.",
    "down": "Rounded down.",
    "either": "Rounded to nearest or down.",
}


class Tally(NamedTuple):
    """How many printed numbers have a verdict, with its words and its mark."""

    verdict: Judgement
    number: int
    words: str
    mark: str


class Setting(NamedTuple):
    """A setting of a recipe, and where its value comes from."""

    name: str
    value: str
    source: str


class Reported(NamedTuple):
    """The numbers of one measurement by others, its conditions, and who states them."""

    numbers: str
    conditions: str
    source: str


def tallies(verdicts: Sequence[Verdict]) -> list[Tally]:
    """The number of exact verdicts, and of the others that occur."""
    found = Counter(cell.verdict for cell in verdicts)
    return [
        Tally(verdict, n, wording.one if n == 1 else wording.several, wording.mark)
        for verdict, wording in WORDING.items()
        if (n := found[verdict]) or verdict == "exact"
    ]


def occurring(verdicts: Sequence[Verdict]) -> list[Tally]:
    """The numbers of the verdicts that occur."""
    return [tally for tally in tallies(verdicts) if tally.number]


def totals(typed: Typed, counted: Cost) -> list[tuple[str, RowCost]]:
    """The costs of the trunk, of the heads and of all."""
    heads = [(f"head {name}", counted.rows[name]) for name in typed.heads]
    return [("trunk", counted.trunk), *heads, *([("all", counted.total)] if heads else [])]


def memory(typed: Typed, counted: Cost) -> list[tuple[str, int]]:
    """What one example needs, in numbers of four bytes."""
    heads = [("activations kept in training, with heads", counted.total.activations)] if typed.heads else []
    return [
        ("parameters", counted.trunk.params),
        ("activations kept in training", counted.trunk.activations),
        *heads,
        ("inference peak", counted.peak),
    ]


def settings(program: Program) -> list[Setting]:
    """Every setting of the network's recipe; empty if it has none."""
    found = recipe(program)
    if found is None:
        return []
    own, name = program.training, program.training.get("recipe", "")
    return [
        Setting(f"{group}.{key}", _spelled(value), found.notes.get(f"{group}.{key}") or _origin(own, name, group, key))
        for group, values in sorted(found.values.items())
        for key, value in sorted(values.items())
    ]


def sources(program: Program) -> Iterator[tuple[str, str]]:
    """What states the recipe, and what the spec's own values."""
    own = program.training
    if name := own.get("recipe", ""):
        yield f"Recipe {name}", named(name).source
    if "source" in own:
        yield "Source of the spec's own values", own["source"]


def reported(results: Sequence[Result]) -> list[Reported]:
    """What others measured; numbers of one measurement stand together."""
    measured: dict[tuple[str, ...], list[str]] = {}
    for result in results:
        conditions = (result.data, result.protocol, result.network, result.source)
        measured.setdefault(conditions, []).append(f"{result.metric} {result.value}")
    return [
        Reported(", ".join(numbers), "; ".join(filter(None, conditions)), source)
        for (*conditions, source), numbers in measured.items()
    ]


def columns(typed: Typed, verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str]]:
    """Every printed column, and how it counts."""
    for name in dict.fromkeys(cell.claim.column for cell in verdicts):
        column = column_of(typed.program.published, name)
        text = MEASURES[column.measure].meaning
        if column.measure == "params":
            text += " Biases count." if column.bias else " Biases do not count."
        cells = [parse_cell(cell.claim.text, column) for cell in verdicts if cell.claim.column == name]
        units = {number.suffix: number.unit for number in cells if isinstance(number, Printed) and number.suffix}
        text += "".join(f" {suffix} is {unit:,}." for suffix, unit in units.items())
        yield name, text + (f" {ROUNDINGS[column.rounding]}" if units else "")


def _origin(own: Mapping[str, Any], name: str, group: str, key: str) -> str:
    """Where a setting without a note comes from."""
    if key in own.get(group, {}):
        return "the spec"
    if name and key in named(name).values.get(group, {}):
        return "the recipe"
    return "the spec's heads" if key == "heads" else "the spec's input"


def _spelled(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return ", ".join(f"{key}: {_spelled(inner)}" for key, inner in value.items())
        case list() | tuple():
            return ", ".join(map(_spelled, value))
        case float():
            return f"{value:g}"
        case _:
            return str(value)
