"""The report of a network: the paper's table, what it prints beside what its rows compute, and the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from inception_dsl.analysis.cost import Cost, RowCost, cost
from inception_dsl.emit.citation import citation
from inception_dsl.emit.templates import template
from inception_dsl.ir.program import TOTALS, Claim, Program
from inception_dsl.ir.results import Result
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import (
    MEASURES,
    Printed,
    Verdict,
    column_of,
    compare_cells,
    comparison,
    dropped_sentence,
    parse_cell,
)
from inception_dsl.recipes.recipe import named, recipe
from inception_dsl.text.markdown import escaped, table

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

LONGEST_NOTE: Final = 45
"""Letters of a note that stand in the table of settings. Longer ones follow it."""

ROUNDINGS: Final = {
    "nearest": "Rounded to nearest, half up.",
    "down": "Rounded down.",
    "either": "Rounded to nearest or down.",
}


def report(typed: Typed, rebuild: str = "") -> str:
    """The report as Markdown, ending in one newline: no clock, no version. A comment cites the command `rebuild`."""
    program, verdicts, counted = typed.program, compare_cells(typed), cost(typed)
    classes = program.env.get("classes")
    return template("report/report.md").render(
        file=escaped(program.file),
        rebuild=comment(rebuild),
        title=escaped(program.title or program.name),
        paper=f"Paper: {escaped(cited)}" if (cited := citation(program.paper)) else "",
        input=f"Input {typed.input}" + (f", {classes} classes." if isinstance(classes, int) else "."),
        summary=_summary(verdicts, program.published.dropped),
        table=_claims(typed, verdicts) if verdicts else "",
        errata=[_erratum(cell) for cell in verdicts if cell.verdict == "erratum"],
        totals=_totals(typed, counted),
        rows=_rows(counted.rows),
        fields=_fields(counted.rows),
        memory=_memory(typed, counted),
        training=_training(program),
        reported=_reported(program.reported),
        conventions=[*_columns(typed, verdicts), *CONVENTIONS],
    )


def comment(text: str) -> str:
    """Text of a spec for an HTML comment: nothing in it ends the comment."""
    return "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in text).replace(">", "&gt;")


def _summary(verdicts: Sequence[Verdict], dropped: Sequence[Claim]) -> str:
    """How many printed numbers have each verdict, and which of the base's numbers a variant drops."""
    lost = [escaped(dropped_sentence(dropped))] if dropped else []
    if not verdicts:
        return "\n\n".join(["The paper prints no numbers about this table.", *lost])
    count = Counter(cell.verdict for cell in verdicts)
    errata, mismatches = count["erratum"], count["MISMATCH"]
    parts = [
        f"{count['exact']} exact",
        *([f"{count['rounds']} right when rounded"] if count["rounds"] else []),
        *([f"{errata} known {'erratum' if errata == 1 else 'errata'}"] if errata else []),
        *([f"{mismatches} mismatch{'' if mismatches == 1 else 'es'}"] if mismatches else []),
    ]
    text = f"{len(verdicts)} printed number{'' if len(verdicts) == 1 else 's'}: {', '.join(parts)}."
    if count["exact"] < len(verdicts):
        text += " The verdict and the computed number follow a number that is not exact."
    return "\n\n".join([text, *lost])


def _claims(typed: Typed, verdicts: Sequence[Verdict]) -> str:
    """The numbers as the paper prints them, a line for each row that has any."""
    cells = {(verdict.claim.row, verdict.claim.column): verdict for verdict in verdicts}
    columns = list(dict.fromkeys(column for _, column in cells))
    printed = {row for row, _ in cells}
    rows = [row for row in (*typed.trunk, TOTALS) if row in printed]
    lines = [[escaped(row), *(_cell(cells.get((row, column))) for column in columns)] for row in rows]
    return table(["row", *map(escaped, columns)], lines)


def _cell(verdict: Verdict | None) -> str:
    """What is printed, then the verdict and the computed number unless they are equal."""
    if verdict is None:
        return ""
    printed = escaped(verdict.claim.text)
    match verdict.verdict:
        case "exact":
            return printed
        case "rounds":
            return f"{printed}, rounds {'down ' if verdict.reason == 'down' else ''}{verdict.shown}"
        case "erratum":
            return f"{printed}, erratum: {verdict.shown}"
        case _:
            return f"{printed}, **{verdict.verdict}**: {verdict.shown}"


def _erratum(cell: Verdict) -> str:
    return escaped(f"{cell.claim.row}, {cell.claim.column}: {comparison(cell)}: {cell.reason}")


