"""What the network costs as a whole: parameters, multiply-adds, depth and memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inception_dsl.emit.page.subject import Subject


def context(subject: Subject) -> Mapping[str, Any]:
    """The totals of the trunk and of the heads, and the memory of one example."""
    counted, heads = subject.cost, subject.typed.heads
    parts = [("trunk", counted.trunk), *((f"head {name}", counted.rows[name]) for name in heads)]
    parts += [("all", counted.total)] if heads else []
    memory = [("parameters", counted.trunk.params), ("activations kept in training", counted.trunk.activations)]
    memory += [("activations kept in training, with heads", counted.total.activations)] if heads else []
    memory += [("inference peak", counted.peak)]
    return {
        "totals": [
            (name, f"{part.params:,}", f"{part.params - part.biases:,}", f"{part.macs:,}", str(part.depth))
            for name, part in parts
        ],
        "memory": [(name, f"{number:,}", f"{number * 4 / 2**20:,.2f}") for name, number in memory],
    }
