"""The generated PyTorch file, and the lines of every row in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inception_dsl.emit.page.highlight import python_lines
from inception_dsl.emit.page.panels.listing import listed
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.pytorch.listing import listing


def context(subject: Subject) -> Mapping[str, Any]:
    """The file as a listing."""
    written = listing(subject.typed, subject.rebuild)
    return {"listings": [listed("model.py", python_lines(written.text), written.rows)]}
