"""Reads the pieces of an outline as places: keys and values, formulas, and the lines of tables."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from inception_dsl.diagnostics.diagnostic import Span
from inception_dsl.lsp.formulas import INIT, Scanner, Token
from inception_dsl.lsp.outline import Piece
from inception_dsl.lsp.place import Kind, Place
from inception_dsl.spec.init import LAYER_WORDS, SOURCE
from inception_dsl.spec.models import VERBS
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.syntax import table
from inception_dsl.syntax.document import KeyPath

NAMED: Final[dict[str, Kind]] = {
    "modules": "module",
    "heads": "head",
    "settings": "setting",
    "defaults": "layer",
    "rows": "row",
    "columns": "column",
    "totals": "column",
}
"""What the keys, or the items, below a key are the names of."""

_MEASURE: Final = re.compile(
    r"(?P<measure>[a-z_]+)\((?P<network>\w+)(?:\.(?P<part>\w+))?(?P<settings>(?:,[^(),]*=[^(),]*)*)\)"
)
_GIVEN: Final = re.compile(r"\w+(?=[ \t]*=)")
"""What the formula of a claim measures, and the settings to which it gives values."""

TABLES: Final = (("layers",), ("reported",))


def reader_of(piece: Piece, settings: Collection[str]) -> Reader:
    """What reads a piece, and the lines below it if it is one of a block scalar."""
    path = piece.path
    if not piece.is_key and path in TABLES and piece.in_block:
        return _TableReader(path, Scanner(settings))
    if not piece.is_key and path[:1] == ("claims",) and path[2:] == ("formula",):
        return _ClaimReader(path, Scanner(settings))
    if not piece.is_key and path[:2] == ("training", "transfer") and path[2:] in (("new",), ("freeze",)):
        return _PathsReader(path, Scanner(settings))
    if not piece.is_key and is_formula(path):
        owner = INIT if path[:1] == (INIT,) else str(path[-1]) if path[-2:-1] == ("defaults",) else ""
        return _FormulaReader(path, Scanner(settings, owner))
    return Reader(path, Scanner(settings))


class Reader:
    """Reads pieces of one path as places."""

    def __init__(self, path: KeyPath, scanner: Scanner) -> None:
        self.path = path
        self.scanner = scanner

    def read(self, piece: Piece) -> Iterator[Place] | list[Place]:
        """The places in a piece."""
        return list(_of_key(piece) if piece.is_key else [of_value(piece)])

    def gap(self, here: Span, piece: Piece | None = None) -> Place:
        """What could be written after all that was read, or inside the piece."""
        return Place("value", "", here, self.path)


class _FormulaReader(Reader):
    def read(self, piece: Piece) -> list[Place]:
        row, column = _cell_of(self.path)
        start = piece.span.column - 1
        line = piece.span.source.lines[piece.span.line - 1][: piece.span.end - 1]
        return [_of_token(token, piece, row, column) for token in self.scanner.line(line, start)]

    def gap(self, here: Span, piece: Piece | None = None) -> Place:
        line, start = here.source.lines[here.line - 1][: here.column - 1], piece.span.column - 1 if piece else 0
        for _ in self.scanner.line(line, start):
            pass
        return _expected(self.scanner, here, self.path, *_cell_of(self.path))


class _ClaimReader(Reader):
    """Reads what a claim measures: a network, or a part of it, perhaps with other values of its settings."""

    def read(self, piece: Piece) -> Iterator[Place]:
        for found in _MEASURE.finditer(piece.text):
            network = found["network"]
            part: Kind = "module" if found["measure"] == "calls" else "row"
            kinds: dict[str, tuple[Kind, str]] = {"measure": ("function", ""), "network": ("base", "")}
            for group, (kind, owner) in (kinds | {"part": (part, network)}).items():
                if found[group]:
                    yield Place(kind, found[group], _within(piece, *found.span(group)), piece.path, owner)
            for name in _GIVEN.finditer(piece.text, *found.span("settings")):
                yield Place("setting", name[0], _within(piece, *name.span()), piece.path, network)


class _PathsReader(Reader):
    """Reads paths of weights with commas between them: `fc, aux1.fc2`."""

    def read(self, piece: Piece) -> Iterator[Place]:
        for found in re.finditer(r"[\w.]+", piece.text):
            yield from _of_path(piece._replace(text=found[0], span=_within(piece, *found.span())), found[0])


class _TableReader(Reader):
    def __init__(self, path: KeyPath, scanner: Scanner) -> None:
        super().__init__(path, scanner)
        self.header: list[str] | None = None
        self.outer = False

    def read(self, piece: Piece) -> list[Place]:
        if table.RULE.fullmatch(piece.text):
            return []
        if self.header is None:
            self.outer = piece.text.startswith("|")
            cells = self._cells(piece)
            self.header = [" ".join(cell.text.split()) for cell in cells]
            return [
                Place("column", name, cell.span, self.path, column=name, defines=True)
                for name, cell in zip(self.header, cells, strict=True)
            ]
        cells = self._cells(piece)
        row = self._row(cells)
        columns = [*self.header, *[""] * len(cells)]
        return [place for cell, column in zip(cells, columns, strict=False) for place in self._cell(cell, row, column)]

    def gap(self, here: Span, piece: Piece | None = None) -> Place:
        """The cell at a place that is on no text: the spaces around it, or the end of the line."""
        line = here.source.lines[here.line - 1]
        start = len(line) - len(line.lstrip())
        whole = Piece(self.path, line.strip(), Span(here.source, here.line, start + 1, len(line.rstrip()) + 1))
        if self.header is None:
            return Place("column", "", here, self.path)
        cells = self._cells(whole) if whole.text else []
        before = line[: here.column - 1]
        *_, (begin, _) = table.split(before)
        index = len([*table.split(before)]) - 1 - self.outer
        row, column = self._row(cells), self.header[index] if 0 <= index < len(self.header) else ""
        if self.path == ("layers",) and column == "layer":
            for _ in self.scanner.line(before, begin):
                pass
            return _expected(self.scanner, here, self.path, row, column)
        return Place("row" if column == "name" else "cell", "", here, self.path, row=row, column=column)

    def _row(self, cells: list[Piece]) -> str:
        at = self.header.index("name") if self.header and "name" in self.header else -1
        return cells[at].text if 0 <= at < len(cells) else ""

    def _cell(self, cell: Piece, row: str, column: str) -> list[Place]:
        if self.path != ("layers",) or not column:
            return [Place("cell", cell.text, cell.span, self.path, row=row, column=column)]
        return [place._replace(path=self.path) for place in _in_cell(cell, self.scanner.settings, row, column)]

    def _cells(self, piece: Piece) -> list[Piece]:
        """The cells of a line; the span of an empty one is the space between its bars."""
        source, line, column, _ = piece.span
        found = []
        for begin, end in table.split(piece.text):
            text = piece.text[begin:end].strip()
            start = begin + len(piece.text[begin:end]) - len(piece.text[begin:end].lstrip()) if text else begin
            at = column + start
            found.append(Piece(self.path, text, Span(source, line, at, at + len(text) if text else column + end)))
        if self.outer:
            found = found[1:] if found and not found[0].text else found
            found = found[:-1] if found and not found[-1].text and piece.text.endswith("|") else found
        return found


def _within(piece: Piece, start: int, end: int) -> Span:
    """The span of a part of a piece."""
    source, line, column, _ = piece.span
    return Span(source, line, column + start, column + end)


def _of_path(piece: Piece, parts: str) -> Iterator[Place]:
    """The parts of a path of weights, such as `aux1.fc2`: a row or head, then labels; else the word of a layer."""
    if not parts:
        yield Place("layer", piece.text, piece.span, piece.path)
    for found in re.finditer(r"\w+", parts):
        yield Place("label" if found.start() else "row", found[0], _within(piece, *found.span()), piece.path)


def is_formula(path: KeyPath) -> bool:
    """Whether a value is a formula, or words: of a default, or of an initialisation."""
    if len(path) < 2:
        return False
    if path[-1] == "graph":
        return path[-3:-2] in (("modules",), ("heads",))
    return (
        path[-2] == "defaults" or (path[-2] == INIT and path[-1] != SOURCE) or (path[-1] == "layer" and "rows" in path)
    )


def _of_key(piece: Piece) -> Iterator[Place]:
    path, name, span = piece.path, piece.text, piece.span
    above = path[-2] if len(path) > 1 else ""
    row, column = _cell_of(path)
    if above == "errata" and "." in name:
        dot = span.column + name.rindex(".")
        yield Place("row", name[: dot - span.column], span._replace(end=dot), path)
        yield Place("column", name[dot - span.column + 1 :], span._replace(column=dot + 1), path)
    elif above == INIT and len(path) == 2 and name != SOURCE:
        yield from _of_path(piece, name if name not in LAYER_WORDS else "")
    elif path[:-1] == ("training", "loss", "heads"):
        yield Place("head", name, span, path)
    elif column and column not in ("name", "layer", "after", "before"):
        yield Place("column", name, span, path, row=row, column=column)
    elif path[:1] == ("published",) and len(path) == 2 and name not in ("totals", "errata"):
        yield Place("column", name, span, path)
    elif isinstance(above, str) and above in NAMED and len(path) <= 3:
        given = path[0] not in VERBS or path[0] == "insert"
        kind = NAMED[above]
        yield Place(kind, name, span, path, defines=given and kind in ("module", "head", "setting"))
    else:
        yield Place("key", name, span, path)


def of_value(piece: Piece) -> Place:
    """The place of a value that is neither a formula nor in a table."""
    path, text, span = piece.path, piece.text, piece.span
    row, column = _cell_of(path)
    match path:
        case ("extends",):
            return Place("base", text, span, path)
        case (*_, "heads", _, "from") | ("insert", "rows", _, "after" | "before"):
            return Place("row", text, span, path)
        case ("insert", "rows", _, "name"):
            return Place("row", text, span, path, defines=True)
        case ("rename", kind, _) if kind in NAMED:
            return Place(NAMED[str(kind)], text, span, path, defines=True)
        case ("remove", kind, int()) if kind in NAMED:
            return Place(NAMED[str(kind)], text, span, path)
        case (*_, "modules", _, "columns", int()):
            return Place("column", text, span, path, owner=str(path[-3]), defines=True)
    if column:
        return next(iter(_in_cell(piece, (), row, column)))
    return Place("value", text, span, path)


def _in_cell(cell: Piece, settings: Collection[str], row: str, column: str) -> list[Place]:
    """The places in a cell of a row, wherever the row is written."""
    text = cell.text
    whole = Place("cell", text, cell.span, cell.path, row=row, column=column)
    if column == "name":
        return [whole._replace(kind="row", defines=True)]
    if text.startswith("@") and column != "layer":
        return [whole._replace(kind="row", text=text[1:], span=cell.span._replace(column=cell.span.column + 1))]
    if text in LAYERS and column != "layer":
        return [whole._replace(kind="layer")]
    if text and (column == "layer" or text.startswith("{")):
        line = cell.span.source.lines[cell.span.line - 1][: cell.span.end - 1]
        tokens = [*Scanner(settings).line(line, cell.span.column - 1)]
        return [_of_token(token, cell, row, column) for token in tokens] or [whole]
    return [whole]


def _of_token(token: Token, piece: Piece, row: str, column: str) -> Place:
    span = Span(piece.span.source, piece.span.line, token.start + 1, token.end + 1)
    return Place(token.kind, token.text, span, piece.path, token.owner, row, column, token.defines)


def _expected(scanner: Scanner, here: Span, path: KeyPath, row: str, column: str) -> Place:
    """What could be written after what was scanned."""
    kind: Kind = "column" if scanner.in_braces else "layer" if scanner.expects_layer else "word"
    return Place(kind, "", here, path, scanner.owner, row, column)


def _cell_of(path: KeyPath) -> tuple[str, str]:
    """The row and column of a cell that a variant writes; empty elsewhere."""
    match path:
        case ("override", "rows", row, column):
            return str(row), str(column)
        case ("insert", "rows", int(), column):
            return "", str(column)
        case _:
            return "", ""
