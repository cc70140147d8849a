"""Prints plain data as YAML 1.2, which `syntax.yaml` reads back as the same data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

MAX_BRACES: Final = 110
"""The longest line of a mapping in braces."""

# what readers of YAML 1.2 or 1.1 do not take for a string
_NO_TEXT: Final = re.compile(r"(?i:null|true|false|yes|no|on|off|0[xo][0-9a-f]+|\d[\d_]*(\.\d*)?(e[-+]?\d+)?)")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def dump(data: Mapping[str, Any]) -> str:
    """Print a mapping of strings, numbers, booleans, and lists and mappings of those.

    Keys whose value is None are left out. A string of complete lines becomes a block scalar (`|`), a string that YAML
    could misread is put in double quotes, and unprintable characters (controls, bidirectional marks) are escaped.
    """
    return "\n".join(line.text for line in print_lines(data)) + "\n"


class PrintedLine(NamedTuple):
    """A printed line: its text, the path of the value that it shows, and which `part` of that it shows.

    `part` is "all", the "key" alone, or the index of a line of a block scalar.
    """

    text: str
    path: tuple[str, ...]
    part: int | Literal["all", "key"]


def print_lines(data: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[PrintedLine]:
    """Print a mapping as `dump` does, line by line."""
    indent = "  " * len(path)
    for key, value in _present(data):
        head, here = f"{indent}{_text(key)}:", (*path, key)
        if isinstance(value, str) and _is_block(value):
            yield PrintedLine(f"{head} |", here, "key")
            yield from (PrintedLine(f"{indent}  {line}", here, i) for i, line in enumerate(value.splitlines()))
        elif not isinstance(value, Mapping):
            yield PrintedLine(f"{head} {_text(value) if isinstance(value, str) else flow(value)}", here, "all")
        elif _is_flat(value) and len(line := f"{head} {flow(value)}") <= MAX_BRACES:
            yield PrintedLine(line, here, "all")
        else:
            yield PrintedLine(head, here, "key")
            yield from print_lines(value, here)


def _present(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((key, value) for key, value in data.items() if value is not None)


def _is_block(text: str) -> bool:
    """Whether a string can be a block scalar: complete lines, none empty or unprintable, the first not indented."""
    parts = text.split("\n")
    return parts.pop() == "" and all(line and line.isprintable() for line in parts) and not text.startswith(" ")


def _is_flat(data: Mapping[str, Any]) -> bool:
    """Whether a mapping can be written in braces without quotes that it does not need elsewhere."""
    texts = [value for value in data.values() if isinstance(value, str)]
    nested = any(isinstance(value, Mapping) for value in data.values())
    return not nested and all(not _is_block(text) and is_plain(text) == is_plain(text, flow=True) for text in texts)


def flow(value: Any) -> str:
    """Print a value on one line, as inside the brackets of a collection."""
    match value:
        case str():
            return _text(value, flow=True)
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "{" + ", ".join(f"{_text(key, flow=True)}: {flow(item)}" for key, item in _present(value)) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(flow, value)) + "]"
        case _:
            return repr(value)


def is_plain(text: str, flow: bool = False) -> bool:
    """Whether a string needs no quotes; with `flow`, inside the brackets of a collection."""
    special = r"[:,\[\]{}]| #" if flow else r":( |$)| #"
    outside = re.match(r"[^\W_]", text) and text.isprintable() and not text.endswith(" ")
    return bool(outside) and not re.search(special, text) and not _NO_TEXT.fullmatch(text)


def _text(text: str, flow: bool = False) -> str:
    return text if is_plain(text, flow=flow) else '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES or character.isprintable():
        return _ESCAPES.get(character, character)
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08x}"
