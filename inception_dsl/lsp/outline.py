"""The keys and values of a YAML text, as far as indentation tells them, also where YAML refuses the text."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from inception_dsl.diagnostics.diagnostic import Source, Span
from inception_dsl.syntax.document import KeyPath

_BLOCK: Final = re.compile(r"[|>][-+0-9]*[ \t]*(#.*)?")
_QUOTED: Final = re.compile(r""""(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?""")
_ENDS_KEY: Final = re.compile(r":(?=\s|$)")
_ENDS_PLAIN: Final = re.compile(r"\s#")
_ENDS_FLOW: Final = re.compile(r"[,\[\]{}]|:(?=[\s,\[\]{}]|$)|\s#")


class Piece(NamedTuple):
    """A key, a value, or a line of a block scalar (`|`); `path` are the keys that lead to it, itself included.

    Its text and span are without quotes.
    """

    path: KeyPath
    text: str
    span: Span
    is_key: bool = False
    in_block: bool = False


class Outline:
    """The pieces of a text from top to bottom, and the comments between them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.pieces: list[Piece] = []
        self.comments: list[Span] = []
        self.blocks: dict[int, KeyPath] = {}
        """The paths of the block scalars that lines belong to, by the line's number."""
        self._open: list[tuple[float, KeyPath]] = []
        self._items: dict[KeyPath, int] = {}
        self._flow: list[_Flow] = []
        block: tuple[float, KeyPath] | None = None
        for number, line in enumerate(source.lines, 1):
            start = len(line) - len(line.lstrip())
            if block and (not line.strip() or start > block[0]):
                self.blocks[number] = block[1]
                if line.strip():
                    self._piece(block[1], number, start, len(line.rstrip()), in_block=True)
                continue
            block = self._line(number, line, start)

    def above(self, line: int, column: int) -> KeyPath:
        """The path of the mapping that a key at a place would belong to; lines below the place do not matter."""
        opened: list[tuple[int, KeyPath]] = [(0, ())]
        for piece in self.pieces:
            if piece.span.line >= line:
                break
            if piece.is_key and not self._in_flow_at(piece):
                opened = [each for each in opened if each[0] < piece.span.column]
                opened.append((piece.span.column, piece.path))
        return next(path for at, path in reversed(opened) if at < column)

    def _in_flow_at(self, piece: Piece) -> bool:
        before = self.source.lines[piece.span.line - 1][: piece.span.column - 1]
        return bool(before.strip(" \t-\"'"))

    # --- one line -----------------------------------------------------------------------------------------------------

    def _line(self, number: int, line: str, at: int) -> tuple[float, KeyPath] | None:
        """Read a line outside block scalars; the indentation and path of the block that it opens, if it does."""
        if at >= len(line):
            return None
        if self._flow and not self._ends_flow(line, at):
            self._read_flow(number, line, at)
            return None
        self._flow.clear()
        if line[at] == "#":
            self.comments.append(Span(self.source, number, at + 1, len(line) + 1))
            return None
        while line.startswith("-", at) and line[at + 1 : at + 2] in ("", " ", "\t"):
            self._open = [each for each in self._open if each[0] < at or (each[0] == at and each[1] not in self._items)]
            parent = self._parent
            index = self._items[parent] = self._items.get(parent, -1) + 1
            self._open.append((at + 0.5, (*parent, index)))
            at += 1 + len(line[at + 1 :]) - len(line[at + 1 :].lstrip())
        if at >= len(line):
            return None
        return self._entry(number, line, at)

    @property
    def _parent(self) -> KeyPath:
        return self._open[-1][1] if self._open else ()

    def _entry(self, number: int, line: str, at: int) -> tuple[float, KeyPath] | None:
        """Read `key: value`, or a value alone."""
        end = after = _key_end(line, at)
        if end < 0:
            self._value(self._parent, number, line, at)
            return None
        self._open = [each for each in self._open if each[0] < at]
        name = _unquoted(line[at:end].rstrip())
        path = (*self._parent, name)
        self._items.pop(path, None)
        self._open.append((at, path))
        quoted = line[at] in "\"'"
        self._piece(path, number, at + quoted, at + quoted + len(name), is_key=True)
        after = end + 1
        after += len(line[after:]) - len(line[after:].lstrip())
        if after < len(line) and _BLOCK.fullmatch(line, after):
            return at, path
        if after < len(line):
            self._value(path, number, line, after)
        else:
            self._piece(path, number, min(end + 2, len(line)), min(end + 2, len(line)))
        return None

    def _value(self, path: KeyPath, number: int, line: str, at: int) -> None:
        if line[at] in "[{":
            self._flow = []
            self._base = path
            self._indent = self._open[-1][0] if self._open else -1
            self._read_flow(number, line, at)
            return
        if line[at] == "#":
            self.comments.append(Span(self.source, number, at + 1, len(line) + 1))
            return
        if quoted := _QUOTED.match(line, at):
            text = _unquoted(quoted[0])
            self._piece(path, number, at + 1, at + 1 + len(text))
            return
        comment = _ENDS_PLAIN.search(line, at)
        end = comment.start() if comment else len(line)
        self._piece(path, number, at, at + len(line[at:end].rstrip()))
        if comment:
            self.comments.append(Span(self.source, number, comment.start() + 2, len(line) + 1))

    # --- flow collections ---------------------------------------------------------------------------------------------

    def _ends_flow(self, line: str, at: int) -> bool:
        """Whether a line is a key of the block around brackets that were never closed."""
        return at <= self._indent and line[at] not in "]}," and _key_end(line, at) >= 0

    def _read_flow(self, number: int, line: str, at: int) -> None:
        """Read the part of a flow collection that is on this line."""
        while at < len(line):
            character = line[at]
            if character in " \t":
                at += 1
            elif character == "#" and (at == 0 or line[at - 1] in " \t"):
                self.comments.append(Span(self.source, number, at + 1, len(line) + 1))
                return
            elif character in "[{":
                self._flow.append(_Flow(self._flow[-1].path if self._flow else self._base, character == "["))
                at += 1
            elif character in "]}":
                self._flow.pop()
                at += 1
                if not self._flow:
                    return
            elif character == ",":
                self._flow[-1].next()
                at += 1
            elif character == ":":
                at += 1
            else:
                at = self._flow_scalar(number, line, at)

    def _flow_scalar(self, number: int, line: str, at: int) -> int:
        if quoted := _QUOTED.match(line, at):
            text, end, shift = _unquoted(quoted[0]), quoted.end(), 1
        else:
            stop = _ENDS_FLOW.search(line, at)
            end, shift = stop.start() if stop else len(line), 0
            text = line[at:end].rstrip()
            end = max(end, at + 1)  # a `:` before a bracket, or any other character that starts nothing
        rest = line[end:].lstrip()
        flow = self._flow[-1]
        is_key = not flow.is_list and flow.key is None and (rest.startswith(":") or bool(text))
        if is_key:
            flow.key = text
        self._piece(flow.path, number, at + shift, at + shift + len(text), is_key=is_key)
        return end

    def _piece(
        self, path: KeyPath, line: int, start: int, end: int, *, is_key: bool = False, in_block: bool = False
    ) -> None:
        """Add a piece from one offset in its line to another."""
        text = self.source.lines[line - 1][start:end]
        self.pieces.append(Piece(path, text, Span(self.source, line, start + 1, end + 1), is_key, in_block))


