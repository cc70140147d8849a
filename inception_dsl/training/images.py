"""The images of a plan, by a source that a user names: a kind of data set that the runner reads, or `builtin`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.readers.plugins import plugin_kinds
from inception_dsl.runner.readers.reader import Reader
from inception_dsl.runner.readers.readers import READERS, open_images

KINDS: Final = (*READERS, "builtin")
"""What stands before the colon of `--data`; `plan` knows the last one."""


def open_source(config: Config, split: str, classes: Sequence[str] = ()) -> Reader:
    """Open the "train" or "test" split of a recipe's images. Raises `RunError` as `open_images` does."""
    kind, colon, _ = (source := config.data.source).partition(":")
    if kind not in KINDS and kind not in (more := plugin_kinds()):
        kinds = (*KINDS, *more)
        known = f"the kinds are {listing(kinds)}"
        if not colon:
            raise RunError(f"{source}: the kind is missing; write it before the path, as in folder:{source}; {known}")
        near = did_you_mean(kind, kinds)
        raise RunError(f"{source}: there is no kind `{kind}`; {f'{near} {known.capitalize()}' if near else known}")
    return open_images(source, split, classes, config.loss.name)
