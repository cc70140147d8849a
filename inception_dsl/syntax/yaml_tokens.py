"""The tokens of a YAML text, for what keeps its comments and its layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import yaml

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.syntax.yaml import LOADER

_KINDS: Final = {
    yaml.BlockMappingStartToken: "mapping",
    yaml.BlockSequenceStartToken: "sequence",
    yaml.BlockEndToken: "end",
    yaml.KeyToken: "key",
    yaml.ValueToken: ":",
    yaml.BlockEntryToken: "-",
    yaml.FlowEntryToken: ",",
    yaml.FlowMappingStartToken: "{",
    yaml.FlowMappingEndToken: "}",
    yaml.FlowSequenceStartToken: "[",
    yaml.FlowSequenceEndToken: "]",
    yaml.ScalarToken: "scalar",
    yaml.DocumentStartToken: "---",
    yaml.DocumentEndToken: "...",
    yaml.DirectiveToken: "%",
}


class YamlToken(NamedTuple):
    """A token: the offsets of its text, and the place where it starts, both counted from 0.

    `kind` is its text where that is always the same, or "scalar", "%" for a directive, and "?" for a written mark of a
    key. Without text are "mapping" and "sequence", which begin a block collection, its "end", and "key" before a key.
    """

    kind: str
    start: int
    end: int
    line: int
    column: int


def tokens(source: Source) -> Iterator[YamlToken]:
    """The tokens of a text that `yaml.parse` takes."""
    for token in yaml.scan(source.text, Loader=LOADER):
        if kind := _KINDS.get(type(token)):
            start, end = token.start_mark, token.end_mark
            written = kind == "key" and end.index > start.index
            yield YamlToken("?" if written else kind, start.index, end.index, start.line, start.column)
