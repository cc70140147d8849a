"""The data of a YAML file, and the place of each part of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from inception_dsl.diagnostics.diagnostic import Source, Span
from inception_dsl.syntax.source import Fragment

KeyPath = tuple[str | int, ...]
"""The keys and indices that lead from the top of a document to a value."""


class YamlNode:
    """The places of a value: its own, that of its key if it has one, and those of the values in it.

    `text` is a scalar as written, None for a collection; `literal` is true for a block scalar (`|`).
    """

    __slots__ = ("children", "key", "literal", "span", "text")

    def __init__(self, span: Span, text: str | None = None, literal: bool = False) -> None:
        self.span = span
        self.key: Span | None = None
        self.text = text
        self.literal = literal
        self.children: dict[str | int, YamlNode] = {}


class Document:
    """A YAML file: `data` as plain Python (dict, list, str, int, float, bool, None), and places by path.

    A path that is not in `data` raises `KeyError`. The parts of a variant's document come from several files; `names`
    maps, for each file, the names by which it calls modules to the variant's own.
    """

    def __init__(
        self,
        source: Source,
        data: dict[str, Any],
        root: YamlNode,
        names: Mapping[Source, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:
        self.source = source
        self.data = data
        self.root = root
        self.names = names

    def value_span(self, path: KeyPath) -> Span:
        """The place of a value: its first line, or its first key for a block of `key: value` lines."""
        return self.node(path).span

    def key_span(self, path: KeyPath) -> Span:
        """The place of the key of a value; that of the value for an item of a list and for the document itself."""
        node = self.node(path)
        return node.key or node.span

    def text(self, path: KeyPath) -> Fragment:
        """The text of a scalar as written (`1.50` stays `1.50`), with the places of its characters."""
        node = self.node(path)
        if node.text is None:
            raise KeyError(path)
        return Fragment(node.text, node.span, node.literal)

    def node(self, path: KeyPath) -> YamlNode:
        """The node of a value."""
        node = self.root
        for part in path:
            node = node.children[part]
        return node
