"""The trees' own invariants: what every pass and the lowering must keep, whatever the spec says."""

from __future__ import annotations

from inception_dsl.ir import Typed


class InternalError(Exception):
    """The compiler broke its own rules: a bug here, never a fault of the spec."""


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
