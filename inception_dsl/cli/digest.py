"""A run of a command as Markdown: the comment of a pull request, or the summary of a step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from inception_dsl.cli import tables
from inception_dsl.cli.outcome import Held, Outcome
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.text.markdown import code, escaped, prose, table

if TYPE_CHECKING:
    from inception_dsl.paper.claims import ClaimVerdict

ROOM: Final = 15_000
"""The characters that a table or list takes: a comment has at most 65,536."""
LONGEST: Final = 500
"""The characters of a message that are shown."""


def digest(outcome: Outcome) -> str:
    """What was looked at, how it did, and a table of what is wrong."""
    return "\n\n".join(filter(None, _parts(outcome)))


def _parts(outcome: Outcome) -> Iterator[str]:
    found = outcome.diagnostics
    yield f"### inception-dsl {outcome.command}: {render.counted(found) if found else 'nothing is wrong'}"
    yield "\n".join(f"- {escaped(sentence)}" for sentence in outcome.sentences())
    header = ["spec", "network", "printed", "exact", "rounds", "errata", "mismatches", ""]
    yield _table(header, map(_spec, outcome.specs))
    yield _list(f"- {prose(line)}" for each in outcome.specs for line in _evidence(each))
    yield _table(["claim", "formula", "printed", "computed", "verdict"], map(_claim, outcome.claims))
    if outcome.table:
        names, *cells = outcome.table
        yield _table(names, ([code(name), code(layer), *map(escaped, rest)] for name, layer, *rest in cells))
    for text in (outcome.result or {}).values() if not outcome.table else ():
        if isinstance(text, str):
            yield _block(text)
    yield _table(["code", "place", "what is wrong"], map(_finding, found), left=3)


def _table(header: Sequence[str], rows: Iterable[list[str]], left: int = 2) -> str:
    """A table of as many rows as there is room for, and how many more there are; "" for none."""
    whole, widths = [*rows], [len(cell) for cell in header]
    for shown, row in enumerate(whole):
        widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
        if (shown + 3) * (sum(widths) + 3 * len(widths) + 2) > ROOM:
            return f"{table(header, whole[:shown], left)}\n\n... and {len(whole) - shown:,} more"
    return table(header, whole, left) if whole else ""


def _list(items: Iterable[str]) -> str:
    """A list of as many items as there is room for, and how many more there are; "" for none."""
    whole, taken = [*items], 0
    for shown, item in enumerate(whole):
        taken += len(item) + 1
        if taken > ROOM:
            return "\n".join([*whole[:shown], f"- ... and {len(whole) - shown:,} more"])
    return "\n".join(whole)


def _finding(found: Diagnostic) -> list[str]:
    return [found.code, code(render.place(found)), _said(render.paragraph(found))]


def _spec(held: Held) -> list[str]:
    counts = Counter(each.verdict for each in held.verdicts)
    numbers = [str(counts[word]) for word in tables.ORDER]
    return [
        *(code(held.file), escaped(held.network), str(len(held.verdicts)), *numbers),
        "holds" if held.holds else "**does not hold**",
    ]


def _evidence(held: Held) -> Iterator[str]:
    yield from (f"`{held.network}.{each.row}`: {each.sentence}" for each in held.explanations)
    yield from (f"`{held.network}`: {each}" for each in held.cross_check)


def _claim(held: ClaimVerdict) -> list[str]:
    sentence, word = held.sentence, "**MISMATCH**" if held.word == "MISMATCH" else held.word
    return [code(sentence.id), code(sentence.written), escaped(sentence.printed), escaped(held.shown), word]


def _said(words: str) -> str:
    cut = words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
    return "<br>".join(map(prose, cut.splitlines()))


def _block(text: str) -> str:
    """A text of several lines, behind a fence that is longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}\n{text.rstrip()}\n{fence}"
