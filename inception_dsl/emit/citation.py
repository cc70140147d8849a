"""What every file that is generated from a network cites: its paper, and the command that makes it again."""

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
    """The command that makes the files of a program whose `file` that is, with some options, in the folder `out`.

    `spec` is what the command calls the spec, where the file is cited as something else. No path in it is absolute. The
    folder is left out where there is no option and no setting: then the files are those of the plain command, in
    whatever folder.
    """
    out = PurePath(out)
    name, *settings = file.split(" --set ")
    words = [*(word for each in settings for word in ("--set", each)), *options]
    if words:
        words += ["--out", "/".join(out.parts[-2:]) if out.is_absolute() else out.as_posix()]
    return shlex.join(["inception-dsl", "compile", spec or name, *words])
