"""The jinja2 templates of the emitters: layout only, what goes into them is worked out in Python."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def template(name: str) -> Template:
    """The template `emit/<name>.j2`; a name it uses and is not given raises `jinja2.UndefinedError`."""
    return _environment().get_template(f"{name}.j2")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(  # noqa: S701 - none of the targets is HTML, and each escapes by its own rules
        loader=PackageLoader("inception_dsl", "emit"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
