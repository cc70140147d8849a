"""How the numbers of the page are counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.report.statements import CONVENTIONS, columns


def context(subject: Subject) -> Mapping[str, Any]:
    """The conventions of the printed columns, and those of all networks."""
    return {"columns": [*columns(subject.typed, subject.verdicts)], "conventions": CONVENTIONS}
