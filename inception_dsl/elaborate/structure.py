"""Which settings shape the structure of a network: the others only set widths."""

from __future__ import annotations

from collections.abc import Iterator

from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.elaborate.modules import Modules
from inception_dsl.ir.values import Name, Value, names
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.syntax.terms import Use, value_names, walk


def shaping_settings(spec: NetworkSpec) -> frozenset[str]:
    """The settings in a kernel, stride, count, factor or word, in `defaults` or in `init`, directly or by a column."""
    modules = Modules(spec.modules, {}, Findings())
    shaping = {name.name for name in _shaping(spec, modules)}
    shaping |= {column for module in spec.modules for column in modules.structural(module)}
    cells = (value for row in spec.rows for column, value in row.args.items() if column in shaping)
    shaping |= {name.name for value in cells if isinstance(value, Value) for name in names(value)}
    return frozenset(shaping & spec.settings.keys())


def _shaping(spec: NetworkSpec, modules: Modules) -> Iterator[Name]:
    formulas = (
        *(row.layer.term for row in spec.rows),
        *(head.graph.term for head in spec.heads),
        *(module.graph.term for module in spec.modules.values()),
    )
    for formula in formulas:
        for term in walk(formula):
            for value in modules.shaping(term):
                yield from names(value)
    for words in (*spec.defaults.values(), *(spec.init.words.values() if spec.init else ())):
        yield from value_names(Use("", words=words))
