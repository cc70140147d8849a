"""Reads a target and audits it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from inception_dsl.audit.audit import Audit, audit
from inception_dsl.audit.values import compare_values
from inception_dsl.compiler import at_size
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.interchange.network import Network, of_module, read_network
from inception_dsl.interchange.target import kind_of
from inception_dsl.ir.program import Program
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from torch import nn


def audit_target(
    program: Program,
    target: nn.Module | str | os.PathLike[str],
    arguments: Mapping[str, str] | None = None,
    heads: bool = True,
    values: bool = False,
    name: str = "",
) -> Audit:
    """Audit a module of torch, or what a command line names: a file, or `package.module:callable`.

    `values` also runs both on the same weights, and compares them row by row. Where the target reads images of another
    size, so does the spec, unless its weights depend on the size. `name` is what reports call the spec, by default its
    last folder and its file. Raises `SpecError`.
    """
    found = _audit_target(at_size(program), target, arguments, heads, values)
    return replace(found, spec=replace(found.spec, source=name)) if name else found


def _audit_target(
    typed: Typed,
    target: nn.Module | str | os.PathLike[str],
    arguments: Mapping[str, str] | None,
    heads: bool,
    values: bool,
) -> Audit:
    if not isinstance(target, str | os.PathLike):
        return _audited(typed, of_module(target, type(target).__name__, typed.input.shape), heads, values)
    name = os.fspath(target)
    if kind_of(name) == "weights":
        from inception_dsl.audit.tensors import audit_tensors
        from inception_dsl.weights.files import read_weights
        from inception_dsl.weights.matching import own_names

        found = read_weights(Path(name), own_names(typed, heads=True)).tensors
        result = audit_tensors(typed, {tensor: each.shape for tensor, each in found.items()}, name, heads)
        note = "values: a file of weights holds no network that could be run"
        return replace(result, notes=(*result.notes, note)) if values else result
    image = typed.input.image if len(typed.input.shape) == 3 else None
    return _audited(typed, read_network(name, image, arguments, typed.input.shape, values), heads, values)


def _audited(typed: Typed, target: Network, heads: bool, values: bool) -> Audit:
    graph = target.graph
    if graph.input != typed.input and graph.input.channels == typed.input.channels and len(graph.input.shape) == 3:
        with suppress(SpecError):
            typed = at_size(typed.program, graph.input.image)
    found = audit(typed, graph, heads, inference=target.is_file)
    if not values:
        return found
    compared = compare_values(typed, found.spec, target, found.pairs)
    return replace(found, values=compared, notes=(*found.notes, *compared.notes))
