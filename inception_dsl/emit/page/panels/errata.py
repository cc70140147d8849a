"""Where the paper's numbers are wrong, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inception_dsl.emit.page.subject import Subject
from inception_dsl.paper.verdicts import comparison


def context(subject: Subject) -> Mapping[str, Any] | None:
    """The errata in the order of the table; None if there are none."""
    found = [verdict for verdict in subject.verdicts if verdict.verdict == "erratum"]
    return (
        {"errata": [(one.claim.row, one.claim.column, comparison(one), one.reason) for one in found]} if found else None
    )
