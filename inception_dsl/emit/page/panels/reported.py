"""What others measured of the network; nothing here computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.report.statements import reported


def context(subject: Subject) -> Mapping[str, Any] | None:
    """The measurements that the spec reports; None if it reports none."""
    found = reported(subject.typed.program.reported)
    return {"results": found} if found else None
