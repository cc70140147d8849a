"""A backend is a table of rules, one for each op."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from inception_dsl.ir.op import Op

Emitted = TypeVar("Emitted")
Rule = TypeVar("Rule", bound=Callable[..., Any])


class Rules(dict[type[Op], Callable[..., Emitted]], Generic[Emitted]):
    """The rules of one backend, by class of op: those of `families`, and those registered later.

    An op without a rule raises `LookupError`.
    """

    def __init__(self, backend: str, *families: Rules[Emitted]) -> None:
        super().__init__()
        self.backend = backend
        for family in families:
            self.update(family)

    def __call__(self, *ops: type[Op]) -> Callable[[Rule], Rule]:
        """Register the decorated function as the rule of `ops`."""

        def register(rule: Rule) -> Rule:
            self.update(dict.fromkeys(ops, rule))
            return rule

        return register

    def __missing__(self, op: type[Op]) -> Callable[..., Emitted]:
        raise LookupError(f"{self.backend} has no rule for `{op.name}`: write one and register it for `{op.__name__}`")

    def missing(self, ops: Iterable[type[Op]]) -> tuple[str, ...]:
        """The names of the ops without a rule."""
        return tuple(op.name for op in ops if op not in self)
