"""The jinja2 templates of the emitters. They hold layout only; Python computes what they print."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def template(name: str) -> Template:
    """The template `emit/<name>.j2`; rendering it without a name that it uses raises `jinja2.UndefinedError`."""
    return _environment().get_template(f"{name}.j2")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(  # noqa: S701 - no target is HTML; each escapes by its own rules
        loader=PackageLoader("inception_dsl", "emit"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
