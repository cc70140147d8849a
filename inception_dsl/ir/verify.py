"""The invariants of the trees, which every pass and the lowering must keep."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from inception_dsl.ir.program import Body, Call, Join, Layer, Program, Repeat, Sequence
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import MODULE_IN, Value, names

BOUND_AT_LOWERING = frozenset({"in", "classes"})
"""Names that every width may use: lowering binds them."""


class InternalError(Exception):
    """A bug in the compiler, never an error in the spec."""


def verify_program(program: Program) -> Program:
    """Check a program and return it: calls bind the parameters of their templates, and no other name is free.

    Templates come before their callers, rows and heads have different names, and every head leaves after a row. Raises
    `InternalError`.
    """
    known: dict[str, tuple[str, ...]] = {}
    for name, template in program.templates.items():
        _verify_body(template.body, known, {*template.params, *BOUND_AT_LOWERING, MODULE_IN}, name)
        known[name] = template.params
    for entry in program.entries:
        _verify_body(entry.body, known, BOUND_AT_LOWERING, entry.name)
    entries = [entry.name for entry in program.entries]
    _require(len(entries) == len({*entries}), "two rows or heads share a name")
    rows = {row.name for row in program.rows}
    _require(all(head.source in rows for head in program.heads), "a head leaves after no row")
    return program


def _verify_body(body: Body, known: dict[str, tuple[str, ...]], free_names: Collection[str], where: str) -> None:
    match body:
        case Layer(ops):
            _require(bool(ops), f"{where} has a layer without ops")
            for op in ops:
                _verify_widths(vars(op).values(), free_names, where)
        case Call(template, args):
            _require(template in known, f"{where} calls {template}, which does not come before it")
            given = tuple(param for param, _ in args)
            _require(given == known[template], f"{where} gives {template} {given}, not {known[template]}")
            _verify_widths((width for _, width in args), free_names, where)
        case Sequence(parts) | Join(_, parts):
            for part in parts:
                _verify_body(part.body, known, free_names, where)
        case Repeat(count, inner):
            _require(count > 0, f"{where} repeats nothing")
            _verify_body(inner, known, free_names, where)
        case _:
            pass


def _verify_widths(widths: Iterable[object], free_names: Collection[str], where: str) -> None:
    for width in widths:
        if isinstance(width, Value):
            unknown = {name.name for name in names(width)} - {*free_names}
            _require(not unknown, f"{where} uses {unknown}, which nothing binds")


def verify(typed: Typed) -> Typed:
    """Check a lowered network and return it: order, shapes, names and ends.

    Every node reads earlier nodes and has their output types, its output is what its op infers, no two nodes or weights
    share a name, and every row and head has an end. Raises `InternalError`.
    """
    paths: set[tuple[str, ...]] = set()
    weights: set[str] = set()
    for index, node in enumerate(typed.nodes):
        where = "/".join(node.path)
        _require(all(-1 <= i < index for i in node.inputs), f"{where} reads a later node")
        read = tuple(typed.nodes[i].out if i >= 0 else typed.input for i in node.inputs)
        _require(node.types == read, f"{where} takes {node.types}, and its inputs give {read}")
        _require(node.op.infer(*node.types) == node.out, f"{where} gives {node.out}, and its op infers otherwise")
        _require(node.path not in paths, f"two nodes are called {where}")
        _require(weights.isdisjoint(node.weights), f"{where} has weights that another node has")
        paths.add(node.path)
        weights.update(node.weights)
    for name in (*typed.trunk, *typed.heads):
        _require(typed.ends.get(name, -2) >= -1, f"`{name}` has no end")
    return typed


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InternalError(message)
