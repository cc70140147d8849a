"""What the language could say before it grew means the same today: the former grammar judges every text it reads."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import former_language
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark, logger
from strategies import former_terms, terms

from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.syntax import algebra, yaml
from inception_dsl.syntax.algebra_errors import MAX_BRACKETS, SyntaxFault
from inception_dsl.syntax.printer import spell_graph, spell_term
from inception_dsl.syntax.terms import Term

ROOT = Path(__file__).parent.parent
FILES = sorted([*(ROOT / "specs").rglob("*.yaml"), *(ROOT / "tests" / "cases").rglob("*.yaml")])
GRAMMARS = [former_language.GRAMMAR, ROOT / "inception_dsl" / "syntax" / "layers.lark"]
TOKENS = "conv maxpool bn 3x3 3x3/2 64 0.5 2 40% {k} {n} { } {in//2} [ ] | + * -> x: of @ again same groups=2 pad=1x2"

READERS = {"formula": algebra.parse_formula, "words": algebra.parse_words, "braced": algebra.parse_braced}


def now(text: str, start: str) -> Any:
    """What the language reads today; None where it is an error."""
    try:
        return READERS[start](text)
    except SyntaxFault:
        return None


def kept(text: str, start: str = "formula") -> bool:
    """Hold a text against the former grammar; whether that could read it."""
    former = former_language.parse(text, start)
    if former is not None:
        assert now(text, start) == former, text
    return former is not None


def texts(data: Any) -> Iterator[str]:
    """Every text in a file's data, its lines and the cells of these: formulas, words, values, and much else."""
    if isinstance(data, dict):
        for value in data.values():
            yield from texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from texts(value)
    elif isinstance(data, str):
        yield data
        for line in data.splitlines():
            yield line
            yield from (cell.strip() for cell in line.split("|"))


def corpus() -> list[str]:
    """Every text of every spec, of the cases of the tests, right and wrong, and of the language's reference."""
    found: dict[str, None] = {}
    for path in FILES:
        try:
            found |= dict.fromkeys(texts(yaml.parse(Source(str(path), path.read_text(encoding="utf-8"))).data))
        except (SpecError, UnicodeDecodeError):
            continue
    for page in (ROOT / "docs").glob("*.md"):
        found |= dict.fromkeys(re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")))
    return [text for text in found if len(text) < 5_000 and text.count("[") < MAX_BRACKETS]


def test_every_text_of_every_spec_means_what_it_meant() -> None:
    read = [text for text in corpus() if sum(kept(text, start) for start in READERS)]

    assert len(read) > 1_000


def test_mutants_of_the_corpus_mean_what_they_meant() -> None:
    """Texts with a token put in, taken out or put in place of another: some formulas, some errors."""
    rng = random.Random(0)  # noqa: S311 - nothing secret
    formulas = [text for text in corpus() if " " in text and former_language.parse(text) is not None]
    read = 0
    for _ in range(3_000):
        tokens = rng.choice(formulas)[:400].split()
        at = rng.randrange(len(tokens))
        tokens[at : at + rng.randrange(2)] = rng.choices(TOKENS.split(), k=rng.randrange(3))
        read += kept(" ".join(tokens))

    assert 500 < read < 2_900


@settings(max_examples=300)
@given(st.lists(st.sampled_from(TOKENS.split()), min_size=1, max_size=12).map(" ".join), st.sampled_from([*READERS]))
def test_random_tokens_mean_what_they_meant(text: str, start: str) -> None:
    kept(text, start)


@settings(max_examples=200)
@given(former_terms())
def test_random_terms_mean_what_they_meant(term: Term) -> None:
    assert kept(spell_term(term))
    assert kept(spell_graph(term))


@settings(max_examples=200)
@given(terms())
def test_what_the_former_grammar_can_read_of_new_terms_means_the_same(term: Term) -> None:
    kept(spell_term(term))


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda path: path.name)
def test_the_grammar_has_no_conflicts(grammar: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A reduction that could be another is an error in lark; where it prefers to shift, it says so in its log."""
    assert conflicts(grammar.read_text(encoding="utf-8"), caplog) == []


def test_a_conflict_would_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    ambiguous = GRAMMARS[1].read_text(encoding="utf-8").replace("operand STAR term", "term STAR term")

    assert conflicts(ambiguous, caplog)


def conflicts(grammar: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What lark says of a grammar's tables."""
    caplog.set_level(logging.DEBUG, logger=logger.name)
    logger.addHandler(caplog.handler)
    try:
        Lark(grammar, parser="lalr", start=["formula", "words", "braced", "value"], debug=True)
    finally:
        logger.removeHandler(caplog.handler)
    return [record.getMessage() for record in caplog.records if "conflict" in record.getMessage().lower()]
