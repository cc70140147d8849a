"""How the network is trained: every setting of its recipe, with what states it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.report.statements import settings, sources


def context(subject: Subject) -> Mapping[str, Any] | None:
    """The settings with their sources; None for a network without a recipe."""
    program = subject.typed.program
    found = settings(program)
    return {"sources": [*sources(program)], "settings": found} if found else None
