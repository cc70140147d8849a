"""Text and tables as GitHub's Markdown; text from a spec is always shown literally."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from inception_dsl.text.aligned import pad
from inception_dsl.text.terminal import visible


def escaped(text: str) -> str:
    """Text from a spec as plain Markdown: no markup, HTML, line break or invisible character survives as such."""
    shown = []
    for char in " ".join(text.split()):
        if not char.isprintable():
            shown.append(f"\\\\u{{{ord(char):x}}}")
        else:
            shown.append(_ESCAPES.get(char, char))
    # an underscore inside a word is not markup, and row names have many
    return re.sub(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])", r"\\_", "".join(shown))


_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", **{char: f"\\{char}" for char in "\\`*[]|~$#"}}


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, aligned in the source too: the first `left` columns to the left, the others to the right."""
    first, blank, *others = pad([header, ["   "] * len(header), *rows], left)  # a rule has three characters or more
    rule = ["-" * len(cell) if i < left else "-" * (len(cell) - 1) + ":" for i, cell in enumerate(blank)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (first, rule, *others))


ROOM: Final = 15_000
"""Most characters of a table or list; a comment of GitHub's has at most 65,536."""


def bounded_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 2, room: int = ROOM) -> str:
    """A table of the rows that fit, and how many more there are; "" for none."""
    all_rows, widths = [*rows], [len(cell) for cell in header]
    for shown, row in enumerate(all_rows):
        widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
        if (shown + 3) * (sum(widths) + 3 * len(widths) + 2) > room:
            return f"{table(header, all_rows[:shown], left)}\n\n... and {len(all_rows) - shown:,} more"
    return table(header, all_rows, left) if all_rows else ""


def prose(text: str) -> str:
    """A message as Markdown: text between backquotes is code, the rest is plain, without links or mentions."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one without its partner
        parts[-2:] = ["`".join(parts[-2:])]
    shown = ""
    for index, part in enumerate(parts):
        piece = code(part) if index % 2 else _plain(part)
        shown += " " * (shown.endswith("`") and piece.startswith("`")) + piece
    return shown


def code(text: str) -> str:
    """A text as inline code."""
    shown = visible(" ".join(text.split()))
    parts = re.split(r"([`|])", shown)  # no code holds a backquote, and a bar ends the cell of a table
    return "".join(f"&#{ord(part)};" if part in ("`", "|") else f"`{part}`" for part in parts if part)


def fenced(text: str) -> str:
    """Lines of text as a block of code."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"


def _plain(text: str) -> str:
    """Plain words with the blanks around them, without links or mentions."""
    lead, trail = (" " * bool(re.match(r"\s", end)) for end in (text, text[::-1]))
    shown = re.sub("@+", r"`\g<0>`", escaped(text)).replace("://", "\\://").replace("www.", "www\\.")
    return f"{lead}{shown}{trail}" if shown else lead
