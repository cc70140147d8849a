"""The links of the built site, however they are written: each leads somewhere, and no page loads a foreign file.

mkdocs itself checks those that are written in Markdown.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to and loads, and the anchors in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the attributes that name something."""
        found = {name: value for name, value in attrs if value}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        target = found.get("href") or found.get("src")
        if target:
            own = tag == "a" or found.get("rel") in {"canonical", "next", "prev"}
            (self.links if own else self.loaded).append(target)


def faults(site: Path) -> Iterator[str]:
    """A sentence for every link that leads nowhere, and everything that a page loads from elsewhere."""

    @cache
    def page(file: Path) -> Page:
        return Page(file.read_text(encoding="utf-8"))

    for file in sorted(site.rglob("*.html")):
        name = file.relative_to(site).as_posix()
        for link in page(file).loaded:
            if urlsplit(link).netloc:
                yield f"`{name}` loads `{link}`"
        for link in (*page(file).links, *page(file).loaded):
            url = urlsplit(link)
            if url.scheme or url.netloc or url.path.startswith("/"):  # the last are those of 404.html
                continue
            target = site / posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(url.path)))
            target = file if not url.path else target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"`{name}` links to `{link}`, which is not there"
            elif url.fragment and target.suffix == ".html" and unquote(url.fragment) not in page(target).anchors:
                yield f"`{name}` links to `{link}`, where the anchor is missing"
