"""The text of a page in Markdown, apart from the code in it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

CODE: Final = re.compile(
    r"^[ \t]*(?P<ticks>`{3,}|~{3,})[^\n]*\n.*?^[ \t]*(?P=ticks)[ \t]*$"
    r"|<pre.*?</pre>|(?P<span>`+)(?!`).+?(?<!`)(?P=span)(?!`)|^#+ .*?$",
    re.DOTALL | re.MULTILINE,
)
"""Fenced blocks, `<pre>`, code in a line; and headings, which are names."""


def rewritten(markdown: str, rewrite: Callable[[str], str]) -> str:
    """The page with every stretch of prose rewritten, and its code as it is."""
    written, at = [], 0
    for code in CODE.finditer(markdown):
        written += [rewrite(markdown[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*written, rewrite(markdown[at:])])


def without_escapes(markdown: str) -> str:
    r"""The page with every `\|` in code as a bar: GitHub needs the backslash in tables, Python-Markdown shows it."""
    return CODE.sub(lambda code: code[0].replace("\\|", "|") if code["span"] else code[0], markdown)


def plain(text: str) -> str:
    """A text of ours as Markdown in which nothing is HTML or a link; code in it stays code."""
    return rewritten(text, lambda prose: html.escape(prose, quote=False).replace("[", "&#91;"))


def code(text: str) -> str:
    """A text as code in a line, such as a value or a name; "" for none."""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if "`" in text else ""
    return f"{ticks}{space}{text}{space}{ticks}" if text else ""


def fenced(text: str, language: str = "text", title: str = "") -> str:
    """A block of code, with a fence longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    heading = f' title="{title}"' if title else ""
    return f"{fence}{language}{heading}\n{text.rstrip()}\n{fence}\n"


def terminal(text: str) -> str:
    """What a command prints, in the colours that it prints it in."""
    parts = SGR.split(html.escape(text, quote=False))
    spans = [
        f'<span class="{COLOURS[style]}">{words}</span>' for style, words in zip(parts[1::2], parts[2::2], strict=True)
    ]
    return f'<pre class="terminal"><code>{parts[0]}{"".join(spans)}</code></pre>\n'


SGR: Final = re.compile(r"\x1b\[([\d;]*)m")
COLOURS: Final = {
    "0": "plain",
    "1": "bold",
    "31": "red",
    "32": "green",
    "33": "yellow",
    "1;31": "red bold",
    "1;33": "yellow bold",
    "1;34": "blue",
}
"""The classes of what a terminal shows, by the parameters of its escape codes."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells in Markdown; their line breaks and, outside code, their bars are replaced."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return rewritten(" ".join(text.split()), lambda prose: prose.replace("|", "&#124;"))
