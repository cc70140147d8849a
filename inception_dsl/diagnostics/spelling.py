"""Suggestions for misspelt words, and lists of words in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

COMPARED: Final = 20
"""Words that one word is compared with. Of more, only those that differ from it by a letter or two are."""

LONGEST: Final = 40
"""Letters of a word that are compared."""

LISTED: Final = 20
"""Words that a listing names."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the known words that look like `word`, as a help line; empty where none does."""
    return suggestion(alike(word, known))


def suggestion(words: Iterable[str]) -> str:
    """The help line that suggests some words; empty for none."""
    said = listing(words, "or")
    return f"did you mean {said}?" if said else ""


def sentence(text: str) -> str:
    """A help line as a sentence after another one: with a capital."""
    return text[:1].upper() + text[1:]


def alike(word: str, known: Iterable[str]) -> list[str]:
    """The known words that look like `word`, two at most, the nearest first.

    Of many known words an index is kept, so that thousands of misspelt words take no longer each than one alone.
    """
    from difflib import get_close_matches

    spelled, index = _index(tuple(known))
    folded = word.casefold()[:LONGEST]
    near = {each: None for part in _parts(folded) for each in index.get(part, ())} if index else spelled
    return [spelled[match] for match in get_close_matches(folded, near, n=2, cutoff=0.7)]


@lru_cache(maxsize=4)
def _index(known: tuple[str, ...]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Words by themselves without case; where they are many, also by what is left of them without any one letter."""
    spelled = {each.casefold()[:LONGEST]: each for each in known}
    index: dict[str, list[str]] = {}
    for word in spelled if len(spelled) > COMPARED else ():
        for part in _parts(word):
            alike = index.setdefault(part, [])
            if len(alike) < COMPARED:
                alike.append(word)
    return spelled, index


def _parts(word: str) -> Iterator[str]:
    """A word, and what is left of it without any one letter."""
    yield word
    yield from (word[:i] + word[i + 1 :] for i in range(len(word)))


def listing(words: Iterable[str], conjunction: str = "and") -> str:
    """Join words as a sentence does: `a`, `b` and `c`; of many, the first and how many more there are.

    With a comma for conjunction: `a`, `b`, `c`.
    """
    words = list(words)
    shown, more = (words, 0) if len(words) <= LISTED else (words[: LISTED - 1], len(words) - LISTED + 1)
    quoted = [f"`{word}`" for word in shown] + ([f"{more:,} more"] if more else [])
    last = ", " if conjunction == "," else f" {conjunction} "
    return last.join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
