"""What papers say about the network in sentences, with the verdict on each number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inception_dsl.emit.page.subject import Subject


def context(subject: Subject) -> Mapping[str, Any] | None:
    """The claims about the network; None if there are none."""
    return {"claims": subject.claims} if subject.claims else None
