"""The report of a network: the paper's table, what it prints beside what its rows compute, and the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from inception_dsl.analysis.cost import Cost, RowCost, cost
from inception_dsl.emit.citation import citation
from inception_dsl.emit.templates import template
from inception_dsl.ir.program import Claim
from inception_dsl.ir.shapes import Pair, TensorType
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import (
    MEASURES,
    TOTALS,
    Printed,
    Verdict,
    column_of,
    compare_cells,
    comparison,
    dropped_sentence,
    parse_cell,
)
from inception_dsl.text.markdown import escaped, table

CONVENTIONS: Final = (
    "Shapes are height x width x channels of one example; a vector is 1x1xN.",
    "Parameters are the numbers that training changes: weights, biases, and the scale and shift of a batch norm, but "
    "not its running statistics. Biases are those of them that stand one per channel.",
    "Multiply-adds are those of convolutions and fully connected layers, one for each weight and output pixel; biases, "
    "norms, activations and pooling count none.",
    "Depth is the longest path in layers with weights, a depthwise separable convolution being one; that of a head "
    "counts from the row it leaves.",
    "Activations are the numbers that the ops of a row write in training, where a ReLU that alone reads its input "
    "writes over it; the image, the masks of dropout and the indices of pooling are not counted.",
    "The inference peak is the most numbers alive at once, the image included, with heads left out and the ops run in "
    "the order of the table; weights are not counted.",
    "The receptive field is what one output pixel depends on, height x width in pixels of the input, borders and all; "
    "the stride is how far neighbouring output pixels are apart there.",
)

ROUNDINGS: Final = {
    "nearest": "Rounded to nearest, half up.",
    "down": "Rounded down.",
    "either": "Rounded to nearest or down.",
}


def report(typed: Typed, rebuild: str = "") -> str:
    """The report as Markdown, ending in one newline: no clock, no version. A comment cites the command `rebuild`."""
    program, held, counted = typed.program, compare_cells(typed), cost(typed)
    classes = program.env.get("classes")
    return template("report/report.md").render(
        file=escaped(program.file),
        rebuild=comment(rebuild),
        title=escaped(program.title or program.name),
        paper=f"Paper: {escaped(cited)}" if (cited := citation(program.paper)) else "",
        input=f"Input {typed.input}" + (f", {classes} classes." if isinstance(classes, int) else "."),
        summary=_summary(held, program.published.dropped),
        table=_claims(typed, held, counted),
        errata=[_erratum(each) for each in held if each.verdict == "erratum"],
        totals=_totals(typed, counted),
        rows=_rows(counted.rows),
        memory=_memory(typed, counted),
        training=_training(program.training),
        conventions=[*_columns(typed, held), *CONVENTIONS],
    )


def comment(text: str) -> str:
    """Text of a spec for an HTML comment: nothing in it ends the comment."""
    return "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in text).replace(">", "&gt;")


def _summary(held: Sequence[Verdict], dropped: Sequence[Claim]) -> str:
    lost = f" {escaped(dropped_sentence(dropped))}" if dropped else ""
    if not held:
        return f"The paper prints no numbers about this table.{lost}"
    count = Counter(each.verdict for each in held)
    return (
        f"Of {len(held)} printed cells, {count['exact']} are exact, {count['rounds']} are right when rounded, "
        f"{count['erratum']} are known errata, and {count['MISMATCH'] or 'none'} mismatch.{lost}"
    )


def _claims(typed: Typed, held: Sequence[Verdict], counted: Cost) -> str:
    """One line a row of the paper: its output, then for each printed column what is printed, computed, and held."""
    cells = {(each.claim.row, each.claim.column): each for each in held}
    printed = {each.claim.column: column_of(typed.program.published, each.claim.column) for each in held}
    outputs = [name for name, column in printed.items() if column.measure == "output"]
    numbers = {name: column for name, column in printed.items() if column.measure != "output"}
    header = ["row", "output", *("verdict" for _ in outputs)]
    for name in numbers:
        header += [escaped(name), "computed", "verdict"]
    lines = []
    names = [*typed.trunk, *([TOTALS] if any(row == TOTALS for row, _ in cells) else [])]
    for row in names:
        costs = counted.trunk if row == TOTALS else counted.rows[row]
        line = [escaped(row), "" if row == TOTALS else str(costs.out)]
        line += [_held(cells.get((row, name))) for name in outputs]
        for name, column in numbers.items():
            computed = MEASURES[column.measure].of(costs, column)
            if cell := cells.get((row, name)):
                line += [escaped(cell.claim.text), cell.shown, _held(cell)]
            else:
                line += ["", f"{computed:,}" if computed else "", ""]
        lines.append(line)
    return table(header, lines)


def _held(cell: Verdict | None) -> str:
    if cell is None:
        return ""
    if cell.verdict == "rounds":
        return "rounds down" if cell.reason == "down" else "rounds"
    text = "**MISMATCH**" if cell.verdict == "MISMATCH" else cell.verdict
    wrong = cell.verdict in ("MISMATCH", "erratum")
    # the column of a shape shows the computed one
    return f"{text}: printed {escaped(cell.claim.text)}" if wrong and isinstance(cell.computed, TensorType) else text


def _erratum(cell: Verdict) -> str:
    return escaped(f"{cell.claim.row}, {cell.claim.column}: {comparison(cell)}: {cell.reason}")


def _totals(typed: Typed, counted: Cost) -> str:
    heads = [(f"head {escaped(name)}", counted.rows[name]) for name in typed.heads]
    parts = [("trunk", counted.trunk), *heads, *([("all", counted.total)] if heads else [])]
    lines = [
        [name, f"{each.params:,}", f"{each.params - each.biases:,}", f"{each.macs:,}", str(each.depth)]
        for name, each in parts
    ]
    return table(["", "parameters", "without biases", "multiply-adds", "depth"], lines)


def _rows(rows: Mapping[str, RowCost]) -> str:
    lines = [
        [
            *(escaped(name), str(row.out), f"{row.params:,}", f"{row.biases:,}", f"{row.macs:,}", str(row.depth)),
            *(f"{row.activations:,}", _pair(row.receptive_field), _pair(row.stride)),
        ]
        for name, row in rows.items()
    ]
    header = ["row or head", "output", "parameters", "of them biases", "multiply-adds", "depth"]
    return table([*header, "activations", "receptive field", "stride"], lines)


def _pair(pair: Pair) -> str:
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


def _training(data: Mapping[str, Any]) -> str:
    """Every setting of the recipe that the spec gives or has a note on, below where they are from."""
    notes = data.get("notes", {})
    groups = {group: said for group, said in data.items() if isinstance(said, dict) and group != "notes"}
    given = {f"{group}.{key}": _setting(value) for group, said in groups.items() for key, value in said.items()}
    recipe = [["recipe", escaped(data["recipe"]), ""]] if "recipe" in data else []
    rows = [[escaped(key), given.get(key, ""), escaped(notes.get(key, ""))] for key in sorted({*given, *notes})]
    source = f"Source: {escaped(data['source'])}.\n\n" if "source" in data else ""
    return source + table(["setting", "value", "note"], [*recipe, *rows]) if data else ""


def _setting(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return ", ".join(f"{escaped(key)}: {_setting(each)}" for key, each in value.items())
        case list():
            return ", ".join(map(_setting, value))
        case float():
            return f"{value:g}"
        case _:
            return escaped(str(value))


def _columns(typed: Typed, held: Sequence[Verdict]) -> list[str]:
    """How each printed column counts."""
    lines = []
    for name in dict.fromkeys(each.claim.column for each in held):
        column = column_of(typed.program.published, name)
        line = f"{escaped(name)}: {MEASURES[column.measure].meaning}"
        if column.measure == "params":
            line += " Biases count." if column.bias else " Biases do not count."
        cells = [parse_cell(each.claim.text, column) for each in held if each.claim.column == name]
        units = {cell.suffix: cell.unit for cell in cells if isinstance(cell, Printed) and cell.suffix}
        line += "".join(f" {suffix} is {unit:,}." for suffix, unit in units.items())
        lines.append(line + (f" {ROUNDINGS[column.rounding]}" if units else ""))
    return lines
