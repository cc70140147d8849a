"""What stands where in a spec: every name, word and cell of its text, also of one that does not compile."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from functools import cached_property

from inception_dsl.diagnostics.diagnostic import Source, Span
from inception_dsl.lsp.outline import Outline, Piece
from inception_dsl.lsp.place import Kind, Place
from inception_dsl.lsp.readers import Reader, of_value, reader_of
from inception_dsl.syntax.document import KeyPath


class Places:
    """All places of a text, from top to bottom. `settings` are those of its base, where it has one."""

    def __init__(self, source: Source, settings: Collection[str] = ()) -> None:
        self.source = source
        self.outline = Outline(source)
        own = (piece.text for piece in self.outline.pieces if piece.is_key and piece.path[-2:-1] == ("settings",))
        self.settings = {*settings, *own}

    @cached_property
    def all(self) -> tuple[Place, ...]:
        """Every place, none of which overlaps another."""
        found: list[Place] = []
        block: Reader | None = None  # of the block scalar that the last piece is a line of
        for piece in self.outline.pieces:
            reader = block if block and piece.in_block and block.path == piece.path else reader_of(piece, self.settings)
            block = reader if piece.in_block else None
            found += reader.read(piece)
        return tuple(self._with_row(place) for place in found)

    def of(self, kind: Kind, name: str) -> list[Place]:
        """Every place where a name of a kind is given or used."""
        return [place for place in self.all if place.kind == kind and place.text == name]

    def at(self, line: int, column: int) -> Place:
        """What is at a place, or could be written there; line and column count from 1."""
        for comment in self.outline.comments:
            if comment.line == line and comment.column < column:
                return Place("comment", "", comment, ())
        first = bisect_left(self._lines, line)
        after = bisect_left(self._lines, line + 1)
        near = [place for place in self.all[first:after] if place.span.column <= column <= place.span.end]
        if near:
            return min(near, key=lambda place: (place.kind in ("operator", "number"), place.span.end <= column))
        return self._with_row(self._gap(line, column))

    def _with_row(self, place: Place) -> Place:
        """A place in a row that a variant inserts, with the row's name."""
        return place._replace(row=self._inserted.get(place.path[:3], place.row))

    @cached_property
    def _inserted(self) -> dict[KeyPath, str]:
        """The names of the rows that a variant inserts, by the path of the row."""
        names = (piece for piece in self.outline.pieces if piece.path[:2] == ("insert", "rows") and not piece.is_key)
        return {piece.path[:3]: piece.text for piece in names if piece.path[3:] == ("name",)}

    @cached_property
    def _lines(self) -> list[int]:
        return [place.span.line for place in self.all]

    # --- between places -----------------------------------------------------------------------------------------------

    def _gap(self, line: int, column: int) -> Place:
        here = Span(self.source, line, column, column)
        before = [piece for piece in self.outline.pieces if piece.span[1:3] <= (line, column)]
        last = before[-1] if before else None
        written = self.source.lines[line - 1][: column - 1].rstrip()
        if line in self.outline.blocks:
            path = self.outline.blocks[line]
            reader = reader_of(Piece(path, "", here, in_block=True), self.settings)
            for piece in before:
                if piece.path == path and piece.in_block and piece.span.line < line:
                    reader.read(piece)
            return reader.gap(here)
        if last and last.span.line == line and written:
            if written[-1] in ",{[" and written[-1] not in last.text:
                return self._gap_in_flow(last, written[-1], here)
            if not last.is_key:
                return reader_of(last, self.settings).gap(here, last)
            return Place("value", "", here, last.path)
        return Place("key", "", here, self.outline.above(line, column))

    def _gap_in_flow(self, last: Piece, sign: str, here: Span) -> Place:
        above = last.path if sign in "{[" else last.path[:-1]
        if sign == "[" or (sign == "," and isinstance(last.path[-1], int)):
            index = 0 if sign == "[" else int(last.path[-1]) + 1
            return of_value(Piece((*above, index), "", here))
        return Place("key", "", here, above)
