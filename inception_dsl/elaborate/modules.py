"""The structure of modules: which columns shape a module, what a call leaves out, and the names of its templates."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from inception_dsl.diagnostics.codes.modules import RECURSIVE_MODULE
from inception_dsl.diagnostics.codes.yaml import NESTED_TOO_DEEPLY
from inception_dsl.diagnostics.diagnostic import Findings, Span
from inception_dsl.elaborate.size import MOST_LAYERS, TooLarge
from inception_dsl.ir.names import from_column
from inception_dsl.ir.op import Op
from inception_dsl.ir.values import Scalar, Value, ValueFault, evaluate, is_reference, names
from inception_dsl.spec.network import ModuleSpec
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.plugins import is_layer
from inception_dsl.spec.vocabulary.words import WORDS
from inception_dsl.syntax.algebra_errors import LEVELS
from inception_dsl.syntax.terms import Repeated, Scaled, Term, Use, children, levels, own_values, walk

KnownValues = Mapping[str, Scalar | None]
"""The known values of names; a column without one depends on `in`."""

_UNKNOWN: Final = object()
"""Stands for a value that depends on `in`."""


class _UseIn(NamedTuple):
    """A layer or call in a module: the counts of the repeats around it, and those of its values that have names."""

    counts: tuple[Value, ...]
    use: Use
    values: tuple[Value, ...]


class Modules:
    """The structure of the modules of a spec; `constants` are the names with one value everywhere.

    Raises `SpecError` E208 for a module that contains itself, E107 for modules that nest too deeply.
    """

    def __init__(self, modules: Mapping[str, ModuleSpec], constants: KnownValues, findings: Findings) -> None:
        self.modules = modules
        self.constants = constants
        self.findings = findings
        self.walked = 0
        self.first: dict[str, KnownValues] = {}
        self.names: Counter[str] = Counter()
        self.structural = cache(self._structural)
        self.weighted = cache(self._weighted)
        self.uses = cache(self._uses)
        self.numbers: dict[tuple[object, ...], int] = {}
        self.structures: dict[tuple[object, ...], int] = {}
        self.deep: dict[str, int] = {}
        for name in self._callees_first():
            term = modules[name].graph.term
            self.deep[name] = self._levels(term)
            if self.too_deep(name, term, modules[name].origin):
                findings.stop()  # all that call it are deeper still

    def too_deep(self, name: str, term: Term, origin: Span) -> bool:
        """Whether the formula of `name` nests too deeply with the modules it calls; E107 where it does."""
        if (deep := self._levels(term)) > LEVELS:
            message = f"`{name}` nests {deep} levels deep with the modules it calls; the limit is {LEVELS}"
            self.findings.error(NESTED_TOO_DEEPLY, message, origin, help="inline the innermost modules")
        return deep > LEVELS

    def _levels(self, term: Term) -> int:
        return max(level + self.deep.get(_name(use), 0) for level, use in levels(term))

    def structure(self, module: str, values: KnownValues) -> int:
        """A number for the template of a call with these values; calls that differ only in widths have the same.

        Raises `TooLarge` where the modules called so far, each with its values, exceed the limit on layers.
        """
        key = (module, *(values.get(column, _UNKNOWN) for column in self.modules[module].columns))
        if key in self.numbers:
            return self.numbers[key]
        env = ChainMap({**values}, {**self.constants})
        uses = self.uses(module)
        self.walked += len(uses)  # each of these is at least one layer of the network
        if self.walked > MOST_LAYERS:
            raise TooLarge
        parts: list[object] = [
            module,
            *(values.get(column, _UNKNOWN) for column in sorted(self.structural(module))),
        ]
        for counts, use, own in uses:
            if any(_is_empty(count, env) for count in counts):
                continue
            if _name(use) in self.modules:
                parts.append(self.structure(_name(use), _given(use, env)))
            else:
                parts += [_is_empty(value, env) for value in own]
        number = self.structures.setdefault(tuple(parts), len(self.structures))
        self.numbers[key] = number
        return number

    def name_structure(self, module: str, values: KnownValues, taken: Collection[str]) -> str:
        """A name for a template: the module's name, and how it differs from the first template of the module."""
        first = self.first.setdefault(module, dict(values))
        name = module
        for column in self.modules[module].columns:
            value = values.get(column)
            if column in self.structural(module) and value != first.get(column):
                named = from_column(column)
                other = f"without_{named}" if value is None else f"{named}_{value}".replace(".", "_")
                word = f"{named}_given" if is_reference(value) else value
                name += f"_{word if isinstance(word, str) else other}"
        if name in taken:
            for column in self.modules[module].columns:
                if not values.get(column, 1) and first.get(column):
                    name += f"_without_{from_column(column)}"
        unique = name
        while unique in taken or (unique != module and unique in self.modules):
            self.names[name] += 1
            unique = f"{name}_{self.names[name] + 1}"
        return unique

    def has_weights(self, term: Term) -> bool:
        """Whether a layer in a term, or in a module it calls, has weights."""
        uses = [_name(use) for use in walk(term) if isinstance(use, Use)]
        layers = [LAYERS[name] for name in uses if name not in self.modules and is_layer(name)]
        if any(op.weights is not Op.weights for layer in layers for op in layer.ops):
            return True
        return any(self.weighted(name) for name in uses if name in self.modules)

    def _weighted(self, module: str) -> bool:
        return self.has_weights(self.modules[module].graph.term)

    def _structural(self, module: str) -> frozenset[str]:
        """The columns that shape a module: kernels, strides, words, counts, factors, here or in a module it calls."""
        found: set[str] = set()
        for term in walk(self.modules[module].graph.term):
            for value in self.shaping(term):
                found |= {name.name for name in names(value)}
        return frozenset(found & set(self.modules[module].columns))

    def shaping(self, term: Term) -> Iterator[Value]:
        """The values directly in a term that shape the structure, as widths do not."""
        if isinstance(term, Scaled | Repeated):
            yield from own_values(term)
        if not isinstance(term, Use):
            return
        if isinstance(term.name, str) and term.name in self.modules:
            inner = self.structural(term.name)
            yield from (word.value for word in term.words if isinstance(word.value, Value) and word.text in inner)
            return
        number = LAYERS[term.name].number if isinstance(term.name, str) and is_layer(term.name) else None
        widths: list[object] = [term.width] if number and number.symbolic else []
        widths += [word.value for word in term.words if word.text in WORDS and WORDS[word.text].value == "width"]
        yield from (value for value in own_values(term) if not any(value is width for width in widths))

    def _uses(self, module: str) -> tuple[_UseIn, ...]:
        """The layers and calls in a module's graph."""
        found: list[_UseIn] = []
        ahead: list[tuple[tuple[Value, ...], Term]] = [((), self.modules[module].graph.term)]
        while ahead:
            counts, term = ahead.pop()
            if isinstance(term, Use):
                found.append(_UseIn(counts, term, tuple(value for value in own_values(term) if any(names(value)))))
            within = (*counts, term.count) if isinstance(term, Repeated) else counts
            ahead += [(within, inner) for inner in children(term)]
        return tuple(found)

    def _calls(self, module: str) -> dict[str, None]:
        """The modules that a module calls."""
        return dict.fromkeys(
            name for _, use in levels(self.modules[module].graph.term) if (name := _name(use)) in self.modules
        )

    def _callees_first(self) -> list[str]:
        """The modules, callees before callers. Raises `SpecError` E208 where one contains itself."""
        order: dict[str, None] = {}
        cyclic: set[str] = set()
        for start in self.modules:
            path = {} if start in order else {start: iter(self._calls(start))}
            while path:
                name, calls = next(reversed(path.items()))
                called = next(calls, None)
                if called is None:
                    path.popitem()
                    order[name] = None
                elif called in path:
                    cycle = [*path][[*path].index(called) :]
                    if not cyclic.intersection(cycle):
                        self._report_cycle(cycle)
                    cyclic.update(cycle)
                elif called not in order:
                    path[called] = iter(self._calls(called))
        if cyclic:
            self.findings.stop()  # the network would be infinite
        return [*order]

    def _report_cycle(self, cycle: list[str]) -> None:
        first = min(range(len(cycle)), key=lambda i: [*self.modules].index(cycle[i]))
        named = [*cycle[first:], *cycle[: first + 1]]
        label = " -> ".join(f"`{name}`" for name in named) if len(named) > 2 else ""
        hint = "to repeat a module, write `3 of name` where it is used"
        message, place = f"the module `{named[0]}` contains itself", self.modules[named[0]].origin
        self.findings.error(RECURSIVE_MODULE, message, place, label, help=hint)


def _name(use: Term) -> str:
    """The word of a layer or call; empty where a value names it, and for a reference."""
    return use.name if isinstance(use, Use) and isinstance(use.name, str) else ""


def _given(use: Use, env: Mapping[str, Scalar | None]) -> KnownValues:
    """The arguments of a call whose values are known."""
    given: dict[str, Scalar | None] = {}
    for word in use.words:
        try:
            if isinstance(word.value, str | Value):
                given[word.text] = evaluate(word.value, env)
        except ValueFault:  # it depends on `in`, or is reported elsewhere
            continue
    return given


def _is_empty(value: Value, env: Mapping[str, Scalar | None]) -> bool:
    if any(env.get(name.name, name) is None for name in names(value)):
        return True
    try:
        return not evaluate(value, env)
    except ValueFault:  # it depends on `in`, or is reported elsewhere
        return False
