"""The invariants of the trees, which every pass and the lowering must keep."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from inception_dsl.ir.dataflow import references
from inception_dsl.ir.program import Body, Call, Join, Layer, Program, Reference, Repeat, Sequence, Template
from inception_dsl.ir.shapes import Weight
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import MODULE_IN, Value, names


class InternalError(Exception):
    """A bug in the compiler, never an error in the spec."""


def verify_program(program: Program) -> Program:
    """Check a program and return it: calls bind the parameters of their templates, and no other name is free.

    Templates come before their callers, rows and heads have different names, and every head leaves after a row. Raises
    `InternalError`.
    """
    known: dict[str, Template] = {}
    bound_at_lowering = {"in", *program.env}
    for name, template in program.templates.items():
        _verify_body(template.body, known, {*template.params, *bound_at_lowering, MODULE_IN}, name)
        given = {reference.name for reference in _read(template.body, "argument")}
        _require(given <= {*template.tensors}, f"{name} reads {given}, beside {template.tensors}")
        known[name] = template
    for entry in program.entries:
        _verify_body(entry.body, known, bound_at_lowering, entry.name)
        _require(not any(_read(entry.body, "argument")), f"{entry.name} reads an argument of a module")
    entries = [entry.name for entry in program.entries]
    _require(len(entries) == len({*entries}), "two rows or heads share a name")
    rows = {row.name for row in program.rows}
    _require(all(head.source in rows for head in program.heads), "a head leaves after no row")
    return program


def _verify_body(body: Body, known: dict[str, Template], free_names: Collection[str], where: str) -> None:
    match body:
        case Layer(ops, tensors):
            _require(bool(ops), f"{where} has a layer without ops")
            read = tuple(name for name, _ in tensors)
            _require(read == ops[0].operands, f"{where} gives {ops[0].name} {read}, not {ops[0].operands}")
            for op in ops:
                _verify_widths(vars(op).values(), free_names, where)
        case Call(template, args, tensors):
            _require(template in known, f"{where} calls {template}, which does not come before it")
            given = tuple(param for param, _ in args)
            passed = tuple(name for name, _ in tensors)
            wanted = (known[template].params, known[template].tensors)
            _require((given, passed) == wanted, f"{where} gives {template} {given} and {passed}, not {wanted}")
            _verify_widths((width for _, width in args), free_names, where)
        case Sequence(parts) | Join(_, parts):
            for part in parts:
                _verify_body(part.body, known, free_names, where)
        case Repeat(count, inner):
            _require(count > 0, f"{where} repeats nothing")
            _verify_body(inner, known, free_names, where)
        case _:
            pass


def _read(body: Body, kind: str) -> Iterator[Reference]:
    """The references of a kind in a body."""
    return (found for found in references(body) if isinstance(found, Reference) and found.kind == kind)


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
    names: set[str] = set()
    weights: dict[str, Weight] = {}
    for index, node in enumerate(typed.nodes):
        where = "/".join(node.path)
        _require(all(-1 <= i < index for i in node.inputs), f"{where} reads a later node")
        read = tuple(typed.nodes[i].out if i >= 0 else typed.input for i in node.inputs)
        _require(node.types == read, f"{where} takes {node.types}, and its inputs give {read}")
        _require(node.op.infer(*node.types) == node.out, f"{where} gives {node.out}, and its op infers otherwise")
        _require(node.name not in names, f"two nodes are called {node.name}")
        shared = weights.keys() & node.weights
        _require(bool(shared) <= (node.use > 1), f"{where} has weights that another node has")
        _require(all(weights[name] == node.weights[name] for name in shared), f"{where} shares weights of other shapes")
        names.add(node.name)
        weights.update(node.weights)
    for name in (*typed.trunk, *typed.heads):
        _require(typed.ends.get(name, -2) >= -1, f"`{name}` has no end")
    return typed


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InternalError(message)
