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

ROOT: Final = Path(__file__).parents[2]

DOCUMENTS: Final = {
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "benchmarks/README.md": "project/benchmarks.md",
    "README.md": "index.md",
}
"""Documents outside docs/, and their pages."""

LANGUAGES: Final = {".yaml": "yaml", ".yml": "yaml", ".py": "python", ".sh": "bash", ".json": "json", ".md": "markdown"}
"""The languages of files, by their suffixes; others are shown as they are."""

LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(?=[)#])")
FENCED: Final = re.compile(r"(^(`{3,}|~{3,}).*?^\2[ \t]*$)", re.DOTALL | re.MULTILINE)


def pages(texts: Mapping[str, str]) -> dict[str, str]:
    """The pages of the documents, and of all files that these or the pages `texts` link to."""
    found = {uri: (ROOT / path).read_text(encoding="utf-8") for path, uri in DOCUMENTS.items()}
    paths = {path for uri, text in {**texts, **found}.items() for path in _paths(uri, text)}
    return found | {page_of(path): _shown(path) for path in sorted(paths) if page_of(path).startswith("source/")}


def page_of(path: str) -> str:
    """The page of a file of the repository."""
    return path.removeprefix("docs/") if path.startswith("docs/") else DOCUMENTS.get(path) or f"source/{path}.md"


def linked(uri: str, markdown: str) -> str:
    """The text of a page, its links to files of the repository replaced by links to their pages."""
    folder = posixpath.dirname(uri)

    def replaced(match: re.Match[str]) -> str:
        path = _resolved(uri, match[1])
        return posixpath.relpath(page_of(path), folder or ".") if (ROOT / path).exists() else match[0]

    parts = FENCED.split(markdown)
    # a fence, and the backticks that open it, follow every text
    return "".join(LINK.sub(replaced, part) if i % 3 == 0 else part for i, part in enumerate(parts) if i % 3 != 2)


def _paths(uri: str, markdown: str) -> set[str]:
    """The files of the repository that a page links to."""
    texts = FENCED.split(markdown)[::3]
    found = {_resolved(uri, link) for text in texts for link in LINK.findall(text)}
    return {path for path in found if (ROOT / path).exists()}


def _resolved(uri: str, link: str) -> str:
    """The path in the repository that a link on a page names."""
    origin = next((path for path, page in DOCUMENTS.items() if page == uri), f"docs/{uri}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))


def _shown(path: str) -> str:
    """The page that shows a file, or lists a folder."""
    file = ROOT / path
    if file.is_dir():
        names = sorted(entry.name + "/" * entry.is_dir() for entry in os.scandir(file) if entry.name[0] != ".")
        text, language = "\n".join(names) + "\n", "text"
    else:
        text, language = file.read_text(encoding="utf-8"), LANGUAGES.get(file.suffix, "text")
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"# {path}\n\n{fence}{language}\n{text}{fence}\n"