class _Flow:
    """A bracket that is open: the path of its collection, and the key or the index that is read."""

    def __init__(self, base: KeyPath, is_list: bool) -> None:
        self.base = base
        self.is_list = is_list
        self.key: str | None = None
        self.index = 0

    @property
    def path(self) -> KeyPath:
        """The path of what is read."""
        if self.is_list:
            return (*self.base, self.index)
        return self.base if self.key is None else (*self.base, self.key)

    def next(self) -> None:
        """Go on after a comma."""
        self.index += 1
        self.key = None


def _key_end(line: str, at: int) -> int:
    """The offset of the `:` after a key that starts at an offset; -1 where there is no key."""
    if line[at] in "[{|>%@`,#":
        return -1
    if quoted := _QUOTED.match(line, at):
        rest = line[quoted.end() :]
        colon = len(rest) - len(rest.lstrip())
        return quoted.end() + colon if _ENDS_KEY.match(rest, colon) else -1
    colon_at = _ENDS_KEY.search(line, at)
    comment = _ENDS_PLAIN.search(line, at)
    if colon_at is None or (comment and comment.start() < colon_at.start()) or colon_at.start() == at:
        return -1
    return colon_at.start()


def _unquoted(text: str) -> str:
    if text[:1] in ("'", '"'):
        return text[1:-1] if len(text) > 1 and text[-1] == text[0] else text[1:]
    return text
