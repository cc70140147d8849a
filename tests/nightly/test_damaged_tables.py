"""Damaged tables of papers, by the thousand: each is a spec that can be read, or an error with its place."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest
from test_transcription import DATA

from inception_dsl.authoring.transcription.transcript import transcribe
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError
from inception_dsl.network import loads
from inception_dsl.tables import formats

TEXTS = [file.read_text(encoding="utf-8") for file in sorted(DATA.iterdir())]
JUNK = [
    *("&", "\\\\", "|", "\n", "  ", "{", "}", "$", "^", "×", "x", "3x3", "1,024", "K", "*", "†", "%", "-", "(3a)", "0"),
    *("\\textbf{", "\\multicolumn{3}{c}{x}", "<td>", "<!--", "999999999", "in", "params", "é", "\u202e", "\x00", "\t"),
    *(",", ";", '"', "'", "#", "]", "[", "inception", "avg + 32", "1e9", "٣", "²", "@x", "{n}", "a | b", "pool"),
]
WORDS = ["×", "3", "inception", "conv", "type", "output", "&", "pool", "stride"]
COUNT = 500
LIMIT = 2.0
"""CPU seconds for one table."""


def damaged(text: str, chance: random.Random) -> str:
    """A text with some pieces inserted, deleted, repeated, moved or replaced."""
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        at, other = chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)
        match chance.randrange(5):
            case 0:
                text = text[:at] + chance.choice(JUNK) + text[at:]
            case 1:
                text = text[:at] + text[at + chance.randrange(1, 20) :]
            case 2:
                text = text[:at] + text[other : other + 40] + text[at:]
            case 3:
                lines = text.split("\n")
                lines.insert(chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines))))
                text = "\n".join(lines)
            case _:
                text = text.replace(chance.choice(WORDS), chance.choice(JUNK), chance.choice([1, 5, 100]))
    return text


def codes_of(spec: str) -> set[str]:
    """The codes of the errors of a spec."""
    try:
        loads(spec)
    except SpecError as error:
        return {fault.code for fault in error.diagnostics}
    return set()


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_table_is_a_spec_or_an_error(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    results: Counter[str] = Counter()
    for _ in range(COUNT):
        text = damaged(chance.choice(TEXTS), chance)
        form = chance.choice([None, None, None, *formats.FORMATS])
        begin = time.process_time()
        faults: tuple[Diagnostic, ...] = ()
        try:
            written = transcribe(formats.read(Source("given", text), form), "draft", "draft.yaml").text
        except SpecError as error:
            written, faults = "", error.diagnostics
        assert time.process_time() - begin < LIMIT, text
        places = [fault.span for fault in faults]
        assert all(place and place.line <= len(place.source.lines) for place in places), text
        codes = set() if faults else codes_of(written)
        assert not {code for code in codes if code[1] in "019"}, text
        results["refused" if faults else "read" if codes else "compiled"] += 1

    assert min(results.values()) > COUNT // 50, results
