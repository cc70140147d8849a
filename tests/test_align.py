"""The alignment of rows and layers: renames, moves and edits are found, and both directions agree."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from inception_dsl.diff import align
from inception_dsl.diff.align import Part


def parts(text: str) -> list[Part]:
    """Parts as `name=content`: a letter of the content is one of its layers; of capitals, the content identifies it."""
    pairs = (word.partition("=") for word in text.split())
    return [Part(name, tuple(content), content.isupper()) for name, _, content in pairs]


def aligned(before: str, after: str) -> str:
    """The pairs of two sequences, by name, with `!` where they were moved."""
    one, other = parts(before), parts(after)
    found = align.align(one, other)
    return " ".join(f"{one[i].name}-{other[j].name}{'!' * ((i, j) in found.moved)}" for i, j in found.pairs)


CASES = {
    "equal": ("a=X b=Y", "a=X b=Y", "a-a b-b"),
    "an edited row": ("a=X b=YZ c=W", "a=X b=VU c=W", "a-a b-b c-c"),
    "a new row": ("a=X c=Y", "a=X b=X c=Y", "a-a c-c"),
    "a renamed row": ("a=X b=Y c=Z", "a=X d=Y c=Z", "a-a b-d c-c"),
    "a row renamed and edited": ("a=X b=PQRS c=Z", "a=X d=PQRT c=Z", "a-a b-d c-c"),
    "one row for another": ("a=X b=PQRS c=Z", "a=X d=PTUV c=Z", "a-a c-c"),
    "renamed rows": ("a=X b=Y c=Z", "d=X e=Y f=Z", "a-d b-e c-f"),
    "a moved row": ("a=X b=Y c=Z", "b=Y c=Z a=X", "a-a! b-b c-c"),
    "a row moved and renamed": ("a=X b=Y c=Z", "b=Y c=Z d=X", "a-d! b-b c-c"),
    "one of two that could have been moved": ("a=X e=X b=Y c=Z", "b=Y c=Z d=X", "b-b c-c"),
    "a pool here and there": ("a=x b=Y c=Z", "b=Y c=Z d=x", "b-b c-c"),
    "renumbered rows": ("r1=A r2=B r3=C r4=D", "r1=A r2=N r3=B r4=C r5=D", "r1-r1 r2-r3 r3-r4 r4-r5"),
    "rows in a stage that grows": ("r1=A r2=B r3=B t1=C", "r1=A r2=B r3=B r4=B t1=C", "r1-r1 r2-r2 r3-r3 t1-t1"),
    "contents that change places": ("a=X b=Y", "a=Y b=X", "a-a b-b"),
    "a content that a neighbour had": ("a=X b=Y c=Z", "a=X b=Z c=W", "a-a b-b c-c"),
    "a setting that narrows all rows": ("a=W b=X c=Y d=Y", "a=V b=W c=X d=X", "a-a b-b c-c d-d"),
    "nothing in common": ("a=X", "b=Y", ""),
}


@pytest.mark.parametrize("most", [align.MOST_PAIRS, 0])
@pytest.mark.parametrize(("before", "after", "pairs"), CASES.values(), ids=CASES)
def test_pairs(before: str, after: str, pairs: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long sequences are aligned by name first: that finds less, and never two partners for one row."""
    monkeypatch.setattr(align, "MOST_PAIRS", most)
    found = aligned(before, after)

    if most:
        assert found == pairs
    else:
        lefts, rights = ([pair.rstrip("!").split("-")[side] for pair in found.split()] for side in (0, 1))
        assert len({*lefts}) == len(lefts)
        assert len({*rights}) == len(rights)
        same = {part.name for part in parts(before)} & {part.name for part in parts(after)}
        assert {pair.rstrip("!") for pair in found.split()} >= {f"{name}-{name}" for name in same}


def sequences() -> st.SearchStrategy[list[Part]]:
    """Sequences of parts of few names and contents."""
    names = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)
    contents = st.lists(st.sampled_from("XYz"), max_size=3).map(tuple)
    return names.flatmap(
        lambda chosen: st.tuples(*(st.builds(Part, st.just(name), contents, st.booleans()) for name in chosen)).map(
            list
        )
    )


@given(sequences(), sequences(), st.sampled_from([align.MOST_PAIRS, 4]))
def test_laws(before: Sequence[Part], after: Sequence[Part], most: int) -> None:
    """A sequence is aligned with itself; the other direction gives the same pairs; those in order increase."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(align, "MOST_PAIRS", most)
        found, back = align.align(before, after), align.align(after, before)
        assert align.align(before, before) == ([(i, i) for i in range(len(before))], frozenset())
    assert [*found.pairs] == sorted((i, j) for j, i in back.pairs)
    assert found.moved == {(i, j) for j, i in back.moved}
    for side in (0, 1):
        assert len({pair[side] for pair in found.pairs}) == len(found.pairs)
    kept = [j for i, j in found.pairs if (i, j) not in found.moved]
    assert kept == sorted(kept)


def best_in_order(before: Sequence[Part], after: Sequence[Part], score: list[list[int]]) -> int:
    """The best total of an alignment in order, by trying all."""
    if not before or not after:
        return 0
    skipped = max(
        best_in_order(before[1:], after, score[1:]), best_in_order(before, after[1:], [row[1:] for row in score])
    )
    paired = score[0][0] and score[0][0] + best_in_order(before[1:], after[1:], [row[1:] for row in score[1:]])
    return max(skipped, paired)


@given(sequences(), sequences())
def test_pairs_in_order_have_the_highest_score(before: Sequence[Part], after: Sequence[Part]) -> None:
    assume([part.name for part in before] != [part.name for part in after])  # these pair by name
    score = align._scores(before, after)
    found = align.align(before, after)
    total = sum(score[i][j] for i, j in found.pairs if (i, j) not in found.moved)

    assert total == best_in_order(before, after, score)
