"""What a panel of a page is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.templates import html, markup


class Panel(NamedTuple):
    """A part of the page: the template `page/panels/<name>.html.j2`, for what `context` takes from the subject.

    `name` is the id of its section and `title` its heading. It is left out where `context` gives None.
    """

    name: str
    title: str
    context: Callable[[Subject], Mapping[str, Any] | None]

    def drawn(self, subject: Subject) -> Drawn | None:
        """The panel as HTML."""
        context = self.context(subject)
        if context is None:
            return None
        return Drawn(self.name, self.title, markup(html(f"page/panels/{self.name}").render(**context)))


class Drawn(NamedTuple):
    """A panel as HTML."""

    name: str
    title: str
    body: str