def _totals(typed: Typed, counted: Cost) -> str:
    heads = [(f"head {escaped(name)}", counted.rows[name]) for name in typed.heads]
    parts = [("trunk", counted.trunk), *heads, *([("all", counted.total)] if heads else [])]
    lines = [
        [name, f"{part.params:,}", f"{part.params - part.biases:,}", f"{part.macs:,}", str(part.depth)]
        for name, part in parts
    ]
    return table(["", "parameters", "without biases", "multiply-adds", "depth"], lines)


def _rows(rows: Mapping[str, RowCost]) -> str:
    lines = [
        [escaped(name), str(row.out), f"{row.params:,}", f"{row.biases:,}", f"{row.macs:,}", str(row.depth)]
        for name, row in rows.items()
    ]
    return table(["row or head", "output", "parameters", "biases", "multiply-adds", "depth"], lines)


def _fields(rows: Mapping[str, RowCost]) -> str:
    lines = [
        [escaped(name), _pair(row.receptive_field), _pair(row.stride), f"{row.activations:,}"]
        for name, row in rows.items()
    ]
    return table(["row or head", "receptive field", "stride", "activations"], lines)


def _pair(pair: tuple[float, float]) -> str:
    return f"{pair[0]}x{pair[1]}"


def _memory(typed: Typed, counted: Cost) -> str:
    heads = [("activations kept in training, with heads", counted.total.activations)] if typed.heads else []
    parts = [
        ("parameters", counted.trunk.params),
        ("activations kept in training", counted.trunk.activations),
        *heads,
        ("inference peak", counted.peak),
    ]
    lines = [[name, f"{number:,}", f"{number * 4 / 2**20:,.2f}"] for name, number in parts]
    return table(["one example, float32", "numbers", "MiB"], lines)


def _training(program: Program) -> str:
    """Every setting of the network's recipe: its value, and where it comes from."""
    found = recipe(program)
    if found is None:
        return ""
    own, name = program.training, program.training.get("recipe", "")
    lines: list[list[str]] = []
    notes: list[str] = []
    for group, values in sorted(found.values.items()):
        for key, value in sorted(values.items()):
            setting = f"{group}.{key}"
            source = escaped(found.notes.get(setting, "")) or _origin(own, name, group, key)
            if len(source) > LONGEST_NOTE:
                notes.append(f"{len(notes) + 1}. {setting}: {source}")
                source = f"note {len(notes)}"
            lines.append([setting, _setting(value), source])
    parts = [f"Recipe {escaped(name)}: {escaped(named(name).source)}"] if name else []
    parts += [f"Source of the spec's own values: {escaped(own['source'])}"] if "source" in own else []
    parts += [table(["setting", "value", "source"], lines, left=3), "\n".join(notes)]
    return "\n\n".join(filter(None, parts))


def _origin(own: Mapping[str, Any], name: str, group: str, key: str) -> str:
    """Where a setting without a note comes from."""
    if key in own.get(group, {}):
        return "the spec"
    if name and key in named(name).values.get(group, {}):
        return "the recipe"
    return "the spec's heads" if key == "heads" else "the spec's input"


def _setting(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return ", ".join(f"{escaped(key)}: {_setting(inner)}" for key, inner in value.items())
        case list() | tuple():
            return ", ".join(map(_setting, value))
        case float():
            return f"{value:g}"
        case _:
            return escaped(str(value))


def _reported(results: Sequence[Result]) -> list[str]:
    """What others measured: a line for the numbers of one measurement, then its conditions and its source."""
    measured: dict[tuple[str, ...], list[str]] = {}
    for result in results:
        conditions = (result.data, result.protocol, result.network, result.source)
        measured.setdefault(conditions, []).append(f"{result.metric} {result.value}")
    return [
        escaped(f"{', '.join(numbers)}: {'; '.join(filter(None, conditions))} ({source})")
        for (*conditions, source), numbers in measured.items()
    ]


def _columns(typed: Typed, verdicts: Sequence[Verdict]) -> list[str]:
    """How each printed column counts."""
    lines = []
    for name in dict.fromkeys(cell.claim.column for cell in verdicts):
        column = column_of(typed.program.published, name)
        line = f"{escaped(name)}: {MEASURES[column.measure].meaning}"
        if column.measure == "params":
            line += " Biases count." if column.bias else " Biases do not count."
        cells = [parse_cell(cell.claim.text, column) for cell in verdicts if cell.claim.column == name]
        units = {number.suffix: number.unit for number in cells if isinstance(number, Printed) and number.suffix}
        line += "".join(f" {suffix} is {unit:,}." for suffix, unit in units.items())
        lines.append(line + (f" {ROUNDINGS[column.rounding]}" if units else ""))
    return lines
