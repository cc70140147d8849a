"""Where a new key belongs in the text of a spec, and how it is written there."""

from __future__ import annotations

from inception_dsl.edit.edit import Edit
from inception_dsl.lsp.outline import Outline, Piece
from inception_dsl.syntax.document import KeyPath
from inception_dsl.syntax.yaml_printer import flow

INDENT = "  "


def insert_key(outline: Outline, path: KeyPath, value: str) -> Edit | None:
    """The edit that adds a key with a string, and the sections around it that are missing.

    It goes below the last key of its section, or into its braces. None where those go over several lines.
    """
    source = outline.source
    keys = {piece.path: piece for piece in outline.pieces if piece.is_key}
    depth = max(i for i in range(len(path)) if i == 0 or path[:i] in keys)
    here, new = path[:depth], path[depth:]
    if not here:
        last = len(source.text.rstrip().split("\n"))
        return Edit.insert(source, last, len(source.lines[last - 1]) + 1, "\n\n" + _block(new, value, ""))
    section = keys[here]
    inside = [piece for piece in outline.pieces if piece.path[:depth] == here and piece is not section and piece.text]
    line = source.lines[section.span.line - 1]
    opened = line[section.span.end - 1 :].lstrip("\"' :")
    if opened.startswith("{"):
        closed = _closing(line, line.index("{", section.span.end - 1))
        comma = ", " if inside else ""
        return Edit.insert(source, section.span.line, closed, comma + _braces(new, value)) if closed else None
    own = [piece for piece in inside if piece.is_key and len(piece.path) == depth + 1]
    indent = " " * (own[-1].span.column - 1 - _quoted(own[-1])) if own else _indent(line) + INDENT
    last = inside[-1].span.line if inside else section.span.line
    return Edit.insert(source, last, len(source.lines[last - 1]) + 1, "\n" + _block(new, value, indent))


def _block(path: KeyPath, value: str, indent: str) -> str:
    """A key and those below it, on a line of its own each."""
    *above, key = path
    lines = [f"{indent}{INDENT * i}{flow(name)}:" for i, name in enumerate(above)]
    return "\n".join([*lines, f"{indent}{INDENT * len(above)}{flow(key)}: {flow(value)}"])


def _braces(path: KeyPath, value: str) -> str:
    """A key and those below it, in braces."""
    first, *rest = path
    return f"{flow(first)}: {'{' + _braces(tuple(rest), value) + '}' if rest else flow(value)}"


def _closing(line: str, start: int) -> int | None:
    """The column, from 1, of the brace that closes the one at an offset; None where it is not on the line."""
    depth, quote = 0, ""
    for at in range(start, len(line)):
        character = line[at]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character in "[{") - (character in "]}")
            if depth == 0:
                return at + 1
    return None


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _quoted(key: Piece) -> bool:
    """Whether a key is in quotes, which its span is without."""
    return key.span.source.lines[key.span.line - 1][: key.span.column - 1].endswith(('"', "'"))
