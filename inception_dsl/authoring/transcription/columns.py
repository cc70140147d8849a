"""The columns of a paper's table: what their names say that they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from inception_dsl.ir import names
from inception_dsl.spec.fields import COLUMN_MEASURES
from inception_dsl.spec.vocabulary.operators import NAMES
from inception_dsl.tables.grid import Cell, Grid, unreadable
from inception_dsl.tables.kinds import BLANKS, SHAPE, WHOLE, Marked, is_data, normal, unmarked

Role = Literal[
    "name",
    "type",
    "patch",
    "stride",
    "width",
    "repeat",
    "input",
    "output",
    "depth",
    "params",
    "ops",
    "argument",
    "pool",
    "ignored",
]
"""What a column holds. `argument` fills a module, and `pool` a pool and the projection after it (`avg + 32`)."""

ARGUMENTS: Final = ("argument", "stride", "width", "repeat")
"""The roles of columns that fill modules."""

_ROLES: Final[tuple[tuple[Role, str], ...]] = (
    ("name", r"(layer |block |stage )?name|stage|network|model|method|architecture"),
    ("type", r"(layer )?type|layers?|layer (name )?/ ?type|operators?|operation|module|block"),
    (
        "patch",
        r"(patch|kernel|filter|k ?size)( size| shape)?( ?/ ?stride)?( or remarks)?( ?\(.*\))?|size ?/ ?stride|window",
    ),
    ("stride", r"s|strides?"),
    ("width", r"(# ?|no\.? of |number of )?(filters|maps|(out(put)? )?channels)|c|# ?out|width"),
    ("repeat", r"n|repeats?|#? ?(blocks|layers)|times|x"),
    ("input", r"input( size| shape| resolution)?"),
    ("output", r"(out|output)( size| shape| resolution| dimensions?)?|feature map( size)?|resolution"),
    ("depth", r"depth"),
    ("params", r"(# ?|no\.? of |number of )?(param(eter)?s?|weights)( .*)?"),
    ("ops", r"(# ?)?(ops|operations|m?flops|macs|m-?adds|mult-?adds|multiply-?adds)( .*)?"),
)

_UNIT: Final = re.compile(
    r"[\[(]\s*(?:in )?(?:x ?)?(?:10\^?(3|6|9)|(K|M|B|G|thousands?|millions?|billions?))\s*[\])]", re.IGNORECASE
)
_WINDOW: Final = re.compile(r"(?<![0-9x])[1-9]x[1-9](?![0-9x])")
_UNITS: Final = {"3": "K", "6": "M", "9": "B"}
_POOLED: Final = re.compile(
    r"(avg|average|max|maximum)\s*(?:pool(?:ing)?)?\s*\+?\s*([0-9]+|pass[ -]?through)", re.IGNORECASE
)
MAX_NAME: Final = 40


class Column(NamedTuple):
    """A column: its name in a spec, what it holds, where its cells are in a row, and what the paper calls it.

    `unit` is the suffix of its numbers where its name gives it.
    """

    name: str
    role: Role
    at: int
    heading: str
    unit: str = ""


class Row(NamedTuple):
    """A row: its cells by the index of their columns, without marks and empty where they are blank, and as written."""

    cells: tuple[Marked, ...]
    written: tuple[Cell, ...]


class Table(NamedTuple):
    """The columns and the rows of a paper's table."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def of(self, *roles: Role) -> list[Column]:
        """The columns with these roles, in order."""
        return [column for column in self.columns if column.role in roles]

    def first(self, role: Role) -> Column | None:
        """The column with a role; None where there is none."""
        return next(iter(self.of(role)), None)


def table(grid: Grid) -> Table:
    """Recognise the columns of a grid. Raises `SpecError` E118 where no row names them, or none follows."""
    count = _header_rows(grid)
    header, body = grid.rows[:count], [row for row in grid.rows[count:] if any(cell.text for cell in row)]
    if not header:
        hint = "add a line with the names of the columns: type, patch size/stride, output size, ..."
        raise unreadable(grid.rows[0][0].span, "the first row of this table has values, not the names of columns", hint)
    if not body:
        hint = "give its rows too"
        raise unreadable(header[0][0].span, "this table has no rows below the names of its columns", hint)
    headings = [_heading([row[i] for row in header]) for i in range(len(header[0]))]
    kept = [i for i, text in enumerate(headings) if text or any(row[i].text for row in body)]
    if len(kept) < 2:
        hint = "separate its columns by two blanks or more, or choose its form with `--from`"
        raise unreadable(header[0][0].span, "this text has only one column", hint)
    first = [_heading([row[i] for row in header if row[i].text][:1]) for i in range(len(header[0]))]
    found = [_role((headings[i], first[i]), [row[i] for row in body], i == kept[0]) for i in kept]
    if [role for role, _ in found].count("type") > 1 and "name" not in (role for role, _ in found):
        found[0] = ("name", found[0][1]) if found[0][0] == "type" else found[0]  # `Layer | Type`, `Layer | Operation`
    if not {"patch", "input", "output"} & {role for role, _ in found}:  # of modules, not of layers
        found = [("argument" if role in ARGUMENTS else role, unit) for role, unit in found]
    columns = list(_columns([headings[i] for i in kept], found, kept))
    rows = [_row(row, columns) for row in body]
    return Table(tuple(columns), tuple(rows))


