"""The text of a page in Markdown, apart from the code in it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

_CODE: Final = (
    r"^[ \t]*(?P<ticks>`{3,}|~{3,})[^\n]*\n.*?^[ \t]*(?P=ticks)[ \t]*$"
    r"|(?P<span>`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=span)(?!`)"
)
CODE: Final = re.compile(_CODE, re.DOTALL | re.MULTILINE)
"""Fenced blocks, and code in a line."""

KEPT: Final = re.compile(rf"{_CODE}|<pre.*?</pre>|^#+ .*?$", re.DOTALL | re.MULTILINE)
"""These, what a terminal shows, and headings, which are names."""


def rewritten(markdown: str, rewrite: Callable[[str], str], kept: re.Pattern[str] = KEPT) -> str:
    """The page with every stretch of prose rewritten, and its code as it is."""
    written, at = [], 0
    for part in kept.finditer(markdown):
        written += [rewrite(markdown[at : part.start()]), part[0]]
        at = part.end()
    return "".join([*written, rewrite(markdown[at:])])


def without_escapes(markdown: str) -> str:
    r"""The page with every `\|` in code as a bar: GitHub needs the backslash in tables, Python-Markdown shows it."""
    return CODE.sub(lambda part: part[0].replace("\\|", "|") if part["span"] else part[0], markdown)


def plain(text: str) -> str:
    """A text of ours as Markdown in which nothing is HTML or a link; code in it stays code.

    Python-Markdown would read a tag at the start of a line as HTML even in code, so that such code has one line.
    """
    one_line = CODE.sub(lambda part: " ".join(part[0].split("\n")) if part["span"] else part[0], text)
    return rewritten(one_line, lambda prose: html.escape(prose, quote=False).replace("[", "&#91;"), CODE)


def code(text: str) -> str:
    """A text as code in a line, such as a value or a name; "" for none."""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if "`" in text else ""
    return f"{ticks}{space}{text}{space}{ticks}" if text else ""


def fenced(text: str, language: str = "text", title: str = "") -> str:
    """A block of code, with a fence longer than any in it."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
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
