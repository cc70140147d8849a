"""What every generated file cites: the paper, and the command that generates the file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from inception_dsl.ir.program import Paper


def citation(paper: Paper) -> str:
    """Authors, title, year, table and address, in one line; "" if the spec names no paper."""
    places = [f"{what} {number}" for what, number in (("Table", paper.table), ("Figure", paper.figure)) if number]
    title = ": ".join(part for part in (paper.authors, paper.title) if part)
    parts = ", ".join(part for part in (title, str(paper.year or ""), *places) if part)
    link = f"https://arxiv.org/abs/{paper.arxiv}" if paper.arxiv else ""
    return ". ".join(part for part in (parts, link) if part)


def command(file: str, options: Sequence[str] = (), out: str | PurePath = "generated", spec: str = "") -> str:
    """The command that generates the files of the program in `file` with some options in the folder `out`.

    `spec` is the argument for the spec if it differs from `file`. No path in the command is absolute. Without options
    and settings it has no `--out`: the plain command generates the same files in any folder.
    """
    out = PurePath(out)
    name, *settings = file.split(" --set ")
    words = [*(word for setting in settings for word in ("--set", setting)), *options]
    if words:
        words += ["--out", "/".join(out.parts[-2:]) if out.is_absolute() else out.as_posix()]
    return shlex.join(["inception-dsl", "compile", spec or name, *words])
