"""The trees' own invariants: what every pass and the lowering must keep, whatever the spec says."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from inception_dsl.ir.program import Body, Call, Join, Layer, Program, Repeat, Sequence
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import Value, names

BOUND_AT_LOWERING = frozenset({"in", "classes"})
"""Names that any width may use: they are known when the network is lowered."""


class InternalError(Exception):
    """The compiler broke its own rules: a bug here, never a fault of the spec."""


def verify_program(program: Program) -> Program:
    """Check a program and give it back: calls fill what their templates leave open, and nothing else is open.

    Templates come before those that call them, rows and heads have names of their own, and heads leave after a row.
    Raises `InternalError`.
    """
    known: dict[str, tuple[str, ...]] = {}
    for name, template in program.templates.items():
        _verify_body(template.body, known, {*template.params, *BOUND_AT_LOWERING}, name)
        known[name] = template.params
    for each in program.entries:
        _verify_body(each.body, known, BOUND_AT_LOWERING, each.name)
    entries = [each.name for each in program.entries]
    _hold(len(entries) == len({*entries}), "two rows or heads share a name")
    rows = {row.name for row in program.rows}
    _hold(all(head.source in rows for head in program.heads), "a head leaves after no row")
    return program


def _verify_body(body: Body, known: dict[str, tuple[str, ...]], open_names: Collection[str], where: str) -> None:
    match body:
        case Layer(ops):
            _hold(bool(ops), f"{where} has a layer without ops")
            for op in ops:
                _verify_widths(vars(op).values(), open_names, where)
        case Call(template, args):
            _hold(template in known, f"{where} calls {template}, which does not come before it")
            given = tuple(param for param, _ in args)
            _hold(given == known[template], f"{where} gives {template} {given}, not {known[template]}")
            _verify_widths((width for _, width in args), open_names, where)
        case Sequence(parts) | Join(_, parts):
            for part in parts:
                _verify_body(part.body, known, open_names, where)
        case Repeat(count, inner):
            _hold(count > 0, f"{where} repeats nothing")
            _verify_body(inner, known, open_names, where)
        case _:
            pass


def _verify_widths(widths: Iterable[object], open_names: Collection[str], where: str) -> None:
    for width in widths:
        if isinstance(width, Value):
            unknown = {name.name for name in names(width)} - {*open_names}
            _hold(not unknown, f"{where} leaves {unknown} open")


def verify(typed: Typed) -> Typed:
    """Check a lowered network and give it back: order, shapes, names and ends.

    Every node reads earlier ones, its types are theirs, its output is what its op infers, no two nodes or weights share
    a name, and every row and head has an end. Raises `InternalError`.
    """
    paths: set[tuple[str, ...]] = set()
    weights: set[str] = set()
    for index, node in enumerate(typed.nodes):
        where = "/".join(node.path)
        _hold(all(-1 <= i < index for i in node.inputs), f"{where} reads a later node")
        read = tuple(typed.nodes[i].out if i >= 0 else typed.input for i in node.inputs)
        _hold(node.types == read, f"{where} takes {node.types}, and its inputs give {read}")
        _hold(node.op.infer(*node.types) == node.out, f"{where} gives {node.out}, and its op infers otherwise")
        _hold(node.path not in paths, f"two nodes are called {where}")
        _hold(weights.isdisjoint(node.weights), f"{where} has weights that another node has")
        paths.add(node.path)
        weights.update(node.weights)
    for name in (*typed.trunk, *typed.heads):
        _hold(typed.ends.get(name, -2) >= -1, f"`{name}` has no end")
    return typed


def _hold(fact: bool, otherwise: str) -> None:
    if not fact:
        raise InternalError(otherwise)
