"""The colours of pages, as variables of their style."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.picture.look import DARK, GROUND, INK, LABEL, Ink

GROUNDS: Final = {
    "ground": GROUND,
    "surface": Ink("#f4f6f8", "#1c2128"),
    "chosen": Ink("#fdf3cd", "#3b3412"),
}
"""What texts stand on."""

TEXTS: Final = {
    "ink": INK,
    "quiet": LABEL,
    "link": Ink("#0b57a4", "#8fc1f2"),
    "exact": Ink("#1f6b33", "#86cf98"),
    "rounds": Ink("#0f5f73", "#7fd0e4"),
    "erratum": Ink("#7a4f00", "#e6c45c"),
    "mismatch": Ink("#a32a14", "#f4a693"),
    "keyword": Ink("#7a2f8f", "#d7a6ea"),
    "literal": Ink("#1f6b33", "#93d6a4"),
    "comment": Ink("#56606e", "#a9b3c0"),
}
"""Texts, each with a contrast of 4.5 or more on every ground: level AA of WCAG 2.2."""

LINES: Final = {
    "line": Ink("#d0d6de", "#343c47"),
    "strong-line": Ink("#6b7280", "#8b95a3"),
}


def variables() -> str:
    """The colours as CSS: `var(--ink)`."""
    colours = (GROUNDS | TEXTS | LINES).items()
    light = "".join(f"  --{name}: {ink.light};\n" for name, ink in colours)
    dark = "".join(f"    --{name}: {ink.dark};\n" for name, ink in colours)
    return f":root {{\n{light}}}\n\n{DARK} {{\n  :root {{\n{dark}  }}\n}}\n"
