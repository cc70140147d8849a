"""The settings of a spec: values with a type and bounds, which a variant or the command line may set."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final, NamedTuple

from inception_dsl.ir.values import LIMIT, Scalar

LONGEST: Final = 40
"""The characters of a number on the command line."""


class Setting(NamedTuple):
    """A setting: its value, of a type (`real` takes whole numbers too), and the `least` and `most` that it may be."""

    value: Scalar
    type: str = "real"
    least: float | None = None
    most: float | None = None
    doc: str = ""

    def problem(self, layers: Collection[str]) -> str:
        """What is wrong with its value, `layers` being all there are; empty where nothing is."""
        value = self.value
        if self.type == "layer":
            return "" if value in layers else "it names a layer"
        if isinstance(value, str) or (self.type == "whole" and not isinstance(value, int)):
            return f"it is a {self.type} number"
        if self.least is not None and value < self.least:
            return f"it is {self.least:g} at least"
        if self.most is not None and value > self.most:
            return f"it is {self.most:g} at most"
        return ""

    def set(self, text: str) -> Setting:
        """It with the value that a text such as `0.5` gives."""
        return self._replace(value=_scalar(text))


def setting(data: Scalar | dict[str, Any]) -> Setting:
    """A setting from what its key holds: its value alone, whose type is as written, or a mapping."""
    keys: dict[str, Any] = data if isinstance(data, dict) else {"default": data}
    value = keys["default"]
    written = "layer" if isinstance(value, str) else "whole" if isinstance(value, int) else "real"
    return Setting(value, keys.get("type", written), keys.get("min"), keys.get("max"), keys.get("doc", ""))


def as_data(given: Setting) -> Scalar | dict[str, Any]:
    """What a key holds that gives this setting: no more than its value, where that says it all."""
    if setting(given.value) == given:
        return given.value
    keys = {"default": given.value, "min": given.least, "max": given.most, "type": given.type, "doc": given.doc}
    if setting(given.value).type == given.type:
        del keys["type"]
    return {key: value for key, value in keys.items() if value not in (None, "")}


def override(old: Any, new: Any) -> Any:
    """What a setting's key holds after a variant's edit: a value alone sets the default, a mapping its own keys."""
    if not isinstance(old, dict) and not isinstance(new, dict):
        return new
    return {
        **(old if isinstance(old, dict) else {"default": old}),
        **(new if isinstance(new, dict) else {"default": new}),
    }


def _scalar(text: str) -> Scalar:
    """A text as the number it writes, if it is one that a network can hold."""
    if len(text) > LONGEST or not re.fullmatch(r"[-+]?([0-9]+|[0-9]*\.[0-9]+|[0-9]+\.)([eE][-+]?[0-9]+)?", text):
        return text
    number = int(text) if re.fullmatch(r"[-+]?[0-9]+", text) else float(text)
    return number if abs(number) <= LIMIT else text
