"""What of a module is structure: the columns that shape it, what a call leaves out, and the name for what differs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Final

from inception_dsl.diagnostics import Findings
from inception_dsl.elaborate.scope import Scope
from inception_dsl.ir import Body, Call, Join, Layer, Repeat, Sequence
from inception_dsl.names import from_column
from inception_dsl.spec import LAYERS, ModuleSpec
from inception_dsl.syntax.terms import Repeated, Scaled, Term, Use, own_values, walk
from inception_dsl.values import Scalar, Value, ValueFault, evaluate, names, substitute

MOST_NAMES: Final = 100


class Modules:
    """The modules of a spec, as far as structure goes."""

    def __init__(self, modules: Mapping[str, ModuleSpec], findings: Findings) -> None:
        self.modules = modules
        self.first: dict[str, Mapping[str, Scalar | None]] = {}
        self.structural = cache(self._structural)
        self.conditions = cache(self._conditions)
        cyclic: set[str] = set()
        for name, module in modules.items():
            if name not in cyclic and (cycle := self._cycle(name)):
                cyclic |= {*cycle}
                label = " -> ".join(f"`{each}`" for each in cycle) if len(cycle) > 2 else ""
                hint = "to repeat a module, write `3 of name` where it is used"
                findings.error("E208", f"the module `{name}` contains itself", module.origin, label, help=hint)
        if cyclic:
            findings.stop()  # nothing can be said of a network without end

    def structure(self, module: str, values: Mapping[str, Scalar | None], scope: Scope) -> tuple[object, ...]:
        """What distinguishes one template of a module from another, for a call with these values."""
        env = {**scope.values, **values}
        shaping = tuple(values.get(column) for column in sorted(self.structural(module)))
        return (*shaping, *(_is_empty(value, env) for value in self.conditions(module)))

    def name_structure(self, module: str, values: Mapping[str, Scalar | None], taken: Collection[str]) -> str:
        """A name for a template: the module's, and what differs from the first of its templates."""
        first = self.first.setdefault(module, dict(values))
        name = module
        for column in self.modules[module].columns:
            value = values.get(column)
            if column in self.structural(module) and value != first.get(column):
                name += f"_{value}" if isinstance(value, str) else f"_{from_column(column)}_{value}".replace(".", "_")
        if name in taken:
            for column in self.modules[module].columns:
                if not values.get(column, 1) and first.get(column):
                    name += f"_without_{from_column(column)}"
        unique, number = name, 2
        while unique in taken or (unique != module and unique in self.modules):
            unique, number = f"{name}_{number}", number + 1
        return unique

    def _structural(self, module: str) -> frozenset[str]:
        """The columns that shape a module: kernels, strides, words, counts, factors, here or in a module it calls."""
        found: set[str] = set()
        for term in walk(self.modules[module].graph.term):
            for value in self._shaping(term):
                found |= {name.name for name in names(value)}
        return frozenset(found & set(self.modules[module].columns))

    def _shaping(self, term: Term) -> Iterator[Value]:
        if isinstance(term, Scaled | Repeated):
            yield from own_values(term)
        if not isinstance(term, Use):
            return
        if isinstance(term.name, str) and term.name in self.modules:
            inner = self.structural(term.name)
            yield from (word.value for word in term.words if isinstance(word.value, Value) and word.text in inner)
            return
        open_values: list[object] = [term.width] if term.name in ("conv", "fc") else []
        open_values += [word.value for word in term.words if word.text == "groups"]
        yield from (value for value in own_values(term) if not any(value is each for each in open_values))

    def _conditions(self, module: str) -> tuple[Value, ...]:
        """The widths that decide which layers are left out, here and in the modules it calls, by its own columns."""
        found: dict[Value, None] = {}
        for term in walk(self.modules[module].graph.term):
            if not isinstance(term, Use):
                continue
            if isinstance(term.name, str) and term.name in self.modules:
                given = {word.text: word.value for word in term.words if isinstance(word.value, Value)}
                inner = (substitute(value, given) for value in self.conditions(term.name))
                found |= {value: None for value in inner if isinstance(value, Value) and _is_small(value)}
            else:
                found |= {value: None for value in own_values(term) if any(names(value))}
        return tuple(found)

    def _cycle(self, start: str) -> tuple[str, ...]:
        """The modules by which one calls itself, itself first and last; none where it does not."""
        seen: set[str] = set()
        ahead: list[tuple[str, ...]] = [(start,)]
        while ahead:
            path = ahead.pop()
            for term in walk(self.modules[path[-1]].graph.term):
                called = term.name if isinstance(term, Use) and isinstance(term.name, str) else ""
                if called == start:
                    return (*path, start)
                if called in self.modules and called not in seen and called not in LAYERS:
                    seen.add(called)
                    ahead.append((*path, called))
        return ()


def _is_small(value: Value) -> bool:
    """Whether a value is worth following: modules inside modules may multiply one beyond all measure."""
    return sum(1 for _ in names(value)) <= MOST_NAMES


def _is_empty(value: Value, env: Mapping[str, Scalar | None]) -> bool:
    try:
        return not evaluate(value, env)
    except ValueFault:  # it depends on `in`, or is told elsewhere
        return False


def used_names(body: Body) -> set[str]:
    """The open names in a body's widths."""
    match body:
        case Layer(ops):
            widths = [value for op in ops for value in vars(op).values() if isinstance(value, Value)]
        case Call(_, args):
            widths = [value for _, value in args if isinstance(value, Value)]
        case Sequence(parts) | Join(_, parts):
            return {name for part in parts for name in used_names(part.body)}
        case Repeat(_, inner):
            return used_names(inner)
        case _:
            return set()
    return {name.name for width in widths for name in names(width)}
