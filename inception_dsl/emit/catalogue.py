"""What `inception-dsl ops` prints: every op, from its own docstring, fields and the backends' tables."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

from inception_dsl.elaborate.layers import GRAMMAR
from inception_dsl.emit.onnx_ops import rules as onnx_rules
from inception_dsl.emit.pytorch_layers import PYTORCH
from inception_dsl.ops import OPS, Op

BACKENDS = (PYTORCH, onnx_rules)


def entries() -> dict[str, dict[str, Any]]:
    """Every op by name: what it is, its fields, the words of the language that set them, the backends that have it."""
    return {op.name: _entry(op) for op in OPS}


def _entry(op: type[Op]) -> dict[str, Any]:
    grammar = GRAMMAR.get(op.name)
    return {
        "doc": inspect.getdoc(op) or "",
        "fields": [each.name for each in fields(op)],
        "words": sorted(grammar.words) if grammar else [],
        "backends": [backend.backend for backend in BACKENDS if op in backend],
    }


def text(catalogue: dict[str, dict[str, Any]], whole: bool) -> str:
    """The catalogue for a terminal: a line an op, or all that is known of it."""
    if not whole:
        width = max(map(len, catalogue))
        return "\n".join(f"{name.ljust(width)}  {_first(entry['doc'])}" for name, entry in catalogue.items())
    parts = []
    for name, entry in catalogue.items():
        words = f"\n\nWords: {', '.join(entry['words'])}" if entry["words"] else ""
        parts.append(f"{name}\n\n{entry['doc']}{words}\n\nBackends: {', '.join(entry['backends'])}")
    return "\n\n".join(parts)


def _first(doc: str) -> str:
    return " ".join(doc.split("\n\n", maxsplit=1)[0].split())
