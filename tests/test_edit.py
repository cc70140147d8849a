"""Edits of a source: replacements, insertions and deletions, which must not overlap."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.diagnostics.diagnostic import Source, Span
from inception_dsl.edit.edit import Edit, OverlappingEditsError, apply
from inception_dsl.syntax.source import decode, encode

SOURCE = Source("a.yaml", "one\ntwo\nthree")


def at(line: int, column: int, end: int, text: str, source: Source = SOURCE) -> Edit:
    """An edit of a part of a line."""
    return Edit(Span(source, line, column, end), text)


@pytest.mark.parametrize(
    ("edits", "text"),
    [
        ([], "one\ntwo\nthree"),
        ([at(3, 1, 6, "3"), at(1, 1, 4, "1")], "1\ntwo\n3"),
        ([Edit.line(SOURCE, 2)], "one\nthree"),
        ([Edit.line(SOURCE, 3)], "one\ntwo\n"),
        ([Edit.line(SOURCE, 2, "2\n")], "one\n2\nthree"),
        ([Edit.insert(SOURCE, 2, 1, "# a\n"), Edit.insert(SOURCE, 2, 1, "# b\n")], "one\n# a\n# b\ntwo\nthree"),
        ([at(2, 1, 2, "T"), Edit.insert(SOURCE, 2, 1, "the "), at(2, 2, 3, "W")], "one\nthe TWo\nthree"),
        ([Edit.insert(SOURCE, 3, 6, "!\n")], "one\ntwo\nthree!\n"),
    ],
)
def test_edits_are_applied_in_the_order_of_their_places(edits: list[Edit], text: str) -> None:
    assert apply(SOURCE, edits) == text


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(OverlappingEditsError, match=r"a\.yaml:2:1 and at a\.yaml:2:2 overlap") as refused:
        apply(SOURCE, [at(2, 2, 4, "b"), at(2, 1, 3, "a")])

    assert (refused.value.first.text, refused.value.second.text) == ("a", "b")


@pytest.mark.parametrize(
    "edit",
    [
        at(1, 1, 2, "", Source("a.yaml", SOURCE.text)),
        at(0, 1, 1, ""),
        at(4, 1, 1, ""),
        at(1, 2, 6, ""),
        at(1, 2, 1, ""),
    ],
)
def test_an_edit_of_another_place_is_refused(edit: Edit) -> None:
    with pytest.raises(ValueError, match=r"no place|of another source|characters on line"):
        apply(SOURCE, [edit])


@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=5), st.data())
def test_parts_between_edits_stay(lines: list[str], data: st.DataObject) -> None:
    """Cut a text into parts and replace some of them: what comes out is the parts, with those replaced."""
    source = Source("a.yaml", "\n".join(lines))
    edits, expected = [], []
    for number, line in enumerate(lines, 1):
        cuts = sorted(data.draw(st.sets(st.integers(0, len(line)))) | {0, len(line)})
        for start, end in pairwise(cuts):
            text = data.draw(st.none() | st.text("AB\n", max_size=2))
            edits += [] if text is None else [at(number, start + 1, end + 1, text, source)]
            expected.append(line[start:end] if text is None else text)
        expected.append("\n" if number < len(lines) else "")

    assert apply(source, data.draw(st.permutations(edits))) == "".join(expected)


@pytest.mark.parametrize("data", [b"a\r\nb\r\n", b"\xef\xbb\xbfa\r\nb", b"a\rb\r", b"a\nb", b"\xef\xbb\xbfa", b""])
def test_a_file_keeps_its_line_breaks_and_its_byte_order_mark(data: bytes) -> None:
    assert encode(decode(data, "a.yaml").text, data) == data
    assert encode("a\nb\n", b"c\r\nd\n") == b"a\r\nb\r\n"
