"""Phrases of messages: suggestions for misspelt words, lists of words, numbers of things, exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

COMPARED: Final = 20
"""The most words that a word is compared with in full; of more, only those that differ by a letter or two."""

MAX_LETTERS: Final = 40
"""The letters of a word that are compared."""

_SUGGESTS: Final = "did you mean"

MAX_WORDS_LISTED: Final = 20
"""The most words that a listing names."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the known words that look like `word`, as a help line; empty if there are none."""
    return suggestion(alike(word, known))


def suggestion(words: Iterable[str]) -> str:
    """The help line that suggests some words; empty for none."""
    choices = listing(words, "or")
    return f"{_SUGGESTS} {choices}?" if choices else ""


def suggested(line: str) -> list[str]:
    """The words that a help line suggests.

    >>> suggested(suggestion(["conv1", "conv2"]))
    ['conv1', 'conv2']
    """
    return re.findall("`([^`]+)`", line) if line.startswith(_SUGGESTS) and line.endswith("?") else []


def sentence(text: str) -> str:
    """A help line as a sentence of its own, with a capital."""
    return text[:1].upper() + text[1:]


def alike(word: str, known: Iterable[str]) -> list[str]:
    """The known words that look like `word`: at most two, the most similar first.

    Many known words are indexed once, so that thousands of misspelt words are not each compared with all of them.
    """
    from difflib import get_close_matches

    spelled, index = _index(tuple(known))
    folded = word.casefold()[:MAX_LETTERS]
    near = {word: None for part in _parts(folded) for word in index.get(part, ())} if index else spelled
    return [spelled[match] for match in get_close_matches(folded, near, n=2, cutoff=0.7)]


@lru_cache(maxsize=4)
def _index(known: tuple[str, ...]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Known words by their lower case; if there are many, also by what remains of them without one letter."""
    spelled = {word.casefold()[:MAX_LETTERS]: word for word in known}
    index: dict[str, list[str]] = {}
    for word in spelled if len(spelled) > COMPARED else ():
        for part in _parts(word):
            similar = index.setdefault(part, [])
            if len(similar) < COMPARED:
                similar.append(word)
    return spelled, index


def _parts(word: str) -> Iterator[str]:
    """A word, and what remains of it without each of its letters."""
    yield word
    yield from (word[:i] + word[i + 1 :] for i in range(len(word)))


def counted(number: int, thing: str) -> str:
    """A number of things: `1 tensor`, `1,200 tensors`."""
    return f"{number:,} {thing}" + "s" * (number != 1)


def raised(error: BaseException) -> str:
    """An exception on one line: its type and message."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def listing(words: Iterable[str], conjunction: str = "and") -> str:
    """Join words as in a sentence: `a`, `b` and `c`; of many words, the first and the number of the others.

    With a comma as conjunction: `a`, `b`, `c`.
    """
    words = list(words)
    shown, more = (
        (words, 0)
        if len(words) <= MAX_WORDS_LISTED
        else (words[: MAX_WORDS_LISTED - 1], len(words) - MAX_WORDS_LISTED + 1)
    )
    quoted = [f"`{word}`" for word in shown] + ([f"{more:,} more"] if more else [])
    last = ", " if conjunction == "," else f" {conjunction} "
    return last.join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
