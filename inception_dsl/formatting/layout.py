"""The layout of a YAML text: indentation, spaces and comments. Lines break where the author broke them."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, NamedTuple

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.formatting.notations import Notations
from inception_dsl.syntax.yaml_tokens import YamlToken, tokens

INDENT: Final = 2
"""The spaces before what is inside something else."""
DEEPEST: Final = 80
"""The column beyond which nothing is indented to a bracket."""

_NOTHING: Final = re.compile(r"[ \t]*(#|\n|$)")
_HEADER: Final = re.compile(r"([|>][-+0-9]*)[ \t]*(#.*)?")


class Line(NamedTuple):
    """A line of the output, the comment at its end, and the line of the source that it takes the place of, from 0.

    A line with nothing but a comment has it as its text, unless that continues the comment at the end of the one above.
    `end` is "" for the last line of a file whose line break would belong to a string.
    """

    text: str
    comment: str
    at: int
    end: str = "\n"


class _Block(NamedTuple):
    """An open block collection: what it is, the column where it stands, and the one where it will.

    A "bare" sequence stands in the column of the mapping that it is a value in, and has no start and end of its own.
    """

    kind: str
    column: int
    indent: int


class _Bracket(NamedTuple):
    """An open bracket: the column of the lines in it, and that of a line which starts with its end."""

    inside: int
    end: int


def lay_out(source: Source, notations: Notations) -> list[Line]:
    """The lines of a text that `yaml.parse` takes, with some values in their notation."""
    printer = _Printer(source, notations)
    for token in tokens(source):
        printer.take(token)
    return printer.finish()


class _Printer:
    """Prints tokens, and the comments and blank lines between them."""

    def __init__(self, source: Source, notations: Notations) -> None:
        self.source = source
        self.notations = notations
        self.lines: list[Line] = []
        self.line: str | None = None  # the one that is being printed, and where it stands in the source
        self.at = 0
        self.shift = 0  # by how much its start has moved
        self.end = 0  # the offset after the last token
        self.before = ""  # its kind
        self.kept = 0  # how many of the lines do not go where they are the last ones and blank
        self.comment = -1  # the column of the comment at the end of the last line
        self.blocks: list[_Block] = []
        self.outer: list[_Block] = []  # the blocks around the last token
        self.brackets: list[_Bracket] = []
        self.is_key = False

    def take(self, token: YamlToken) -> None:
        """Print a token."""
        block = self.blocks[-1] if self.blocks else _Block("", 0, -INDENT)
        match token.kind:
            case "mapping" | "sequence" as kind:
                self.blocks.append(_Block(kind, token.column, block.indent + INDENT))
                return
            case "end":
                del self.blocks[-2 if block.kind == "bare" else -1 :]
                return
            case "-" if block.kind == "mapping":
                self.blocks.append(_Block("bare", token.column, block.indent + INDENT))
            case "key" | "?" | ":" if block.kind == "bare" and not self.brackets:
                self.blocks.pop()
        if token.kind == "key":
            self.is_key = True
        else:
            self._put(token)

    def finish(self) -> list[Line]:
        """Print what follows the last token."""
        self._end_line(self.source.text[self.end :].split("\n"), 0, 0)
        while len(self.lines) > self.kept and not self.lines[-1].text and not self.lines[-1].comment:
            self.lines.pop()
        return self.lines

    def _put(self, token: YamlToken) -> None:
        gap = self.source.text[self.end : token.start].split("\n")
        if self.line is None or len(gap) > 1:
            indent = self._indentation(token)
            self._end_line(gap[:-1], token.column, indent)
            self.line, self.at, self.shift = " " * indent, token.line, indent - token.column
        else:
            self.line += self._space(token)
        self.end, self.before, self.outer, self.is_key = token.end, token.kind, [*self.blocks], False
        written = self.notations.texts.get(token.start) or self.source.text[token.start : token.end]
        if token.kind == "scalar" and written[0] in "|>":
            self._put_block(token, written.split("\n"))
            return
        if token.kind in ("]", "}"):
            self.brackets.pop()
        first, *rest = written.split("\n")
        self.line += first
        for line in rest:  # of a string over several lines
            self.lines.append(Line(self.line, "", self.at))
            text = line.lstrip(" ")
            self.line, self.at = " " * max(0, len(line) - len(text) + self.shift) + text, self.at + 1
        if token.kind in ("[", "{"):
            column, end = len(self.line), len(self.line) - len(self.line.lstrip())
            alone = _NOTHING.match(self.source.text, token.end)
            self.brackets.append(_Bracket(end + INDENT if alone or column > DEEPEST else column, end))

    def _put_block(self, token: YamlToken, written: list[str]) -> None:
        """Print a block scalar: its header, and its lines with another indentation."""
        header = _HEADER.match(written.pop(0))
        assert header
        assert self.line is not None
        unended = token.end == len(self.source.text) and self.source.lines[-1] != ""
        if not unended:
            written.pop()  # what stands before the next token
        block = self.blocks[-1]
        digit = re.search("[0-9]", header[1])
        first = next((line for line in written if line.strip(" ")), max(written, default=""))
        old = block.column + int(digit[0]) if digit else len(first) - len(first.lstrip(" "))
        new = block.indent + (int(digit[0]) if digit else INDENT)
        lines, mark = [[line[old:]] for line in written], header[1]
        notation = self.notations.blocks.get(token.start)
        if notation is not None:
            lines, mark, new = notation, "|", block.indent + INDENT
        count = len(lines)
        while "+" not in mark and count and not any(lines[count - 1]):
            count -= 1
        self.lines.append(Line(self.line + mark, header[2] or "", self.at))
        for at, texts in enumerate(lines[:count], self.at + 1):
            self.lines += (Line(" " * new + text if text else "", "", at) for text in texts)
        self.kept = len(self.lines)
        if notation is None and unended:
            self.lines[-1] = self.lines[-1]._replace(end="")
        self.line, self.comment = None, -1
        self.end = self.source.line_starts[self.at + count] + len(self.source.lines[self.at + count])

    def _end_line(self, gap: list[str], column: int, indent: int) -> None:
        """End the line; print the lines up to the next token, which stands in a column and will be indented."""
        at = bisect_right(self.source.line_starts, self.end) - 1
        if self.line is not None:
            comment = gap[0].strip()
            self.lines.append(Line(self.line, comment, self.at))
            self.comment = self.source.lines[at].index("#", self.end - self.source.line_starts[at]) if comment else -1
        for number, line in enumerate(gap):
            text = line.strip()
            if (number == 0 and self.end) or (not text and not self.lines):
                continue
            own = len(line) - len(line.lstrip())
            if text and own == self.comment:
                self.lines.append(Line("", text, at + number))
                continue
            self.comment = -1
            margin = self._comment_indentation(own, column, indent) if text else 0
            self.lines.append(Line(" " * margin + text, "", at + number))
        self.line = None

    def _comment_indentation(self, own: int, column: int, indent: int) -> int:
        """The indentation of a comment line: that of the next token, or of a block which ends before that."""
        if own <= column or self.brackets or not self.outer:
            return indent
        if own > self.outer[-1].column and self.before in (":", "-"):
            return self.outer[-1].indent + INDENT
        return next((block.indent for block in reversed(self.outer) if block.column <= own), indent)

    def _indentation(self, token: YamlToken) -> int:
        """The indentation of a line that starts with a token."""
        if self.brackets:
            return self.brackets[-1].end if token.kind in ("]", "}") else self.brackets[-1].inside
        if not self.blocks or token.kind in ("%", "---", "..."):
            return 0
        own = self.is_key or token.kind in ("-", "?", ":")
        return self.blocks[-1].indent + (0 if own else INDENT)

    def _space(self, token: YamlToken) -> str:
        """The space between the last token and another one on the same line."""
        if self.before != ":" and (self.before in ("[", "{") or token.kind in (",", "]", "}", ":")):
            return ""
        return " "
