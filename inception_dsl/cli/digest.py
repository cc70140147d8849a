"""Markdown for the comment of a pull request, or the summary of a workflow step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from inception_dsl.cli import tables
from inception_dsl.cli.outcome import Outcome, SpecResult
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.ir.results import results_table
from inception_dsl.text.markdown import ROOM, bounded_table, code, escaped, prose

if TYPE_CHECKING:
    from inception_dsl.paper.claims import ClaimVerdict

MAX_MESSAGE_SHOWN: Final = 500
"""Most characters of a message."""


def digest(outcome: Outcome) -> str:
    """Format as a summary, the results, and a table of the findings."""
    return "\n\n".join(filter(None, _parts(outcome)))


def _parts(outcome: Outcome) -> Iterator[str]:
    found = outcome.diagnostics
    findings = bounded_table(["code", "place", "what is wrong"], map(_finding, found), left=3)
    if outcome.body:
        yield from (outcome.body, findings)
        return
    yield f"### inception-dsl {outcome.command}: {render.counted(found) if found else 'nothing is wrong'}"
    yield "\n".join(f"- {escaped(sentence)}" for sentence in outcome.sentences())
    header = ["spec", "network", "printed", "exact", "rounds", "errata", "mismatches", ""]
    yield bounded_table(header, map(_spec, outcome.specs))
    yield _list(f"- {prose(line)}" for result in outcome.specs for line in _evidence(result))
    yield bounded_table(["claim", "formula", "printed", "computed", "verdict"], map(_claim, outcome.claims))
    if outcome.table:
        names, *cells = outcome.table
        words = 1 if all(re.fullmatch(r"[\d,.]+", row[1]) for row in cells) else 2
        yield bounded_table(names, ([*map(code, row[:words]), *map(escaped, row[words:])] for row in cells), left=words)
    if outcome.reported:
        header, *results = results_table(outcome.reported)
        yield "Reported, not checked:"
        yield bounded_table(header, ([*map(escaped, row)] for row in results), left=len(header))
    for text in (outcome.result or {}).values() if not outcome.table else ():
        if isinstance(text, str):
            yield _block(text)
    yield findings


def _list(items: Iterable[str]) -> str:
    """Format a list of the items that fit, and how many more there are; "" for none."""
    all_items, taken = [*items], 0
    for shown, item in enumerate(all_items):
        taken += len(item) + 1
        if taken > ROOM:
            return "\n".join([*all_items[:shown], f"- ... and {len(all_items) - shown:,} more"])
    return "\n".join(all_items)


def _finding(found: Diagnostic) -> list[str]:
    return [found.code, code(render.place(found)), _message(render.paragraph(found))]


def _spec(result: SpecResult) -> list[str]:
    counts = Counter(verdict.verdict for verdict in result.verdicts)
    numbers = [str(counts[word]) for word in tables.ORDER]
    return [
        *(code(result.file), escaped(result.network), str(len(result.verdicts)), *numbers),
        "holds" if result.holds else "**does not hold**",
    ]


def _evidence(result: SpecResult) -> Iterator[str]:
    yield from (f"`{result.network}.{found.row}`: {found.sentence}" for found in result.explanations)
    yield from (f"`{result.network}`: {sentence}" for sentence in result.cross_checks)


def _claim(verdict: ClaimVerdict) -> list[str]:
    sentence, word = verdict.sentence, "**MISMATCH**" if verdict.word == "MISMATCH" else verdict.word
    return [code(sentence.id), code(sentence.written), escaped(sentence.printed), escaped(verdict.shown), word]


def _message(text: str) -> str:
    cut = text if len(text) <= MAX_MESSAGE_SHOWN else f"{text[: MAX_MESSAGE_SHOWN - 1]}…"
    return "<br>".join(map(prose, cut.splitlines()))


def _block(text: str) -> str:
    """Format text of several lines as a code block, with a fence longer than any in the text."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}\n{text.rstrip()}\n{fence}"
