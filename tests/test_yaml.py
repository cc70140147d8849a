"""YAML with positions. JSON is YAML 1.2, so that `json` is the oracle of values; the source is that of positions."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, Span, SpecError
from inception_dsl.syntax import yaml, yaml_errors
from inception_dsl.syntax.source import MAX_BYTES, Fragment, decode, read

LOADERS = sorted({getattr(pyyaml, "CLoader", pyyaml.SafeLoader), pyyaml.SafeLoader}, key=repr)


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with libyaml and without."""
    monkeypatch.setattr(yaml, "LOADER", request.param)


def data(text: str) -> Any:
    return yaml.parse(Source("spec.yaml", text)).data


def errors(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        data(text)
    return caught.value.diagnostics


def error(text: str) -> Diagnostic:
    (only,) = errors(text)
    return only


def under(span: Span | None) -> str:
    """The text that a span underlines."""
    assert span is not None
    return span.source.lines[span.line - 1][span.column - 1 : span.end - 1]


# what YAML 1.2 prints as it is and PyYAML, which reads YAML 1.1, does not take for a line break
CHARACTERS = st.characters(
    min_codepoint=0x20, exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029\ufeff"
).filter(lambda character: not 0xFFFE <= ord(character) <= 0xFFFF)
NUMBERS = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(CHARACTERS, max_size=12)
KEYS = st.text(CHARACTERS, max_size=8)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(KEYS, NESTED, max_size=4), st.sampled_from([None, 1, 2]))
def test_json_is_yaml(value: dict[str, Any], indent: int | None) -> None:
    """Every JSON object reads back as `json` wrote it."""
    assert data(json.dumps(value, ensure_ascii=False, indent=indent)) == value


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("written", "value"),
    [
        *((word, None) for word in ["", "~", "null", "Null", "NULL"]),
        *((word, True) for word in ["true", "True", "TRUE"]),
        *((word, False) for word in ["false", "False", "FALSE"]),
        *[("0", 0), ("-7", -7), ("+12", 12), ("010", 10), ("0o17", 15), ("0x1F", 31), ("9" * 18, 10**18 - 1)],
        *[("1e-5", 1e-5), (".5", 0.5), ("1.", 1.0), ("-1.50", -1.5), ("1E3", 1000.0), ("+.5e+1", 5.0)],
        *[(".inf", math.inf), ("-.INF", -math.inf), ("+.Inf", math.inf)],
        *((word, word) for word in ["no", "on", "y", "1:30", "2020-01-01", "1_000", "nULL", "tRUE", "0b1", "0O7"]),
        *((word, word) for word in ["1.2.3", "1e", "e5", ".", "+", "-.nan", "3x3", "70%", "1.5B", "=", "-0x1"]),
        *((f'"{word}"', word) for word in ["", "null", "true", "12", "1e5", "<<"]),
        *[("'it''s'", "it's"), (r'"\u00e9\n"', "é\n"), ("a#b", "a#b"), ("a #b", "a"), ("a:b", "a:b")],
    ],
)
def test_core_schema(written: str, value: object) -> None:
    """Plain scalars follow the core schema of YAML 1.2.2, section 10.3.2; quoted ones are texts."""
    read_back = data(f"a: {written}\n")["a"]

    assert (read_back, type(read_back)) == (value, type(value))


@pytest.mark.usefixtures("loader")
def test_nan() -> None:
    """`.nan` is the one float that no comparison finds."""
    assert all(math.isnan(value) for value in data("a: [.nan, .NaN, .NAN]")["a"])


