"""Aligns two sequences of named parts: the rows of two networks, or the layers of two rows.

Sequences with the same names in the same order pair by name: a setting has changed. In others, a part pairs with at
most one of the other sequence. First, the pairs that keep the order and have the highest score together, by name and
content (Needleman and Wunsch, 1970): a name alone outweighs a content that resembles, an equal content outweighs a name
alone, and two names outweigh one equal content. So a row that was edited keeps its partner, and rows that were
renumbered keep theirs. Then, of what is left, parts of one name, and parts of one content that no other part has: these
were moved.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Final, NamedTuple

SAME_NAME: Final = 400
SAME_CONTENT: Final = 700
RESEMBLES: Final = 200
"""What a pair scores for its name, for equal contents, and at most for contents that have parts in common."""

MIN_SHARE: Final = 0.5
"""Parts of other names pair if more than this share of their contents is equal."""

MOST_PAIRS: Final = 20_000
"""The most pairs that are scored; parts of longer sequences pair by name first, and by content where that is unique."""


Pair = tuple[int, int]


class Part(NamedTuple):
    """A part of a sequence: its name, which no other part has, and what it consists of.

    `identified` says whether its content alone tells it from others, wherever it stands.
    """

    name: str
    content: tuple[Hashable, ...]
    identified: bool = False


class Alignment(NamedTuple):
    """The pairs of two sequences, by index and in the order of the first, and those of them that were moved."""

    pairs: Sequence[Pair]
    moved: frozenset[Pair]


def align(before: Sequence[Part], after: Sequence[Part]) -> Alignment:
    """Align two sequences, in time linear in them beyond `MOST_PAIRS`; `align(b, a)` gives the same pairs swapped."""
    if [part.name for part in before] == [part.name for part in after]:
        return Alignment([(i, i) for i in range(len(before))], frozenset())
    start = _equal_at_start(before, after)
    rest = min(len(before), len(after)) - start
    end = min(_equal_at_start(before[::-1], after[::-1]), rest)
    inner, other = before[start : len(before) - end], after[start : len(after) - end]
    # of several alignments with one score, the same is taken in both directions
    swap = _comes_first(other, inner)
    in_order = [(i, j) for j, i in _in_order(other, inner)] if swap else _in_order(inner, other)
    moved = [(i + start, j + start) for i, j in _left_over(inner, other, in_order)]
    pairs = [(i, i) for i in range(start)]
    pairs += sorted([*((i + start, j + start) for i, j in in_order), *moved])
    pairs += [(len(before) - left, len(after) - left) for left in range(end, 0, -1)]
    return Alignment(pairs, frozenset(moved))


def _comes_first(one: Sequence[Part], other: Sequence[Part]) -> bool:
    """An order of sequences whose names differ."""
    return [part.name for part in one] < [part.name for part in other]


def _equal_at_start(before: Sequence[Part], after: Sequence[Part]) -> int:
    """How many parts at the start are equal in name and content."""
    count = 0
    while count < min(len(before), len(after)) and before[count][:2] == after[count][:2]:
        count += 1
    return count


def _in_order(before: Sequence[Part], after: Sequence[Part]) -> list[Pair]:
    """The pairs that keep the order."""
    if len(before) * len(after) > MOST_PAIRS:
        return _longest_in_order(_pairs_by(_name, before, after))
    score = _scores(before, after)
    best = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]  # of the parts from i and j on
    for i in reversed(range(len(before))):
        for j in reversed(range(len(after))):
            best[i][j] = max(score[i][j] + best[i + 1][j + 1], best[i + 1][j], best[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(before) and j < len(after):
        if score[i][j] and best[i][j] == score[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _scores(before: Sequence[Part], after: Sequence[Part]) -> list[list[int]]:
    """What every pair scores; 0 for parts that do not pair."""
    contents: dict[tuple[Hashable, ...], int] = {}  # numbered: a number is compared faster than a content
    one, other = ([contents.setdefault(part.content, len(contents)) for part in parts] for parts in (before, after))
    sets = [*map(frozenset, contents)]
    shares = {(i, j): 1.0 if i == j else _share(sets[i], sets[j]) for i in {*one} for j in {*other}}

    def score(share: float, named: bool) -> int:
        if not named and share <= MIN_SHARE:
            return 0
        return SAME_NAME * named + (SAME_CONTENT if share == 1 else round(RESEMBLES * share))

    return [
        [score(shares[i, j], left.name == right.name) for right, j in zip(after, other, strict=True)]
        for left, i in zip(before, one, strict=True)
    ]


def _share(one: frozenset[Hashable], other: frozenset[Hashable]) -> float:
    """The share of two contents that is equal (Dice's coefficient), below 1 unless they are the same."""
    return 2 * len(one & other) / (len(one) + len(other) + 1)


def _left_over(before: Sequence[Part], after: Sequence[Part], in_order: Sequence[Pair]) -> list[Pair]:
    """The pairs of parts that have none in order: by name, and by a content that identifies a part."""
    found: list[Pair] = []
    for key in (_name, _identity):
        paired = [*in_order, *found]
        left: list[Part | None] = [*before]
        right: list[Part | None] = [*after]
        for i, j in paired:
            left[i] = right[j] = None
        found += _pairs_by(key, left, right)
    return found


def _name(part: Part) -> Hashable:
    return part.name


def _identity(part: Part) -> Hashable:
    return part.content if part.identified else None


def _pairs_by(
    key: Callable[[Part], Hashable], before: Sequence[Part | None], after: Sequence[Part | None]
) -> list[Pair]:
    """The pairs of parts with a key that one part of each sequence has."""
    keys = [[key(part) if part else None for part in parts] for parts in (before, after)]
    counts = [Counter(found) for found in keys]
    place = {found: j for j, found in enumerate(keys[1])}
    return [
        (i, place[found])
        for i, found in enumerate(keys[0])
        if found is not None and counts[0][found] == counts[1][found] == 1
    ]


def _longest_in_order(pairs: Sequence[Pair]) -> list[Pair]:
    """The longest part of some pairs, sorted by their first index, in which the second increases too."""
    ends: list[int] = []  # the second index with which the best sequence of every length ends
    last: list[int] = []  # the pair that it belongs to
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1], last[length : length + 1] = [j], [number]
    chosen, at = [], last[-1] if last else -1
    while at >= 0:
        chosen.append(pairs[at])
        at = before[at]
    return chosen[::-1]
