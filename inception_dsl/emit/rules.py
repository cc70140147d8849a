"""A backend is a table: for every op, the rule that spells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from inception_dsl.ir.op import Op

Spelled = TypeVar("Spelled")
Rule = TypeVar("Rule", bound=Callable[..., Any])


class Rules(dict[type[Op], Callable[..., Spelled]], Generic[Spelled]):
    """The rules of one backend, by class of op; raises `LookupError` for an op that has none."""

    def __init__(self, backend: str) -> None:
        super().__init__()
        self.backend = backend

    def __call__(self, *ops: type[Op]) -> Callable[[Rule], Rule]:
        """Enter the decorated function as the rule of `ops`."""

        def enter(rule: Rule) -> Rule:
            self.update(dict.fromkeys(ops, rule))
            return rule

        return enter

    def __missing__(self, op: type[Op]) -> Callable[..., Spelled]:
        raise LookupError(f"{self.backend} has no rule for `{op.name}`: write one under `@rules({op.__name__})`")

    def missing(self, ops: Iterable[type[Op]]) -> tuple[str, ...]:
        """The names of the ops it has no rule for."""
        return tuple(op.name for op in ops if op not in self)
