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
        return None if context is None else filled(self.name, self.title, **context)


class Drawn(NamedTuple):
    """A panel as HTML."""

    name: str
    title: str
    body: str


def filled(name: str, title: str, **context: Any) -> Drawn:
    """The template of a panel, filled."""
    return Drawn(name, title, markup(html(f"page/panels/{name}").render(**context)))
