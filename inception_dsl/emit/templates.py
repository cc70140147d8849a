"""The jinja2 templates of the emitters. They hold layout only; Python computes what they print."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from inception_dsl.text.terminal import visible_lines

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_CODE: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def template(name: str) -> Template:
    """The template `emit/<name>.j2`; rendering it without a name that it uses raises `jinja2.UndefinedError`."""
    return _environment(html=False).get_template(f"{name}.j2")


def html(name: str) -> Template:
    """The template `emit/<name>.html.j2`: what it prints is text, in which nothing is markup and nothing is invisible.

    Only what `markup` returns is printed as it is.
    """
    return _environment(html=True).get_template(f"{name}.html.j2")


def markup(written: str) -> str:
    """HTML or SVG of ours, in which every text of a spec is escaped already."""
    from markupsafe import Markup

    return Markup(written)  # noqa: S704 - that is what it is for


def text(words: str) -> str:
    """Text of a spec as HTML: nothing in it is markup, and nothing is invisible."""
    from markupsafe import escape

    return escape(visible_lines(words, colour=False))


def prose(words: str) -> str:
    """A sentence as HTML, where `code` between backticks is code, as on a terminal and in Markdown."""
    return markup(_CODE.sub(r"<code>\1</code>", str(text(words))))


def asset(name: str) -> str:
    """The content of the file `emit/<name>`, a style or a script that a template prints as it is."""
    from importlib.resources import files

    return markup((files("inception_dsl") / "emit" / name).read_text(encoding="utf-8"))


@lru_cache(maxsize=2)
def _environment(html: bool) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("inception_dsl", "emit"),
        undefined=StrictUndefined,
        autoescape=html,  # noqa: S701 - the other targets escape by their own rules
        finalize=_printed if html else None,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["prose"] = prose
    return environment


def _printed(value: object) -> object:
    from markupsafe import Markup

    return visible_lines(value, colour=False) if isinstance(value, str) and not isinstance(value, Markup) else value
