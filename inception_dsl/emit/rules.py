"""A backend is a table of rules, one for each op."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Generic, TypeVar, cast

from inception_dsl.diagnostics.codes.plugins import REMEDY, UNUSABLE_PLUGIN
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.ir.op import Op
from inception_dsl.spec.vocabulary import plugins

Emitted = TypeVar("Emitted")
Rule = TypeVar("Rule", bound=Callable[..., Any])


class Rules(dict[type[Op], Callable[..., Emitted]], Generic[Emitted]):
    """The rules of one backend, by class of op: those of `families`, and those registered later.

    A plugin's layer brings the rules of its op, by the name of the backend in lower case; what they return must be of
    one of the types `gives`, or a list of such. `default` is the rule of all other ops, for a backend that can write
    any op by its name. An op without a rule raises `LookupError`.
    """

    def __init__(
        self,
        backend: str,
        *families: Rules[Emitted],
        gives: tuple[type, ...] = (object,),
        default: Callable[..., Emitted] | None = None,
    ) -> None:
        super().__init__()
        self.backend = backend
        self.gives = gives
        self.default = default
        for family in families:
            self.update(family)

    def __call__(self, *ops: type[Op]) -> Callable[[Rule], Rule]:
        """Register the decorated function as the rule of `ops`."""

        def register(rule: Rule) -> Rule:
            self.update(dict.fromkeys(ops, rule))
            return rule

        return register

    def __contains__(self, op: object) -> bool:
        return super().__contains__(op) or (isinstance(op, type) and self._found(op) is not None)

    def __missing__(self, op: type[Op]) -> Callable[..., Emitted]:
        if found := self._found(op):
            return found
        raise LookupError(f"{self.backend} has no rule for `{op.name}`: write one and register it for `{op.__name__}`")

    def _found(self, op: type[Op]) -> Callable[..., Emitted] | None:
        found = plugins.rule(op, self.backend.casefold())
        return partial(self._checked, found) if found else self.default

    def _checked(self, rule: Callable[..., Emitted], op: Op, *place: Any) -> Emitted:
        """What the rule of a plugin returns. Raises `SpecError` E009 where a table of ours would not hold it."""
        written: Any = rule(op, *place)
        for part in written if isinstance(written, list) else [written]:
            if not isinstance(part, self.gives):
                expected = listing((kind.__name__ for kind in self.gives), "or")
                offer = plugins.plugin_of("layers", op.name)
                problem = f"its rule for {self.backend} returns a `{type(part).__name__}`, not {expected}"
                message = offer._replace(problem=problem).message if offer else problem
                raise SpecError([Diagnostic(UNUSABLE_PLUGIN, message, help=REMEDY)])
        return cast("Emitted", written)

    def missing(self, ops: Iterable[type[Op]]) -> tuple[str, ...]:
        """The names of the ops without a rule."""
        return tuple(op.name for op in ops if op not in self)
