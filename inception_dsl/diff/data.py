"""A comparison as JSON values, as schemas/diff.json describes them."""

from __future__ import annotations

from collections import Counter
from typing import Any, get_args

from inception_dsl.diff.changes import Change, EntryChange, Fate, Tensor
from inception_dsl.diff.diff import Diff
from inception_dsl.diff.sides import Side
from inception_dsl.ir.shapes import TensorType


def as_data(diff: Diff) -> dict[str, Any]:
    """A comparison as JSON values."""
    counts = Counter(tensor.change for tensor in diff.tensors)
    return {
        "before": _side(diff.before),
        "after": _side(diff.after),
        "equal": diff.equal,
        "same_network": diff.same_network,
        "loads": diff.loads,
        "totals": [_change(change) for change in diff.totals],
        "weights": {fate: counts[fate] for fate in get_args(Fate)},
        "keys": [_change(key) for key in diff.keys],
        "rows": [_entry(row) for row in diff.rows],
        "heads": [_entry(head) for head in diff.heads],
        "equal_rows": [row.name for row in diff.all_rows if not row.words],
    }


def _side(side: Side) -> dict[str, str]:
    return {"spec": side.label, "network": side.spec.network}


def _entry(entry: EntryChange) -> dict[str, Any]:
    return {
        "before": entry.before,
        "after": entry.after,
        "changes": list(entry.words),
        "follows": _change(Change("follows", *entry.follows)),
        "cells": [_change(cell) for cell in entry.cells],
        "printed": [_change(cell) for cell in entry.printed],
        "reads": _change(Change("output", *entry.arrives)),
        "numbers": [_change(number) for number in entry.numbers],
        "layers": [
            {
                "before": None if layer.before is None else {"name": layer.before, "layer": layer.layer[0]},
                "after": None if layer.after is None else {"name": layer.after, "layer": layer.layer[1]},
                "reads": None if layer.reads is None else {"before": [*layer.reads[0]], "after": [*layer.reads[1]]},
            }
            for layer in entry.layers
        ],
        "weights": [_tensor(tensor) for tensor in entry.tensors if tensor.change != "kept"],
    }


def _change(change: Change) -> dict[str, Any]:
    return {"name": change.name, "before": _value(change.before), "after": _value(change.after)}


def _tensor(tensor: Tensor) -> dict[str, Any]:
    names = (tensor.before, tensor.after)
    before, after = (
        None if name is None else {"name": name, "shape": list(shape or ())}
        for name, shape in zip(names, tensor.shapes, strict=True)
    )
    return {"change": tensor.change, "before": before, "after": after}


def _value(value: Any) -> Any:
    return list(value.shape) if isinstance(value, TensorType) else value
