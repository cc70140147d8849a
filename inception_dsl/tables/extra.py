"""The libraries that read markup, which are installed with the extra `tables`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from inception_dsl.build import missing


def library(name: str) -> Any:
    """A module of a library. Raises `SpecError` E005 where it is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise missing(name.partition(".")[0], "tables") from None
