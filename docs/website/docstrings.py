"""An extension of griffe: examples in docstrings become blocks of code, and codes of diagnostics links."""

from __future__ import annotations

import re
from typing import Any, Final

import griffe
from prose import rewritten

CODE: Final = re.compile(r"\bE\d{3}\b")
EXAMPLE: Final = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.DOTALL | re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrites docstrings, which are Markdown with doctests, as Markdown."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of an object, and leave out special methods and what `__init__` sets without a word."""
        plain = isinstance(obj, griffe.Attribute) and not (obj.annotation or obj.docstring)
        if obj.name.startswith("_") or (plain and "instance-attribute" in obj.labels):
            obj.public = False
        if obj.docstring:
            fenced = EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
            obj.docstring.value = rewritten(fenced, lambda text: CODE.sub(r"[\g<0>][]", text))
