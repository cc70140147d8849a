"""Pages and pictures of ours, read for tests that look into them."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    """The root of an SVG file that we drew."""
    return ET.fromstring(svg)  # noqa: S314


VOID = {"meta", "link", "br", "img", "input"}
CLOSED_BY = {
    "thead": {"tbody"},
    "tbody": {"tbody"},
    "tr": {"tr", "tbody"},
    "th": {"th", "td", "tr", "tbody"},
    "td": {"th", "td", "tr", "tbody"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "li": {"li"},
}
"""Elements whose end tag may be left out, and those that end them."""


class Reader(HTMLParser):
    """Reads a page as a list of elements with their attributes, and the text of each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[int] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while self.open and tag in CLOSED_BY.get(self.found[self.open[-1]][0], ()):
            self.open.pop()
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(len(self.found) - 1)

    def handle_endtag(self, tag: str) -> None:
        while self.found[self.open[-1]][0] != tag:
            left = self.found[self.open.pop()][0]
            assert left in CLOSED_BY, f"<{left}> is open at </{tag}>"
        self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        for at in self.open:
            self.texts[at] += data

    @property
    def kinds(self) -> set[tuple[str, ...]]:
        """The elements that it has, each with the names of its attributes."""
        return {(tag, *attributes) for tag, attributes in self.found}

    def text(self, tag: str, **attributes: str) -> str:
        """The text of the only element with a tag and some attributes."""
        at = [i for i, (name, has) in enumerate(self.found) if name == tag and attributes.items() <= has.items()]
        assert len(at) == 1, (tag, attributes, len(at))
        return " ".join(self.texts[at[0]].split())
