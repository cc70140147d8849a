"""Pages of files that lie outside docs/, and links to them.

A link in Markdown is a path in the repository, as GitHub follows it. On the site it leads to a page: `DOCUMENTS` have
pages of their own, and every other file that a page links to has one that shows its text.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prose import fenced, rewritten

ROOT: Final = Path(__file__).parents[2]

DOCUMENTS: Final = {
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "benchmarks/README.md": "project/benchmarks.md",
    "README.md": "readme.md",
}
"""Documents outside docs/, and their pages."""

LANGUAGES: Final = {".yaml": "yaml", ".yml": "yaml", ".py": "python", ".sh": "bash", ".json": "json", ".md": "markdown"}
"""The languages of files, by their suffixes; others are shown as they are."""

PICTURES: Final = (".svg",)

LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(?=[)#])")


def pages(texts: Mapping[str, str]) -> dict[str, str]:
    """The pages of the documents, and of all files that these or the pages `texts` link to; pictures as they are."""
    found = {uri: (ROOT / path).read_text(encoding="utf-8") for path, uri in DOCUMENTS.items()}
    paths: set[str] = set()
    for uri, text in {**texts, **found}.items():
        linked(uri, text, paths)
    return found | {page_of(path): _shown(path) for path in sorted(paths) if page_of(path).startswith("source/")}


def page_of(path: str) -> str:
    """The page of a file of the repository."""
    return path.removeprefix("docs/") if path.startswith("docs/") else DOCUMENTS.get(path) or _source(path)


def _source(path: str) -> str:
    return f"source/{path}" + ("" if path.endswith(PICTURES) else ".md")


def linked(uri: str, markdown: str, paths: set[str] | None = None) -> str:
    """The text of a page, its links to files of the repository replaced by links to their pages; adds the `paths`."""
    origin = next((path for path, page in DOCUMENTS.items() if page == uri), f"docs/{uri}")

    def replaced(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link[1]))
        if not (ROOT / path).exists():
            return link[0]  # a page that is generated, or a broken link, which mkdocs reports
        if paths is not None:
            paths.add(path)
        return posixpath.relpath(page_of(path), posixpath.dirname(uri) or ".")

    return rewritten(markdown, lambda text: LINK.sub(replaced, text))


def _shown(path: str) -> str:
    """The page that shows a file, or lists a folder."""
    file = ROOT / path
    if file.suffix in PICTURES:
        return file.read_text(encoding="utf-8")
    page = f"---\nsearch: {{exclude: true}}\n---\n# {path}\n\n"
    if file.is_dir():
        names = sorted(entry.name + "/" * entry.is_dir() for entry in os.scandir(file) if entry.name[0] != ".")
        return page + fenced("\n".join(names))
    return page + fenced(file.read_text(encoding="utf-8"), LANGUAGES.get(file.suffix, "text"))
