"""The nodes of the ONNX graph, row by row, with what each gives and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inception_dsl.analysis.cost import work
from inception_dsl.emit.onnx.onnx import graph_nodes
from inception_dsl.emit.page.subject import Subject


def context(subject: Subject) -> Mapping[str, Any]:
    """The nodes of every row and head: name below the row's, type, and for the last of an op its output and cost."""
    lines: dict[str, list[Sequence[str]]] = {name: [] for name in subject.typed.ends}
    for name, op_type, source in graph_nodes(subject.typed):
        cells = [name.removeprefix(f"{source.row}/"), op_type]
        if name == source.name:
            params = work(source.op, source.types, source.weights.values()).params if source.use == 1 else 0
            cells += [str(source.out), f"{params:,}" if params else "", f"{source.macs:,}" if source.macs else ""]
        while not cells[-1]:
            cells.pop()
        lines[source.row].append(cells)
    return {"rows": lines, "heads": subject.typed.heads}
