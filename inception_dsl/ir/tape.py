"""How a network was lowered: the steps that bound its widths, so that they can be repeated with other numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from inception_dsl.ir.op import Op
from inception_dsl.ir.program import Call
from inception_dsl.ir.values import Width


class Entered(NamedTuple):
    """A call before some `node`: arguments of the `outer` scope bind the names of a `scope`.

    `arriving` is the node that it reads.
    """

    node: int
    scope: int
    outer: int
    args: tuple[tuple[str, Width], ...]
    arriving: int


class Placed(NamedTuple):
    """An op as its template has it, which became a `node`; `arriving` is the node that its layer reads."""

    node: int
    op: Op
    scope: int
    arriving: int


class Tape:
    """The steps of one lowering, in order. Scope 0 is that of the rows and heads; -1 is the network's input."""

    def __init__(self) -> None:
        self.steps: list[Entered | Placed] = []
        self._scopes: dict[int, tuple[int, Mapping[str, Any]]] = {}

    def enter(self, call: Call, outer: Mapping[str, Any], bound: Mapping[str, Any], arriving: int, node: int) -> None:
        """Record a call; `outer` and `bound` are the values of names outside and inside, `node` the next one."""
        scope = self._scope(outer)
        self.steps.append(Entered(node, self._scope(bound), scope, call.args, arriving))

    def place(self, op: Op, env: Mapping[str, Any], arriving: int, node: int) -> None:
        """Record an op, not yet bound to the values of names."""
        self.steps.append(Placed(node, op, self._scope(env), arriving))

    def _scope(self, env: Mapping[str, Any]) -> int:
        """The number of a mapping, which is kept so that no other one gets its identity."""
        return self._scopes.setdefault(id(env), (len(self._scopes), env))[0]
