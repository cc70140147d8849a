"""Reads specs as of a revision in git: `specs/googlenet.yaml@main`."""

from __future__ import annotations

from collections.abc import Callable

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.files import builtin
from inception_dsl.files.git import Revision, split_revision
from inception_dsl.syntax import source as sources


def reader(path: str) -> tuple[str, Callable[[str], Source]]:
    """The path before `@REVISION`, and what reads it and the files that it extends as of that revision.

    Without a revision, they are read from the disk; built-in specs always are. Raises `SpecError` E001 for an unknown
    revision.
    """
    path, name = split_revision(path)
    if not name:
        return path, sources.read
    revision = Revision(path, name)

    def read(path: str) -> Source:
        if path.startswith(builtin.PREFIX):
            return sources.read(path)
        return sources.decode(revision.read(path, sources.MAX_BYTES + 1), f"{path}@{name}", sources.citation(path))

    return path, read