@given(
    lines=st.lists(st.text(CHARACTERS, max_size=10), min_size=1, max_size=6),
    indent=st.integers(1, 9),
    chomping=st.sampled_from(["", "-", "+"]),
    blank=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_block_places(lines: list[str], indent: int, chomping: str, blank: tuple[int, int]) -> None:
    """The source at `fragment.span(i, i + 1)` is `fragment.text[i]`, for every block of text."""
    block = "".join(f"{' ' * (2 + indent)}{line}\n" for line in ["", *lines])
    text = f"é:\n  a: |{indent}{chomping} # 界\n" + "\n" * blank[0] + block + "\n" * blank[1] + "z: 1\n"
    fragment = yaml.parse(Source("spec.yaml", text)).text(("é", "a"))

    assert fragment.text.strip("\n") == "\n".join(lines).strip("\n")
    for i, character in enumerate(fragment.text):
        assert under(fragment.span(i, i + 1)) == character.strip("\n")


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("written", "text"),
    [("plain é text # no", "plain é text"), ("'in quotes' # x", "in quotes"), ('"界 x"', "界 x"), ("1.50", "1.50")],
)
def test_places_in_one_line(written: str, text: str) -> None:
    """Plain and quoted scalars of one line have exact places; the text of a number is as written."""
    fragment = yaml.parse(Source("spec.yaml", f"é: [界, {{k: {written}\n}}]")).text(("é", 1, "k"))

    assert fragment.text == text
    assert [under(fragment.span(i, i + 1)) for i in range(len(text))] == list(text)


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("written", "first"),
    [(">-\n  a\n  b\n", ">-"), ('"a\n  b"', '"a'), (r'"a\tb"', r'"a\tb"'), ("'it''s'", "'it''s'"), ("a\n  b", "a")],
)
def test_places_of_what_is_written_otherwise(written: str, first: str) -> None:
    """Where a text is folded or escaped, each part is told at the first line of the whole."""
    fragment = yaml.parse(Source("spec.yaml", f"k: {written}\n")).text(("k",))

    assert {under(fragment.span(i, i + 1)) for i in range(len(fragment.text))} == {first}


def test_span_stays_in_its_line() -> None:
    """A span is cut at the end of its first line, and the end of a block is the end of its last line."""
    fragment = yaml.parse(Source("spec.yaml", "a: |\n  one\n  two\nb: 1\n")).text(("a",))

    assert under(fragment.span(1, 7)) == "ne"
    assert fragment.span(8, 8)[1:] == (3, 6, 6)
    assert fragment.span(99, 100)[1:] == (3, 6, 6)


def test_slice() -> None:
    """A part of a text knows its place, and so does a part of that."""
    fragment = yaml.parse(Source("spec.yaml", "a: |\n  one\n   two three\n")).text(("a",))
    part = fragment.slice(5, 14).slice(4, 9)

    assert (part.text, under(part.span(0, 5))) == ("three", "three")
    assert part.span(1, 2)[1:] == (3, 9, 10)


def test_fragment_of_a_source() -> None:
    """A text that is all of its source has its lines and columns."""
    fragment = Fragment.of(Source("formula", "a ->\n b"))

    assert [fragment.span(i, i + 1)[1:] for i in (0, 6)] == [(1, 1, 2), (2, 2, 3)]


@pytest.mark.usefixtures("loader")
def test_places_of_values_and_keys() -> None:
    """Keys, scalars, lists and mappings have places, with columns in characters."""
    document = yaml.parse(Source("spec.yaml", 'é: {"界": [1, two],\n  x: }\nblock:\n  - k: v # c\n    l: w\nnone:\n'))

    assert under(document.key_span(("é", "界"))) == '"界"'
    assert under(document.value_span(("é", "界"))) == "[1, two]"
    assert under(document.value_span(("é", "界", 1))) == under(document.key_span(("é", "界", 1))) == "two"
    assert under(document.value_span(("é",))) == '{"界": [1, two],'
    assert under(document.value_span(("block", 0))) == "k"
    assert under(document.value_span(("block", 0, "l"))) == "w"
    assert document.value_span(("none",))[1:] == (6, 6, 6)
    assert under(document.key_span(("block", 0))) == "k"
    assert under(document.value_span(())) == under(document.key_span(())) == "é"
    with pytest.raises(KeyError):
        document.value_span(("é", "z"))
    with pytest.raises(KeyError):
        document.text(("block",))


