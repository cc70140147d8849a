"""Data sets of plugins: other distributions offer them as entry points, each under the kind that sources name.

A plugin needs nothing of this runner: it gives a function from the path and the split to a map-style data set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inception_dsl.runner.base.settings import RunError, error_text
from inception_dsl.runner.readers.datasets import DatasetReader
from inception_dsl.runner.readers.reader import Reader

READER_PLUGINS = "inception_dsl.readers"  # the group of entry points


def plugin_kinds() -> list[str]:
    """The kinds that plugins offer, loaded or not."""
    from importlib.metadata import entry_points

    return sorted({point.name for point in entry_points(group=READER_PLUGINS)})


def plugin_images(kind: str) -> Callable[[str, str], Reader] | None:
    """What opens the data sets of a kind that a plugin offers; None if none does. Raises `RunError` if it fails."""
    from importlib.metadata import entry_points

    points = [*entry_points(group=READER_PLUGINS, name=kind)]
    if not points:
        return None
    whose = " and ".join(sorted(point.dist.name if point.dist else point.value for point in points))
    if len(points) > 1:
        raise RunError(f"{kind}: the plugins {whose} both offer it; uninstall one")
    try:
        opener: Any = points[0].load()
    except Exception as error:  # a plugin may raise anything
        cause = f"{type(error).__name__}: {error_text(error)}"
        raise RunError(f"{kind}: the plugin {whose} cannot be loaded: {cause}; update or uninstall it") from error

    def open_set(path: str, split: str) -> Reader:
        return DatasetReader(opener(path, split), f"{kind}:{path}:{split}")

    return open_set
