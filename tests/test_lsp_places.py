"""What the language server finds at a place of a spec, in whole texts and in broken ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.lsp.outline import Outline
from inception_dsl.lsp.place import Place
from inception_dsl.lsp.places import Places
from inception_dsl.syntax import yaml
from inception_dsl.syntax.document import KeyPath, YamlNode
from inception_dsl.syntax.source import read

SPECS = sorted((Path(__file__).parent.parent / "specs").rglob("*.yaml"))

SPEC = """\
network: small
title: A small one   # a comment
paper: {title: "On: tables", year: 2015}
input: 3x8x8
settings:
  width: {default: 1.0}
defaults:
  conv: same relu
modules:
  block:
    columns: ["#3x3 reduce", k]
    graph: |
      | a: conv 1x1 {#3x3 reduce} groups=2
      | b: [ pass + 2 of conv 3x3 {round(k * width)} ] -> again a -> @a
layers: |
  name | layer                   | #3x3 reduce | k    | params
  one  | conv 3x3 {k} -> relu    |             | 4    | 108
  two  | block                   | 8           | @one |
  end  | block k=3 -> fc {classes} |           |      |
heads:
  aux: {from: one, graph: block}
published:
  errata:
    one.params: "printed wrong"
training: {recipe: googlenet-paper}
"""

VARIANT = """\
extends: small.yaml
network: variant
rename: {rows: {one: first}}
remove: {rows: [two], columns: [params]}
override:
  modules: {block: {doc: new}}
  rows:
    end: {layer: fc 10, k: 5}
insert:
  rows:
    - {after: first, name: more, layer: block, k: 7}
"""


def found(text: str, mark: str) -> Place:
    """The place inside the first occurrence of a text, at the caret in `mark`."""
    before, _, after = mark.partition("^")
    offset = text.index(before + after) + len(before)
    line = text.count("\n", 0, offset) + 1
    return Places(Source("x.yaml", text)).at(line, offset - text.rfind("\n", 0, offset))


@pytest.mark.parametrize(
    ("mark", "kind", "name"),
    [
        ("net^work:", "key", "network"),
        ("sm^all", "value", "small"),
        ("# a com^ment", "comment", ""),
        ("On: t^ables", "value", "On: tables"),
        ("ye^ar: 2015", "key", "year"),
        ("wid^th: {default", "setting", "width"),
        ("  co^nv: same", "layer", "conv"),
        ("sa^me relu", "word", "same"),
        ("  bl^ock:", "module", "block"),
        ('"#3x3 red^uce"', "column", "#3x3 reduce"),
        ("| a^: conv", "label", "a"),
        ("a: co^nv 1x1", "layer", "conv"),
        ("{#3x3 red^uce}", "column", "#3x3 reduce"),
        ("gro^ups=2", "word", "groups"),
        ("ro^und(k", "function", "round"),
        ("* wid^th)", "setting", "width"),
        ("again a^ ->", "label", "a"),
        ("-> @a^", "row", "a"),
        ("name | lay^er", "column", "layer"),
        ("on^e  | conv", "row", "one"),
        ("-> re^lu    |", "layer", "relu"),
        ("   | 4^    |", "cell", "4"),
        ("two  | blo^ck", "module", "block"),
        ("| @on^e", "row", "one"),
        ("block ^k=3", "column", "k"),
        ("{cla^sses}", "name", "classes"),
        ("  au^x: {", "head", "aux"),
        ("from: on^e", "row", "one"),
        ("graph: blo^ck}", "module", "block"),
        ("one^.params", "row", "one"),
        ("one.par^ams", "column", "params"),
        ("recipe: google^net", "value", "googlenet-paper"),
    ],
)
def test_every_part_of_a_spec_has_a_kind(mark: str, kind: str, name: str) -> None:
    place = found(SPEC, mark)

    assert (place.kind, place.text) == (kind, name)


@pytest.mark.parametrize(
    ("mark", "kind", "name"),
    [
        ("small^.yaml", "base", "small.yaml"),
        ("{on^e:", "row", "one"),
        ("fir^st}}", "row", "first"),
        ("rows: [tw^o", "row", "two"),
        ("columns: [par^ams", "column", "params"),
        ("{blo^ck: {doc", "module", "block"),
        ("  en^d: {", "row", "end"),
        ("layer: f^c 10", "layer", "fc"),
        ("{after: fir^st", "row", "first"),
        ("name: mo^re", "row", "more"),
        ("k: 7^", "cell", "7"),
    ],
)
def test_every_part_of_a_variant_has_a_kind(mark: str, kind: str, name: str) -> None:
    place = found(VARIANT, mark)

    assert (place.kind, place.text) == (kind, name)


def test_a_cell_knows_its_row_and_column_wherever_it_is_written() -> None:
    assert found(SPEC, "| 8^ ")[-3:-1] == ("two", "#3x3 reduce")
    assert found(VARIANT, "k: 5^")[-3:-1] == ("end", "k")
    assert found(VARIANT, "k: 7^")[-3:-1] == ("more", "k")


def test_names_are_given_once_and_used_elsewhere() -> None:
    places = Places(Source("x.yaml", SPEC))

    assert [place.defines for place in places.of("module", "block")] == [True, False, False, False]
    assert [place.span.line for place in places.of("row", "one")] == [17, 18, 21, 24]
    assert [place.span.line for place in places.of("setting", "width") if not place.defines] == [14]


@pytest.mark.parametrize(
    ("text", "kind", "owner", "path"),
    [
        ("^", "key", "", ()),
        ("network: ^", "value", "", ("network",)),
        ("modules:\n  a:\n    graph: |\n      conv 3x3 ^", "word", "conv", ("modules", "a", "graph")),
        ("modules:\n  a:\n    graph: |\n      conv 3x3 8\n      -> ^", "layer", "", ("modules", "a", "graph")),
        ("modules:\n  a:\n    graph: conv 3x3 {^", "column", "conv", ("modules", "a", "graph")),
        ("modules:\n  a:\n    ^", "key", "", ("modules", "a")),
        ("modules:\n  a: {^", "key", "", ("modules", "a")),
        ("modules:\n  a: {doc: x, ^", "key", "", ("modules", "a")),
        ("remove: {rows: [a, ^", "row", "", ("remove", "rows", 1)),
        ("defaults:\n  conv: same ^", "word", "conv", ("defaults", "conv")),
        ("layers: |\n  name | layer | k\n  one  | conv 3x3 ^", "word", "conv", ("layers",)),
        ("layers: |\n  name | layer | k\n  one  | pass | ^", "cell", "", ("layers",)),
        ("layers: |\n  name | layer | k\n  ^", "row", "", ("layers",)),
        ("layers: |\n  ^", "column", "", ("layers",)),
        ("training: {recipe: [\nheads: ^", "value", "", ("heads",)),
    ],
)
def test_what_could_be_written_where_a_text_ends(text: str, kind: str, owner: str, path: KeyPath) -> None:
    place = found(text.replace("^", ""), text)

    assert (place.kind, place.text, place.owner, place.path) == (kind, "", owner, path)


def leaves(node: YamlNode, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The paths of the scalars in a document."""
    if node.text is not None:
        yield path
    for key, child in node.children.items():
        yield from leaves(child, (*path, key))


def keys(node: YamlNode, path: KeyPath = ()) -> Iterator[tuple[KeyPath, int, int]]:
    """The paths of the keys in a document, with their lines and columns."""
    for key, child in node.children.items():
        if child.key:
            quoted = child.key.source.lines[child.key.line - 1][child.key.column - 1] in "'\""
            yield (*path, key), child.key.line, child.key.column + quoted
        yield from keys(child, (*path, key))


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.stem)
def test_the_outline_of_a_valid_text_is_that_of_yaml(file: Path) -> None:
    source = read(file)
    document = yaml.parse(source)
    pieces = Outline(source).pieces

    assert {(piece.path, *piece.span[1:3]) for piece in pieces if piece.is_key} == {*keys(document.root)}
    assert {piece.path for piece in pieces if piece.text and not piece.is_key} == {*leaves(document.root)}


@pytest.mark.parametrize("file", SPECS[:6], ids=lambda file: file.stem)
def test_places_follow_each_other(file: Path) -> None:
    places = Places(read(file)).all

    assert all((a.span.line, a.span.end) <= b.span[1:3] for a, b in pairwise(places))
