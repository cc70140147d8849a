"""Reads a target and audits it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from inception_dsl.audit.audit import Audit, audit
from inception_dsl.compiler import at_size
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.interchange.graph import Graph
from inception_dsl.interchange.target import kind_of, read_target
from inception_dsl.ir.program import Program

if TYPE_CHECKING:
    from torch import nn


def audit_target(
    program: Program,
    target: nn.Module | str | os.PathLike[str],
    arguments: Mapping[str, str] | None = None,
    heads: bool = True,
) -> Audit:
    """Audit a module of torch, or what a command line names: a file, or `package.module:callable`.

    Where the target reads images of another size, so does the spec, unless its weights depend on the size. Raises
    `SpecError`.
    """
    typed = at_size(program)
    if not isinstance(target, str | os.PathLike):
        from inception_dsl.interchange.torch.reader import read_torch

        graph = read_torch(target, typed.input.shape, type(target).__name__, heads=True)
        return _audited(program, graph, heads, inference=False)
    name = os.fspath(target)
    kind = kind_of(name)
    if kind == "weights":
        from inception_dsl.audit.tensors import audit_tensors
        from inception_dsl.weights.files import read_weights
        from inception_dsl.weights.matching import own_names

        found = read_weights(Path(name), own_names(typed, heads=True)).tensors
        return audit_tensors(typed, {tensor: each.shape for tensor, each in found.items()}, name, heads)
    return _audited(program, read_target(name, typed.input, arguments), heads, inference=kind == "onnx")


def _audited(program: Program, graph: Graph, heads: bool, inference: bool) -> Audit:
    typed = at_size(program)
    if graph.input != typed.input and graph.input.channels == typed.input.channels and len(graph.input.shape) == 3:
        with suppress(SpecError):
            typed = at_size(program, graph.input.image)
    return audit(typed, graph, heads, inference)
