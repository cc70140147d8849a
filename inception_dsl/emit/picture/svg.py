"""What SVG files of figures and charts share: words for screen readers, a style for both schemes, and escapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from xml.sax.saxutils import escape, quoteattr

from inception_dsl.emit.picture.look import DARK
from inception_dsl.text.terminal import visible


def document(
    kind: str,
    title: str,
    description: str,
    size: tuple[float, float],
    parts: Iterable[str],
    style: str = "",
    metadata: str = "",
) -> str:
    """An SVG file of the class `kind`, on its ground.

    A page may have many: they share no ids, and their style, which a page may have once, reaches only what is in them.
    `metadata` are lines for readers of the file; the picture does not show them.
    """
    width, height = map(math.ceil, size)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" class="{kind}" role="img">',
            f"<title>{text(title)}</title>",
            f"<desc>{text(description)}</desc>",
            *(["<metadata>", *map(text, metadata.split("\n")), "</metadata>"] if metadata else []),
            *([f"<style>\n{style}</style>"] if style else []),
            '<rect class="ground" width="100%" height="100%"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def scoped_style(kind: str, rules: Iterable[str], colours: Callable[[bool], Iterable[str]]) -> str:
    """A style that reaches only what is in pictures of a kind; `colours` are the rules that differ in the dark scheme.

    A rule of several selectors names the kind in all but the first.
    """

    def scoped(lines: Iterable[str]) -> str:
        return "".join(f".{kind} {line}\n" for line in lines)

    return f"{scoped(colours(False))}{scoped(rules)}{DARK} {{\n{scoped(colours(True))}}}\n"


def text(words: str) -> str:
    """Words as text of XML, in which nothing is invisible."""
    return escape(visible(words))


def quoted(words: str) -> str:
    """Words as the value of an attribute, with its quotes."""
    return quoteattr(visible(words))