def _header_rows(grid: Grid) -> int:
    """The number of rows above the first that has values; one at least if the table has values nowhere."""
    if grid.header is not None:
        return grid.header
    for i, row in enumerate(grid.rows):
        if any(is_data(cell.text) for cell in row[1:] or row):
            return i
    return 1


def _heading(cells: Sequence[Cell]) -> str:
    """The name of a column, which several rows may spell."""
    texts = [cell.text for i, cell in enumerate(cells) if cell.text and cell.text not in [c.text for c in cells[:i]]]
    return unmarked(re.sub(r"/ ", "/", normal(" ".join(texts)))).text


def _role(spellings: tuple[str, str], cells: Sequence[Cell], first: bool) -> tuple[Role, str]:
    """What a column holds, and the unit of its numbers; `spellings` are its name, and the first line of it."""
    heading, line = spellings
    unit = ""
    if match := _UNIT.search(heading):
        unit = _UNITS.get(match[1] or "") or match[2][0].upper().replace("T", "K").replace("G", "B")
        heading = heading[: match.start()] + heading[match.end() :]
    plain = [" ".join(name.lower().split()) for name in (heading, re.sub(r"\(.*\)", "", heading), line)]
    texts = [text for cell in cells if (text := _plain(cell).text)]
    role = next((role for name in plain for role, pattern in _ROLES if re.fullmatch(pattern, name)), None)
    if role is None and first:
        role = "type"
    elif role is None and texts and all(SHAPE.fullmatch(text) for text in texts):
        role = "output"
    elif role is None and texts and 2 * sum(bool(_WINDOW.search(text)) for text in texts) >= len(texts):
        role = "patch"
    if role in ("stride", "width", "repeat") and not _mostly_numbers(texts):
        role = None
    if role:
        return role, unit
    if any(map(_POOLED.fullmatch, texts)) and all(_POOLED.fullmatch(text) or WHOLE.fullmatch(text) for text in texts):
        return "pool", ""
    return ("argument" if _mostly_numbers(texts) else "ignored"), unit


def _mostly_numbers(texts: Sequence[str]) -> bool:
    return 2 * sum(map(is_argument, texts)) >= len(texts)


def is_argument(text: str) -> bool:
    """Whether a cell is a number that a module can take."""
    return bool(WHOLE.fullmatch(text) or re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}", text))


def _plain(cell: Cell, letters: bool = True) -> Marked:
    """A cell's normal text without marks; empty where it repeats the cell to its left."""
    found = unmarked(normal(cell.text), letters)
    return found._replace(text="") if found.text in BLANKS or cell.repeats == "left" else found


def _columns(headings: Sequence[str], found: Sequence[tuple[Role, str]], indices: Sequence[int]) -> Iterator[Column]:
    taken: set[str] = {"name", "layer", "totals", "errata", *NAMES, *COLUMN_MEASURES}
    seen: set[Role] = set()
    for heading, (given, unit), index in zip(headings, found, indices, strict=True):
        role: Role = "ignored" if given in seen and given not in ("argument", "ignored") else given
        seen.add(role)
        for name, part in _names(heading, role):
            legal = _legal(name, taken)
            taken.add(legal)
            yield Column(legal if part in (*ARGUMENTS, "pool") else name, part, index, heading, unit)


def _names(heading: str, role: Role) -> Iterator[tuple[str, Role]]:
    """The names of the columns in a spec: two for a pool and its projection."""
    if role == "pool":
        first, _, second = heading.partition("+")
        yield first.lower(), "pool"
        yield second.lower() or f"{first.lower()} proj", "argument"
    else:
        own = re.sub(r"\(.*\)", "", heading).strip()  # `s1x1 (#1x1 squeeze)`
        yield role if role in COLUMN_MEASURES else own or heading, role


def _legal(text: str, taken: set[str]) -> str:
    """A name that formulas can use: words of letters, digits, `_` and `#`."""
    words = re.findall(r"[\w#]+", text, re.ASCII)
    name = " ".join(words)[:MAX_NAME].strip() or "n"
    name = name if re.match(r"[A-Za-z_#]|[0-9]+x", name) else f"n{name}"
    base, count = name, 2
    while name in taken or names.from_column(name) in {names.from_column(other) for other in taken}:
        name, count = f"{base} {count}", count + 1
    return name


def _row(cells: Sequence[Cell], columns: Sequence[Column]) -> Row:
    words = {column.at for column in columns if column.role in ("name", "type", "patch")}
    return Row(tuple(_plain(cell, letters=i not in words) for i, cell in enumerate(cells)), tuple(cells))


POOLS: Final = ("avgpool", "maxpool")
"""What a column of pools holds in a spec."""


def pooled(text: str) -> tuple[str, str]:
    """The pool and the width of its projection in a cell such as `avg + 32`; the width is empty where none follows."""
    match = _POOLED.fullmatch(text)
    if not match:
        return "", text
    return ("avgpool" if match[1].lower().startswith("av") else "maxpool"), match[2] if match[2].isdecimal() else ""
