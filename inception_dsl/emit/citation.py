"""How the paper of a network is cited, in every file that is generated from it."""

from __future__ import annotations

from inception_dsl.ir import Paper


def citation(paper: Paper) -> str:
    """Authors, title, year, table and address, in one line; empty where nothing is said of the paper."""
    places = [f"{what} {number}" for what, number in (("Table", paper.table), ("Figure", paper.figure)) if number]
    title = ": ".join(part for part in (paper.authors, paper.title) if part)
    parts = ", ".join(part for part in (title, str(paper.year or ""), *places) if part)
    link = f"https://arxiv.org/abs/{paper.arxiv}" if paper.arxiv else ""
    return ". ".join(part for part in (parts, link) if part)