@pytest.mark.usefixtures("loader")
def test_every_refusal_at_once() -> None:
    """Duplicate keys, keys that are no text, anchors, aliases, tags and merge keys of a file are told together."""
    text = "a: 1\na: 2\n1: 2\n~: 3\n<<: {}\nb: !t &y 2\nc: *y\nd: &z [1]\n? [k]\n: {e: 1, e: 2}\nf: !!str 1\n"

    assert [(d.code, d.span.line, under(d.span)) for d in errors(text) if d.span] == [
        ("E102", 2, "a"),
        ("E105", 3, "1"),
        ("E105", 4, "~"),
        ("E106", 5, "<<"),
        ("E106", 6, "!t"),
        ("E106", 6, "!t &y 2"),
        ("E106", 7, "*y"),
        ("E106", 8, "&z"),
        ("E105", 9, "["),
        ("E102", 10, "e"),
        ("E106", 11, "!!str"),
    ]
    assert all(d.help for d in errors(text))


def test_duplicate_key_shows_the_first() -> None:
    """A key given twice has a note at its first place."""
    (note,) = error("ab: 1\nc: 2\nab: 3\n").notes

    assert (note.span.line, under(note.span)) == (1, "ab")


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("", "E004", ""),
        ("\n  \n# nothing\n", "E004", ""),
        ("---\n", "E004", ""),
        ("- a\n", "E105", ""),
        ("just words\n", "E105", "just words"),
        ("[a, b]\n", "E105", "[a, b]"),
        ("a: 1\n---\nb: 2\n", "E106", "---"),
        ("%YAML 1.1\n---\na: 1\n", "E106", "%YAML 1.1"),
        ("%TAG ! x:\n---\na: 1\n", "E106", "%TAG ! x:"),
        ("a: 1234567890123456789\n", "E117", "1234567890123456789"),
        ("a: 0x1234567890abcdef123\n", "E117", "0x1234567890abcdef123"),
        ("a: [1e999]\n", "E117", "1e999"),
    ],
)
def test_errors(text: str, code: str, place: str) -> None:
    """Each fault has its code and its place."""
    found = error(text)

    assert (found.code, under(found.span)) == (code, place)


@pytest.mark.parametrize("text", ["", "\n  \n# nothing\n", "---\n"])
def test_an_empty_file_is_reported_at_its_start(text: str) -> None:
    """What stands nowhere is told at line 1, column 1."""
    assert str(error(text).span) == "spec.yaml:1:1"


SLIPS = [
    ("a:\n\tb: 1\n", "YAML does not allow tabs", "\t"),
    ("a: 'b\nc: 1\n", "unterminated quoted string", "'"),
    ('a: "b\n', "unterminated quoted string", '"'),
    ('a: "\\q"\n', "unknown escape", "\\q"),
    ("a: [1, 2\nb: 3\n", "expected `,` or `]`", ":"),
    ("a: {b: 1\n", "expected `,` or `}`", ""),
    ("a: [#1x1, #3x3]\nb: |\n  c\n", "`#` starts a comment", "#1x1"),
    ("a: [1x1, #3x3\n", "`#` starts a comment", "#3x3"),
    ("a: 1\nb:2\nc: 3\n", "missing space after `:`", ":"),
    ("a:1\nb: 2\n", "missing space after `:`", ":"),
    ("a: b: c\n", "two `: `", ":"),
    ("a: 1\nb\nc: 2\n", "this line has no `key:`", "b"),
    ("a: 1\n b: 2\n", "matches no block above", "b"),
    ("a:\n    b: 1\n  c: 2\n", "matches no block above", "c: 2"),
    ("- a\nb: 1\n", "does not start with `- `", "b"),
    ("a: - b\n", "a list cannot start", "-"),
    ("a: ? b\n", "cannot start with `? `", "?"),
    ("a: @b\n", "cannot start with `@`", "@"),
    ("a: [`b`]\n", "cannot start with ```", "`"),
    ("a: 'b' c\n", "after the end of a value", "c"),
    ("{a: 1}}\n", "after the end of a value", "}"),
    ("a: ]\n", "`]` is never opened", "]"),
    ("a: ,\n", "missing value", ","),
    ("...\n", "missing value", "."),
    (": a\n", "missing key", ":"),
    ("a: |x\n", "the text of a block starts on the line after its `|`", "x"),
    ("a: >0\n  b\n", "the text of a block starts on the line after its `>`", "0"),
    ("'''b: 1\n", "unterminated quoted string", "'"),
    ("a: 'b\n---\nc'\n", "unterminated quoted string", "'"),
    ('a: "\\xZZ"\n', "unknown escape", "\\x"),
    ('a: "\\ud800"\n', "unknown escape", None),
    ('a: "\\U99999999"\n', "unknown escape", "\\U"),
    ('a: "b \\q\n  c"\n', "unknown escape", "\\q"),
    ("a: | text\n", "the text of a block starts on the line after", "t"),
    ("é: \x01\n", "the character U+0001", "\x01"),
    ("é: \u2028\n", "the character U+2028", "\u2028"),
]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(("text", "message", "place"), SLIPS)
def test_syntax_errors_in_plain_words(text: str, message: str, place: str | None) -> None:
    """The parser's complaint is told as the slip that most likely caused it, where that is, with what to do."""
    found = error(text)

    assert found.code == "E101"
    assert message in found.message
    assert place in (None, under(found.span))
    assert found.help


