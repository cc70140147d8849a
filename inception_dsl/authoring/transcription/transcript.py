"""The table of a paper as the text of a spec, with a question wherever the table leaves something open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill, indent
from typing import Any, Final, NamedTuple

from inception_dsl.authoring.transcription import modules, rows, windows
from inception_dsl.authoring.transcription.calls import draft_modules
from inception_dsl.authoring.transcription.columns import ARGUMENTS, Column, Table, table
from inception_dsl.authoring.transcription.formulas import Formulas
from inception_dsl.authoring.transcription.rows import Layer
from inception_dsl.formatting.format import format  # noqa: A004 - what it is called in every language
from inception_dsl.ir import names
from inception_dsl.ir.shapes import Pair
from inception_dsl.spec.vocabulary.entry import DEFAULT_CLASSES
from inception_dsl.syntax.printer import align
from inception_dsl.syntax.yaml_printer import dump
from inception_dsl.tables.formats import Found
from inception_dsl.tables.grid import unreadable
from inception_dsl.text.terminal import visible

QUESTION: Final = "# ? "
"""What a question starts with."""

WIDTH: Final = 118
DEFAULT_INPUT: Final = (224, 224, 3)
MAX_CLASSES: Final = 10**6
MAX_MARKS: Final = 8
"""The most cells with footnote marks that are listed."""


class Question(NamedTuple):
    """A question about a part of the spec: a key, a module, or a row."""

    about: str
    text: str


class Transcript(NamedTuple):
    """The text of a spec, and the questions in it."""

    text: str
    questions: tuple[Question, ...]


def transcribe(found: Found, name: str, file: str) -> Transcript:
    """Write the table of a paper as a spec called `name`; `file` is what its comments call it.

    Raises `SpecError` E118 for a table without a header or rows.
    """
    return _Transcription(found, name, file).transcript()


class _Transcription:
    """One table on its way to a spec.

    `questions` are those asked while its parts are drafted, by what they are about; `shown` has them in the order of
    the file.
    """

    def __init__(self, found: Found, name: str, file: str) -> None:
        self.found = found
        self.name = name
        self.file = file
        self.table: Table = table(found.grid)
        self.rows = rows.layers(self.table)
        if not self.rows:
            span = found.grid.rows[0][0].span
            raise unreadable(span, "this table has no rows below its input", "give its rows too")
        self.questions: dict[str, dict[Question, None]] = {}
        self.shown: list[Question] = []
        self.columns = self.table.of(*ARGUMENTS, "pool")

    def ask(self, about: str, text: str) -> None:
        """Ask a question once."""
        self.questions.setdefault(about, {})[Question(about, text)] = None

    def transcript(self) -> Transcript:
        """The spec, key by key."""
        self.ask(
            "paper", 'which paper and table? `paper: {title: ..., authors: ..., year: ..., arxiv: "...", table: 1}`'
        )
        given = rows.input_shape(self.table)
        first = given or self._first_input()
        before = self._images_before((first[0], first[1]))
        writer = Formulas(self.rows, before, self.columns, self.ask)
        steps = [step for i in range(len(self.rows)) if (step := writer.step(i))]
        writer.padding = windows.defaults(steps)
        strided = self.table.first("stride") is not None
        drafts, writer.calls = draft_modules(self.rows, self.columns, strided, writer.padding, self.ask)
        written = [writer.formula(i) for i in range(len(self.rows))]
        used = {column for draft in drafts.values() for column in draft.columns}
        used |= {column for formula in written for column in formula.columns}
        self._ask_about_table(used)
        size, classes = "x".join(map(str, (first[2], *first[:2]))), self._classes()
        parts = [
            self._comments("paper") + dump({"network": self.name, "title": self.name}),
            self._comments("input") + dump({"input": size}) + self._comments("classes") + dump({"classes": classes}),
            self._defaults(steps, writer.padding),
            self._module_keys(drafts),
            self._layers([formula.text for formula in written], used, drafts),
            self._published(),
        ]
        header = self._header()
        return Transcript(format(f"{header}\n" + "\n".join(filter(None, parts))), tuple(self.shown))

    # --- sizes --------------------------------------------------------------------------------------------------------

    def _first_input(self) -> tuple[int, int, int]:
        """The size of the input, which the table does not print: what the first row's output and stride say."""
        for row in self.rows[:1]:
            if row.image and row.image != (1, 1):
                stride = row.stride or 1
                height, width = row.image[0] * stride, row.image[1] * stride
                self.ask(
                    "input",
                    f"is the input {height}x{width}? The table does not print it; `{row.name}` follows from it.",
                )
                return height, width, 3
        self.ask("input", "which size is the input? The table does not print it.")
        return DEFAULT_INPUT

    def _images_before(self, image: Pair) -> list[Pair | None]:
        """The size of the image that every row reads; None after a row with a window that prints no size."""
        before: list[Pair | None] = []
        current: Pair | None = image
        for row in self.rows:
            before.append(current)
            if row.image:
                current = row.image
            elif row.kind.layer in ("maxpool", "avgpool", "pool") or (row.stride or 1) > 1 or not row.kind.layer:
                current = None
        return before

    def _classes(self) -> int:
        last = next((row for row in reversed(self.rows) if row.kind.layer == "fc"), None)
        number = last and ((last.channels if last.image == (1, 1) else None) or last.width)
        if number and number <= MAX_CLASSES:
            return number
        self.ask("classes", "how many classes? The table does not print their number.")
        return DEFAULT_CLASSES

    # --- modules ------------------------------------------------------------------------------------------------------

    def _module_keys(self, drafts: Mapping[str, modules.Draft]) -> str:
        if not drafts:
            return ""
        text = "modules:\n"
        for name, draft in drafts.items():
            graph = f"{draft.graph}\n" if "\n" in draft.graph or draft.graph.startswith(("[", "{")) else draft.graph
            keys = dump({name: {"columns": list(draft.columns) or None, "graph": graph}})
            text += indent(self._comments(name) + keys, "  ")
        return text

    # --- the other keys -----------------------------------------------------------------------------------------------

    def _defaults(self, steps: Sequence[windows.Step], padding: Mapping[str, str]) -> str:
        shown = {layer: word for layer, word in padding.items() if layer != "avgpool"}
        if any(row.kind.layer == "conv" for row in self.rows) or any(not row.kind.layer for row in self.rows):
            shown = {"conv": "same", **shown}
            self.ask("defaults", "what follows a convolution: `bn`, `relu`, `bias`?")
        for layer, word in shown.items():
            others = [f"`{other}`" for other in windows.same_everywhere(steps, layer, word)]
            if layer in padding and others:
                self.ask("defaults", f"`{layer}` pads as `{word}`; {' and '.join(others)} would explain the sizes too.")
        if not shown:
            return ""
        return self._comments("defaults") + dump({"defaults": dict(sorted(shown.items()))})

    def _ask_about_table(self, used: set[str]) -> None:
        for row in self.rows:
            for name, text in row.others.items():
                self.ask(row.name, f"which number is `{visible(text)}` in its column `{name}`?")
            lost = [
                f"{c.name} {row.values[c.name]}"
                for c in self.columns
                if c.name not in used and row.values.get(c.name) and not (c.role == "stride" and row.kind.layer)
            ]
            if lost and row.kind.layer not in ("conv", "fc"):
                self.ask(row.name, f"these cells of its row are left out: {', '.join(lost)}")
        for column in self.table.of("ignored"):
            self.ask(
                "layers",
                f"the column `{visible(column.heading)}` is left out: no layer takes what it holds. Does a row?",
            )
        marked = [f"`{visible(mark)}` at `{row.name}`" for row in self.rows for mark in row.marks.values()]
        if marked:
            more = f" and {len(marked) - MAX_MARKS} more" if len(marked) > MAX_MARKS else ""
            self.ask("layers", f"what do the footnotes say? {', '.join(marked[:MAX_MARKS])}{more}.")
        for at in self.found.unsure:
            if at - 1 < len(self.rows):
                text = "its blank cells are lost, so that its numbers may belong to other columns"
                self.ask(self.rows[at - 1].name, text)
        if self.table.first("input") and not self.table.first("output"):
            self.ask("layers", "is `output` the input size in the next row of the table? It prints no other sizes.")
        self.ask("layers", "are there layers that the table leaves out (`lrn`, `bn`, `dropout`, `flatten`)?")
        self.ask(
            "layers",
            "are there classifiers beside the trunk? `heads: {aux1: {from: ROW, loss_weight: 0.3, graph: ...}}`",
        )

    def _value(self, row: Layer, column: Column) -> str:
        """What a cell holds; a pool that the table does not name is a guess."""
        found = row.values.get(column.name, "")
        if not found and column.role == "pool":
            self.ask(row.name, f"which pool is in its column `{column.name}`? The table does not name it.")
            return "maxpool"
        return found

    def _taken(self, formula: str, drafts: Mapping[str, modules.Draft]) -> set[str]:
        """The columns that a formula uses: by name, or as those of a module."""
        called = {column for word in formula.split() if word in drafts for column in drafts[word].columns}
        return called | {column.name for column in self.columns if f"{{{column.name}}}" in formula}

    def _layers(self, formulas: Sequence[str], used: set[str], drafts: Mapping[str, modules.Draft]) -> str:
        columns = [column for column in self.columns if column.name in used]
        printed = [
            name for name in ("output", "depth", "params", "ops") if any(name in row.printed for row in self.rows)
        ]
        lines = [["name", "layer", *(column.name for column in columns), *printed]]
        for row, formula in zip(self.rows, formulas, strict=True):
            taken = self._taken(formula, drafts)
            values = [self._value(row, column) if column.name in taken else "" for column in columns]
            lines.append([row.name, _cell(formula), *values, *(row.printed.get(name, "") for name in printed)])
        about = [*(row.name for row in self.rows), "layers"]
        comments = "".join(self._comments(part, named=part != "layers") for part in about)
        return f"{comments}layers: |\n{indent(align(lines), '  ')}\n"

    def _published(self) -> str:
        counted = [name for name in ("params", "ops") if any(name in row.printed for row in self.rows)]
        if not counted:
            return ""
        self.ask("published", "is K 1000 or 1024, and do biases count? Which totals does the paper print?")
        self.ask("published", 'numbers that do not follow from their row need a reason: `errata: {ROW.params: "..."}`')
        return self._comments("published") + dump({"published": {name: {"unit": 1000} for name in counted}})

    # --- comments -----------------------------------------------------------------------------------------------------

    def _header(self) -> str:
        several = f" (table {self.found.number} of {self.found.tables})" if self.found.tables > 1 else ""
        text = (
            f"Made by `inception-dsl table` from a table{several} of {len(self.rows)} rows. Answer the "
            f"{len(self.shown)} questions, which start with `?`, and delete them. Then "
            f"`inception-dsl check {visible(self.file)}` compares the printed numbers."
        )
        return fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False) + "\n"

    def _comments(self, about: str, named: bool = False) -> str:
        """The questions about a part, as comments; with `named`, they name it."""
        options: dict[str, Any] = {"break_on_hyphens": False, "break_long_words": False}
        lines = []
        for question in self.questions.get(about, {}):
            self.shown.append(question)
            text = f"`{about}`: {question.text}" if named else question.text[0].upper() + question.text[1:]
            lines.append(fill(visible(text), WIDTH, initial_indent=QUESTION, subsequent_indent="#   ", **options))
        return "".join(f"{line}\n" for line in lines)


def _cell(formula: str) -> str:
    return f"[ {formula} ]" if " | " in formula and not formula.startswith("[") else formula


def network_name(text: str) -> str:
    """A name for a network from the name of a file; `network` where nothing is left of it."""
    name = names.from_column(text).lower()[: names.MAX_NAME]
    return "network" if names.problem(name) else name
