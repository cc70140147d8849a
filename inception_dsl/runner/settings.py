"""Settings by name, and words for what is wrong with them."""

from __future__ import annotations

import ast
import dataclasses
from typing import Any, TypeVar

T = TypeVar("T")


class RunError(Exception):
    """What stops a run, in words for who started it."""


def choice(table: dict[str, T], key: str, what: str) -> T:
    """An entry of a table of alternatives. Raises `RunError` where this file does not have it."""
    if key not in table:
        raise RunError(f"{what} {key!r} is not in this file, which has {', '.join(table)}; emit it again with another")
    return table[key]


def setting(config: T, key: str, text: str) -> T:
    """The config with `group.name` set to a value given as text. Raises `RunError` for a wrong key or kind."""
    group, _, name = key.partition(".")
    part: Any = getattr(config, group, None)
    if part is None or not hasattr(part, name):
        known = [f"{each}.{inner}" for each, values in vars(config).items() for inner in vars(values)]
        raise RunError(f"there is no setting {key!r}; there are {', '.join(known)}")
    old = getattr(part, name)
    try:
        value = text if isinstance(old, str) else ast.literal_eval(text.title() if isinstance(old, bool) else text)
    except (SyntaxError, ValueError):
        value = None
    value = tuple(value) if isinstance(old, tuple) and isinstance(value, list) else value
    value = float(value) if isinstance(old, float) and type(value) is int else value
    if type(value) is not type(old):
        raise RunError(f"{key} is such as {old!r}, not {text!r}")
    return type(config)(**{**vars(config), group: dataclasses.replace(part, **{name: value})})