REFUSALS = ["a: &\n", "a: *\n", "a: !<x\n", "a: !x!y z\n", "a: &b &c 1\n", "%FOO\n", "%YAML 2.0\n---\na: 1\n"]
REFUSALS += ["%FOO\na: 1\n", f"%YAML 1.{'9' * 5000}\n---\na: 1\n", "%YAML 1.1\n%YAML 1.1\n---\na: 1\n"]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("text", REFUSALS)
def test_what_is_refused_is_refused_though_it_is_malformed(text: str) -> None:
    """Anchors, aliases, tags and directives that YAML cannot read are no less refused, with the same code."""
    assert {each.code for each in errors(text)} == {"E106"}


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("text", [*(text for text, *_ in SLIPS), *REFUSALS])
def test_the_words_of_the_parser_are_not_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told does not depend on how PyYAML words its errors, which differs from version to version."""
    first = errors(text)
    explain = yaml_errors.explain_yaml_error

    def reworded(error: pyyaml.MarkedYAMLError, source: Source, bracket: Span | None) -> Diagnostic:
        error.context, error.problem = error.context and "while it was busy", "something else"
        return explain(error, source, bracket)

    monkeypatch.setattr(yaml, "explain_yaml_error", reworded)

    assert [(e.code, e.message, e.help) for e in errors(text)] == [(e.code, e.message, e.help) for e in first]


@pytest.mark.parametrize("text", ["a: [1, 2\nb: 3\n", "a: [\n", "a: [b, #c]\n"])
def test_open_bracket_is_shown(text: str) -> None:
    """An error inside brackets has a note at the bracket."""
    (note,) = error(text).notes

    assert under(note.span) == "["


@pytest.mark.usefixtures("loader")
@given(st.text("ab:-#?|>'\"[]{},&*!%@`\n\t \\~<é1.", max_size=30))
def test_any_text_gives_data_or_errors(text: str) -> None:
    """Nothing but `SpecError` is raised, and its places are in the file."""
    try:
        assert isinstance(data(text), dict)
    except SpecError as caught:
        for found in caught.diagnostics:
            span = found.span
            assert span is None or 1 <= span.column <= span.end <= len(span.source.lines[span.line - 1]) + 2


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("opener", ["[", "{", "[{", "- ", "? "])
def test_deep_nesting(opener: str) -> None:
    """A hundred thousand open brackets are an error long before a parser's stack ends."""
    start = "a:\n " if opener in ("- ", "? ") else "a: "

    assert errors(start + opener * (100_000 // len(opener)))[-1].code == "E107"


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("start", ["a: ", "a: [1, ", "a:\n - b\n - ", "? x\n: "])
@pytest.mark.parametrize("opener", ["[", "{", "[ ", "{a: "])
@pytest.mark.parametrize("count", [60, 1_001])
def test_deep_brackets_are_reported_at_the_first_too_deep(start: str, opener: str, count: int) -> None:
    """The place is that of the first bracket beyond our limit, whether or not the parser has a limit of its own."""
    found = errors(start + opener * count)[-1]
    outer = 1 + start.count("[") + start.count("- b")

    assert (found.code, under(found.span)) == ("E107", opener[0])
    assert found.span is not None
    assert found.span.column == len(start.rpartition("\n")[2]) + (50 - outer) * len(opener) + 1


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("end", ["", "\nb: 'x", "\nb: @", "\n@"])
@pytest.mark.parametrize(
    "text", ['"{}"', "'{}'", "x{}", "|\n  {}\n", "1 # {}\n", '["{}", b]', "[b, # {}\n c]", "[']', '{}']"]
)
def test_brackets_that_open_nothing_are_not_counted(text: str, end: str) -> None:
    """Brackets in quotes, comments, plain texts and blocks are text, in a file that reads and in one that does not."""
    text = f"a: {text.format('[' * 900)}{end}"

    if end:
        assert {each.code for each in errors(text)} == {"E101"}
    else:
        assert list(data(text)) == ["a"]


def test_nesting_limit() -> None:
    """Fifty levels are read, fifty-one are not."""
    assert data("a: " + "[" * 49 + "]" * 49)
    assert error("a: " + "[" * 50 + "]" * 50).code == "E107"


def test_too_many_values() -> None:
    """A file of few bytes cannot make more values than a spec could need."""
    assert error("a: [" + "1," * 100_000 + "]").code == "E003"


def test_many_values_in_a_long_line() -> None:
    """A value takes the same time wherever in its line it stands: quadratic time would not end."""
    items = "&a 0123456789012345678901234567890x, " * 99_000

    assert len(errors(f"a: [{items}]")) == 99_000


def test_billion_laughs() -> None:
    """Aliases are refused, so that they cannot multiply."""
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 10)]
    found = errors("\n".join(["l0: &l0 lol", *levels]))

    assert {d.code for d in found} == {"E106"}
    assert len(found) == 10 + 9 * 9


