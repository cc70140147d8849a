"""The rows of a paper's table as rows of a spec."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from inception_dsl.authoring.transcription.columns import ARGUMENTS, POOLS, Column, Row, Table, is_argument, pooled
from inception_dsl.authoring.transcription.words import Kind, kind, patch, with_patch
from inception_dsl.ir import names
from inception_dsl.ir.shapes import Pair
from inception_dsl.spec.models import Spec
from inception_dsl.tables.grid import Cell
from inception_dsl.tables.kinds import IMAGE, NUMBER, SHAPE, whole


class Layer(NamedTuple):
    """A row of a paper's table, read: what it is, its window and width, and what is printed about it.

    `image` is the size of its output, and `channels` their number, None where the table does not print them. `values`
    are the cells that fill a module, `others` those in the same columns which are not numbers, and `text` what its type
    and patch say.
    """

    name: str
    kind: Kind
    kernel: Pair | None
    stride: int | None
    width: int | None
    image: Pair | None
    channels: int | None
    values: Mapping[str, str]
    others: Mapping[str, str]
    printed: Mapping[str, str]
    text: str
    place: Cell
    marks: Mapping[str, str]


def layers(table: Table) -> list[Layer]:
    """Read the rows; one that only shows the input is left out."""
    kinds = [with_patch(kind(_type(row, table)), _patch(row, table)) for row in table.rows]
    rows_names = _names(kinds, table)
    return [
        _layer(i, row, kinds[i], name, table)
        for i, (row, name) in enumerate(zip(table.rows, rows_names, strict=True))
        if kinds[i].layer != "input"
    ]


def input_shape(table: Table) -> tuple[int, int, int] | None:
    """Height, width and channels of the network's input, if the table prints them."""
    shown = next((row for row in table.rows if kind(_type(row, table)).layer == "input"), None)
    row, column = shown or table.rows[0], table.first("output" if shown else "input") or table.first("input")
    if column and (shape := SHAPE.fullmatch(row.cells[column.at].text)):
        return int(shape[1]), int(shape[2]), int(shape[3])
    if shown and (image := re.search(rf"\b{IMAGE.pattern}\b", _type(shown, table))):  # `input (224x224 RGB image)`
        return int(image[1]), int(image[2]), 3
    return None


def _type(row: Row, table: Table) -> str:
    """What the table says that a row is; empty where its rows have names alone."""
    column = table.first("type") or (None if _is_named(table) else table.first("name"))
    return row.cells[column.at].text if column else ""


def _patch(row: Row, table: Table) -> str:
    column = table.first("patch")
    return row.cells[column.at].text if column else ""


def _layer(index: int, row: Row, found: Kind, name: str, table: Table) -> Layer:
    cells = {column.role: row.cells[column.at].text for column in reversed(table.columns)}
    kernel, stride = patch(cells.get("patch", ""))
    number = whole(cells.get("stride", ""))
    shape = cells.get("output", "") or _next_input(index, table)
    image, channels = _shape(shape)
    width = whole(cells.get("width", "")) or found.width or channels
    printed = {"output": f"{image[0]}x{image[1]}x{channels}"} if image and channels else {}
    values = dict(_values(row, table))
    others = {name: value for name, value in values.items() if value and not is_argument(value)}
    for column in table.of("depth", "params", "ops"):
        text = row.cells[column.at].text
        if NUMBER.fullmatch(text):
            printed[column.name] = text if text[-1].isalpha() else f"{text}{column.unit}"
        elif text:
            others[column.name] = text
    marks = {c.heading: row.cells[c.at].marks for c in table.columns if row.cells[c.at].marks}
    text = " ".join(filter(None, (cells.get("type", ""), cells.get("patch", ""))))
    return Layer(
        name,
        found,
        kernel or found.kernel,
        stride or number or found.stride,
        width,
        image,
        channels,
        {name: value for name, value in values.items() if is_argument(value) or value in POOLS},
        {name: value for name, value in others.items() if value not in POOLS},
        printed,
        text,
        row.written[0],
        marks,
    )


def _next_input(index: int, table: Table) -> str:
    """The output of a row, where a table prints the input of the next one."""
    column = table.first("input")
    if column is None or table.first("output") or index + 1 >= len(table.rows):
        return ""
    return table.rows[index + 1].cells[column.at].text


def _shape(text: str) -> tuple[Pair | None, int | None]:
    if shape := SHAPE.fullmatch(text):
        return (int(shape[1]), int(shape[2])), int(shape[3])
    if image := IMAGE.fullmatch(text):
        return (int(image[1]), int(image[2])), None
    number = whole(text)
    return ((1, 1), number) if number else (None, None)


def _values(row: Row, table: Table) -> Iterator[tuple[str, str]]:
    for column in table.of(*ARGUMENTS, "pool"):
        text = row.cells[column.at].text.replace(",", "")
        if any(c.role == "pool" and c.at == column.at for c in table.columns):
            pool, width = pooled(text)
            text = pool if column.role == "pool" else width
        yield column.name, text


def _names(kinds: Sequence[Kind], table: Table) -> list[str]:
    """Names of rows: those that the table has, or what they are, numbered where there are several."""
    column = table.first("name") if table.first("type") or _is_named(table) else None
    totals = Counter(found.base for found in kinds if not found.label)
    seen: Counter[str] = Counter()
    taken = {*Spec.model_fields}  # questions about rows and keys stay apart
    chosen = []
    for found, row in zip(kinds, table.rows, strict=True):
        own = row.cells[column.at].text if column else ""
        if own:
            name = names.from_column(own).lower()
        elif found.label:
            name = f"{found.base}_{found.label}" if not found.layer else f"{found.base}{found.label}"
        else:
            seen[found.base] += 1
            name = f"{found.base}{seen[found.base]}" if totals[found.base] > 1 else found.base
        name = name[: names.MAX_NAME - 6]
        name = f"{name}_" if names.problem(name) else name
        base, count = name, 2
        while name in taken:
            name, count = f"{base}_{count}", count + 1
        taken.add(name)
        chosen.append(name)
    return chosen


def _is_named(table: Table) -> bool:
    """Whether the column of names is not also the only one that says what the rows are."""
    return table.first("type") is None and not table.of("patch", "output", "input")


def filled(rows: Sequence[Layer], columns: Sequence[Column]) -> list[Column]:
    """The columns that some of the rows fill; a zero fills nothing."""
    return [column for column in columns if any(row.values.get(column.name) not in (None, "", "0") for row in rows)]
