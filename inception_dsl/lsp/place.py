"""A place of a spec: what a name, word, value or cell is, where it stands, and which keys lead to it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from inception_dsl.diagnostics.diagnostic import Span
from inception_dsl.lsp.formulas import TokenKind
from inception_dsl.syntax.document import KeyPath

Kind = TokenKind | Literal["key", "value", "cell", "head", "base", "comment"]


class Place(NamedTuple):
    """A name, word, value or cell of the text; `text` is empty where one could be written.

    `path` are the keys that lead to it. `owner` is the layer or module that a word, or the argument of a call, stands
    on. `row` and `column` are those of the table, and of an edit of a row. `defines` says that the name is given here,
    and not used. A key, or an item of a list, that is a name has the kind of what it names.
    """

    kind: Kind
    text: str
    span: Span
    path: KeyPath
    owner: str = ""
    row: str = ""
    column: str = ""
    defines: bool = False

    @property
    def begins_row(self) -> bool:
        """Whether it is the name of a row where that is written: in the table, or as what a variant edits or adds."""
        if self.kind != "row":
            return False
        match self.path:
            case ("layers",):
                return self.column == "name"
            case ("override", "rows", _):
                return True
            case ("insert", "rows", _, "name"):
                return True
            case _:
                return False

    @property
    def formula(self) -> tuple[KeyPath, int, str]:
        """What tells the formula of a place from others: its path, and the line and column of a cell in a table."""
        in_table = self.path == ("layers",)
        return self.path, self.span.line if in_table else 0, self.column if in_table else ""