def test_read(tmp_path: Path) -> None:
    """A file is read as UTF-8, its byte order mark dropped and its line ends made one, under the name given."""
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\r\nb: |\r\n  x\r\n")
    source = read(path, "specs/spec.yaml")

    assert (source.file, source.text) == ("specs/spec.yaml", "a: é\nb: |\n  x\n")
    assert read(path).file == str(path)
    assert yaml.parse(source).data == {"a": "é", "b": "x\n"}


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.yaml", "no such file"), (".", "it is a directory"), ("a\0b", "null")],
)
def test_unreadable(tmp_path: Path, name: str, message: str) -> None:
    """What cannot be read says why, and the tool could not run."""
    with pytest.raises(SpecError, match=message) as caught:
        read(f"{tmp_path}/{name}")

    assert caught.value.diagnostics[0].code == "E001"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("data", [b"a: 1\r\n\xc3\xa9: \xff\n", b"\xef\xbb\xbfa: 1\r\xc3\xa9: \xe2\x82"])
def test_not_utf8(data: bytes) -> None:
    """The first byte that is not UTF-8 is told by line and column, in characters."""
    with pytest.raises(SpecError) as caught:
        decode(data, "spec.yaml")
    (found,) = caught.value.diagnostics

    assert (found.code, str(found.span)) == ("E002", "spec.yaml:2:4")


def test_too_large(tmp_path: Path) -> None:
    """A file beyond the limit is not read, however large; one at the limit is."""
    path = tmp_path / "spec.yaml"
    path.touch()
    for size in (MAX_BYTES + 1, 200 * 2**20):
        os.truncate(path, size)
        with pytest.raises(SpecError) as caught:
            read(path)
        assert caught.value.diagnostics[0].code == "E003"
    os.truncate(path, MAX_BYTES)
    assert len(read(path).text) == MAX_BYTES


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device without an end")
def test_endless_file() -> None:
    """A device may have no end, and is not read."""
    with pytest.raises(SpecError) as caught:
        read("/dev/zero")

    assert caught.value.diagnostics[0].code == "E001"
