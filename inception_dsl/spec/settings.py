"""The settings of a spec: values with a type and bounds, which a variant or the command line may change."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from inception_dsl.ir.values import MAX_NUMBER, Scalar
from inception_dsl.spec.vocabulary.plugins import failure, is_layer

OLD_TYPES: Final = {"whole": "int", "real": "float"}
"""Former names of types, which are still read."""

MAX_NUMBER_LENGTH: Final = 40
"""The most characters of a number on the command line."""

_NUMBER: Final = re.compile(r"[-+]?([0-9]+|[0-9]*\.[0-9]+|[0-9]+\.)([eE][-+]?[0-9]+)?")
_INT: Final = re.compile(r"[-+]?[0-9]+")


class Setting(NamedTuple):
    """A setting: its value, the type and the bounds that the value keeps to, and what it changes.

    `type` is "int", "float" (which takes ints too) or "layer". A bound is None where there is none.
    """

    value: Scalar
    type: str = "float"
    minimum: float | None = None
    maximum: float | None = None
    doc: str = ""

    def problem(self) -> str:
        """What is wrong with the value; empty where nothing is."""
        value = self.value
        if self.type == "layer":
            return "" if is_layer(value) else failure("layers", str(value)) or "it must be the name of a layer"
        if isinstance(value, str) or (self.type == "int" and not isinstance(value, int)):
            return f"it must be {'an int' if self.type == 'int' else 'a float'}"
        if self.minimum is not None and value < self.minimum:
            return f"it must be at least {self.minimum:g}"
        if self.maximum is not None and value > self.maximum:
            return f"it must be at most {self.maximum:g}"
        return ""

    def set(self, text: str) -> Setting:
        """The setting with the value that a text such as `0.5` stands for."""
        return self._replace(value=_scalar(text))


def setting(data: Any) -> Setting:
    """The setting that its key holds: a section, or the value alone, whose type is as it is written."""
    keys: dict[str, Any] = data if isinstance(data, dict) else {"default": data}
    value = keys["default"]
    written = "layer" if isinstance(value, str) else "int" if isinstance(value, int) else "float"
    return Setting(value, keys.get("type", written), keys.get("min"), keys.get("max"), keys.get("doc", ""))


def setting_data(given: Setting) -> Scalar | dict[str, Any]:
    """What a key holds to give this setting: its value alone where that is enough."""
    if setting(given.value) == given:
        return given.value
    keys = {"default": given.value, "min": given.minimum, "max": given.maximum, "type": given.type, "doc": given.doc}
    if setting(given.value).type == given.type:
        del keys["type"]
    return {key: value for key, value in keys.items() if value not in (None, "")}


def override(old: Any, new: Any) -> Any:
    """What a setting's key holds after a variant's edit.

    A value alone replaces the default, a section the keys that it has; `null` takes a key out.
    """
    if not isinstance(old, dict) and not isinstance(new, dict):
        return new
    keys = {
        **(old if isinstance(old, dict) else {"default": old}),
        **(new if isinstance(new, dict) else {"default": new}),
    }
    return {key: value for key, value in keys.items() if value is not None}


def _scalar(text: str) -> Scalar:
    """The number that a text writes, or the text itself where it writes none that a network can hold."""
    if len(text) > MAX_NUMBER_LENGTH or not _NUMBER.fullmatch(text):
        return text
    number = int(text) if _INT.fullmatch(text) else float(text)
    return number if abs(number) <= MAX_NUMBER else text
