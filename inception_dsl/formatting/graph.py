"""The lines of a graph, under each other by what they continue.

Where lines break is the author's choice, but an operator does not end a line, and a closing bracket does not start one.
The operator that separates the branches of a bracket stands below the bracket, and an arrow below the step it follows:

    relu -> mixed: [ 1x1:  conv 1x1 64
                   | pool: maxpool 3x3/1
                     -> conv 1x1 32 ]
    -> bn
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

from inception_dsl.formatting.tokens import Token, scan, space
from inception_dsl.text.terminal import width

DEEPEST: Final = 80
"""The column beyond which no line is indented to a bracket."""
WIDEST: Final = 32
"""The widest label that others are aligned with."""

_LOOSEST_FIRST: Final = ("|", "+", "->", "*")


@dataclass
class _Group:
    """The formula as a whole, or the inside of a bracket.

    `operator` is the loosest that starts one of its lines, `labels` the width of the widest label after that operator,
    and `column` where that operator stands: below the bracket, unless the inside starts on the next line (`hangs`).
    """

    whole: bool = False
    hangs: bool = False
    operator: str = ""
    labels: int = 0
    column: int = 0

    @property
    def branches(self) -> bool:
        """Whether it has branches on lines of their own."""
        return self.operator in ("|", "+", "*")

    def indentation(self, place: _Place) -> int:
        """The column of a line that starts with a token."""
        token = place.token
        if token.kind != "operator":
            return self.column + (2 if place.leads else 4)
        below = token.text == self.operator and (self.whole or token.text != "->")
        return self.column if below else self.column + 2


class _Place(NamedTuple):
    """A token, the one `before` it, the group that it stands in, and the one that it opens.

    `leads` says that it is the first of a bracket, or of what follows the operator at the start of a line.
    """

    before: Token | None
    token: Token
    group: _Group
    inside: _Group | None
    leads: bool

    @property
    def label(self) -> int:
        """The width of a label that stands above or below those of other branches; 0 for any other token."""
        first = self.leads and self.before is not None and self.before.text in ("[", self.group.operator)
        wide = width(self.token.text)
        return wide if first and self.token.kind == "label" and self.group.branches and wide <= WIDEST else 0


def graph_lines(text: str) -> list[list[str]]:
    """For every line of a graph that `algebra` parses, the lines that take its place: none where it was joined."""
    printed: list[list[str]] = [[] if line.strip() else [""] for line in text.split("\n")]
    lines = _grouped(_barred(_lines(scan(text))))
    for places in lines:
        margin = places[0].group.indentation(places[0]) if places is not lines[0] else 0
        line = " " * margin
        for place in places:
            line += space(place.before, place.token) if place is not places[0] else ""
            if place.inside:
                far = place.inside.hangs or width(line) > DEEPEST
                place.inside.column = margin + 2 if far else width(line)
            line += place.token.text
            line += " " * (place.group.labels - place.label) if place.label else ""
        printed[places[0].token.line].append(line)
    return printed


def _lines(tokens: Iterable[Token]) -> list[list[Token]]:
    """The tokens by lines, none of which ends, or starts, with what must not."""
    lines: list[list[Token]] = [[]]
    at = 0
    for token in tokens:
        line, breaks, at = lines[-1], token.line > at, token.line
        before = line[-1] if line else None
        if before and before.kind == "open" and token.text == "|":
            continue  # a bar before the first branch says nothing
        if before and breaks and before.kind == "operator" and len(line) > 1:
            lines.append([line.pop()._replace(line=at)])
        elif before and breaks and _may_break(before, token):
            lines.append([])
        lines[-1].append(token)
    return lines


def _may_break(before: Token, token: Token) -> bool:
    """Whether a line may end with one token and the next start with the other."""
    if token.kind == "operator":
        return True
    unfinished = before.kind in ("operator", "label", "key", "glue") or before.text == "of"
    return not unfinished and token.kind not in ("close", "glue") and token.text != "of"


def _barred(lines: list[list[Token]]) -> list[list[Token]]:
    """The lines with a bar before the first branch, if the others are on lines of their own."""
    depth = 0
    for line in lines:
        if line is not lines[0] and line[0].text == "|" and depth == 0 and lines[0][0].text != "|":
            return [[Token("operator", "|"), *lines[0]], *lines[1:]]
        depth += sum((token.kind == "open") - (token.kind == "close") for token in line)
    return lines


def _grouped(lines: Iterable[Sequence[Token]]) -> list[list[_Place]]:
    """The lines with all that is known of their groups before the columns."""
    grouped: list[list[_Place]] = []
    opened = [_Group(whole=True)]
    last: Token | None = None
    for line in lines:
        if line[0].kind == "operator":
            opened[-1].operator = min(opened[-1].operator or "*", line[0].text, key=_LOOSEST_FIRST.index)
        elif last and last.kind == "open":
            opened[-1].hangs = True
        places: list[_Place] = []
        for i, token in enumerate(line):
            if token.kind == "close":
                opened.pop()
            inside = _Group() if token.kind == "open" else None
            leads = last is not None and (last.kind == "open" or (i == 1 and last.kind == "operator"))
            places.append(_Place(last, token, opened[-1], inside, leads))
            opened += [inside] if inside else []
            last = token
        grouped.append(places)
    for place in chain(*grouped):
        place.group.labels = max(place.group.labels, place.label)
    return grouped
