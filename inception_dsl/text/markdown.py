"""Text and tables as Markdown, GitHub's: what a spec says is shown as it stands, whatever it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

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
    """A Markdown table, aligned in the source too: the first columns to the left, the others to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(header))]
    sides = [str.ljust if i < left else str.rjust for i in range(len(widths))]
    rules = ["-" * width if i < left else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    laid = [[side(cell, width) for side, cell, width in zip(sides, line, widths, strict=True)] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in (laid[0], rules, *laid[1:]))


def prose(text: str) -> str:
    """A message as Markdown: what stands between backquotes is code, the rest plain, without links or mentions."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one without its partner
        parts[-2:] = ["`".join(parts[-2:])]
    shown = ""
    for index, part in enumerate(parts):
        piece = code(part) if index % 2 else _plain(part)
        shown += " " * (shown.endswith("`") and piece.startswith("`")) + piece
    return shown


def code(text: str) -> str:
    """A text as inline code, in which nothing is markup."""
    shown = visible(" ".join(text.split()))
    parts = re.split(r"([`|])", shown)  # no code holds a backquote, and a bar ends the cell of a table
    return "".join(f"&#{ord(part)};" if part in ("`", "|") else f"`{part}`" for part in parts if part)


def _plain(text: str) -> str:
    """Words with the blanks around them, and nothing that GitHub would make a link or a mention of."""
    lead, trail = (" " * bool(re.match(r"\s", each)) for each in (text, text[::-1]))
    shown = re.sub("@+", r"`\g<0>`", escaped(text)).replace("://", "\\://").replace("www.", "www\\.")
    return f"{lead}{shown}{trail}" if shown else lead
