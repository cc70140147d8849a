"""What papers say about the network in sentences, with the verdict on each number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from inception_dsl.emit.page.subject import Subject
from inception_dsl.spec.claims import DIFFERS

KINDS: Final = {"exact": "exact", "rounds": "rounds", **dict.fromkeys(DIFFERS, "erratum"), "MISMATCH": "MISMATCH"}
"""The colour of each verdict, by the name of the verdict on a cell that has it."""


def context(subject: Subject) -> Mapping[str, Any] | None:
    """The claims about the network; None if there are none."""
    return {"claims": subject.claims, "kinds": KINDS} if subject.claims else None
