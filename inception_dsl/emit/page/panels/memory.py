"""What the network costs as a whole: parameters, multiply-adds, depth and memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.report.statements import memory, totals


def context(subject: Subject) -> Mapping[str, Any]:
    """The totals of the trunk and of the heads, and the memory of one example."""
    typed, counted = subject.typed, subject.cost
    return {
        "totals": [
            (name, f"{part.params:,}", f"{part.params - part.biases:,}", f"{part.macs:,}", str(part.depth))
            for name, part in totals(typed, counted)
        ],
        "memory": [(name, f"{n:,}", f"{n * 4 / 2**20:,.2f}") for name, n in memory(typed, counted)],
    }
