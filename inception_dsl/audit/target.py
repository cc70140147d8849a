"""Reads a target and audits it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from inception_dsl.audit.audit import Audit, audit
from inception_dsl.compiler import at_size
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.interchange.target import kind_of, read_target
from inception_dsl.ir.program import Program


def audit_target(
    program: Program, target: str, arguments: Mapping[str, str] | None = None, heads: bool = True
) -> Audit:
    """Audit what a command line names: an ONNX file, or `package.module:callable` of torch.

    Where the target reads images of another size, so does the spec, unless its weights depend on the size. Raises
    `SpecError`.
    """
    kind, typed = kind_of(target), at_size(program)
    graph = read_target(target, typed.input, arguments)
    if graph.input != typed.input and graph.input.channels == typed.input.channels and len(graph.input.shape) == 3:
        with suppress(SpecError):
            typed = at_size(program, graph.input.image)
    return audit(typed, graph, heads, inference=kind == "onnx")
