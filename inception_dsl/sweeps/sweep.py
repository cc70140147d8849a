"""A sweep: every combination of some values of a spec's settings, costed in this process."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, NamedTuple

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.values import Scalar
from inception_dsl.spec.network import Base
from inception_dsl.sweeps import axes as axes_of
from inception_dsl.sweeps.axes import Axis
from inception_dsl.sweeps.costs import Costs
from inception_dsl.sweeps.formulas import Objective, at_most, condition
from inception_dsl.sweeps.pareto import Front
from inception_dsl.sweeps.replay import Invalid
from inception_dsl.sweeps.variant import Variant, shown

STEP: Final = 1000
"""The combinations between two calls of `progress`."""

Values = str | Iterable[float | str]
Size = int | Pair


@dataclass
class Counts:
    """What a sweep has found so far: combinations that compile, and those of them that satisfy the conditions.

    `invalid` counts the combinations that do not compile by the row where costing stopped ("" where that is unknown),
    each with the first of them.
    """

    valid: int = 0
    kept: int = 0
    invalid: dict[str, tuple[int, tuple[Scalar | Pair, ...]]] = field(default_factory=dict)


class Reason(NamedTuple):
    """Why some combinations are not valid: the row where costing stopped, and what `check` reports of the first."""

    row: str
    variants: int
    first: tuple[Scalar | Pair, ...]
    diagnostics: tuple[Diagnostic, ...]


class Sweep:
    """The variants of a spec for all combinations of some values; the first axis varies slowest.

    Iterating gives the variants that compile and satisfy all conditions, one by one: none is kept in memory.
    """

    def __init__(
        self,
        path: str,
        base: Base,
        axes: Sequence[Axis],
        conditions: Sequence[Callable[[Variant], bool]] = (),
        objectives: Sequence[Objective] = (),
    ) -> None:
        spec = base.spec
        axes_of.check_axes(spec, axes)
        self.path, self.spec, self.axes = path, spec, tuple(axes)
        self.conditions = tuple(conditions)
        self.objectives = tuple(objectives) or (
            Objective(spec, "params", maximise=True),
            Objective(spec, "ops"),
            Objective(spec, "activations"),
        )
        self.names = tuple(axis.name for axis in axes)
        self._costs = Costs(base, tuple(axis.name for axis in axes if not axis.is_size))

    def __len__(self) -> int:
        """Return the number of combinations."""
        return math.prod(len(axis.values) for axis in self.axes)

    def __iter__(self) -> Iterator[Variant]:
        """Iterate over the variants."""
        return self.variants(Counts())

    def variants(self, counts: Counts, progress: Callable[[int], None] = lambda done: None) -> Iterator[Variant]:
        """The variants, counted in `counts`; `progress` is called now and then with the combinations so far."""
        sized = next((i for i, axis in enumerate(self.axes) if axis.is_size), None)
        names, conditions, cost = self.names, self.conditions, self._costs.cost
        for done, values in enumerate(itertools.product(*(axis.values for axis in self.axes))):
            if done % STEP == 0:
                progress(done)
            settings: dict[str, Any] = dict(zip(names, values, strict=True))
            image = None if sized is None else settings.pop(names[sized])
            try:
                variant = Variant(names, values, cost(settings, image))
            except Invalid as reason:
                number, first = counts.invalid.get(reason.row, (0, values))
                counts.invalid[reason.row] = number + 1, first
                continue
            counts.valid += 1
            if all(holds(variant) for holds in conditions):
                counts.kept += 1
                yield variant

    def front(self, variants: Iterable[Variant] | None = None) -> list[Variant]:
        """The Pareto front of all variants, or of some: those that none beats in the objectives, which may be one."""
        front = self.collector()
        for variant in self if variants is None else variants:
            front.add(variant)
        return front.items()

    def collector(self) -> Front[Variant]:
        """An empty front, to which variants are added one by one."""
        signs = [(-1 if objective.maximise else 1, objective) for objective in self.objectives]
        return Front(lambda variant: tuple([sign * objective.value(variant) for sign, objective in signs]))

    def scores(self, variant: Variant) -> list[int | float]:
        """The objectives of a variant, in their order."""
        values = [objective.value(variant) for objective in self.objectives]
        return [int(value) if value == int(value) else float(value) for value in values]

    def label(self, values: Sequence[Scalar | Pair]) -> str:
        """A combination in a word for people: `width=0.5, depth=2`."""
        return ", ".join(f"{name}={shown(value)}" for name, value in zip(self.names, values, strict=True))

    def split(self, values: Sequence[Scalar | Pair]) -> tuple[dict[str, Scalar], Pair | None]:
        """The settings of a combination, and the size of its image, if that is varied."""
        settings: dict[str, Any] = dict(zip(self.names, values, strict=True))
        image = next((settings.pop(axis.name) for axis in self.axes if axis.is_size), None)
        return settings, image

    def reasons(self, counts: Counts) -> list[Reason]:
        """Why some combinations are not valid, the most frequent reason first."""
        found = []
        for row, (variants, first) in counts.invalid.items():
            try:
                self._costs.compile(*self.split(first))
            except SpecError as error:
                found.append(Reason(row, variants, first, error.diagnostics))
        return sorted(found, key=lambda reason: -reason.variants)


def sweep(
    path: str | os.PathLike[str],
    settings: Mapping[str, Values],
    sizes: str | Iterable[Size | str] = (),
    *,
    where: Iterable[str] = (),
    max_params: float | Fraction | None = None,
    max_macs: float | Fraction | None = None,
    max_activations: float | Fraction | None = None,
    minimise: Iterable[str] = (),
    maximise: Iterable[str] = (),
    outside: bool = False,
) -> Sweep:
    """The variants of a spec file, or a built-in spec, for all combinations of values of its settings and image sizes.

    Values are a list, or a text such as `0.25:2:0.05`. `where` are comparisons of formulas (`params / ops > 0.01`). The
    objectives of the front are most `params`, least `ops` and least `activations`, unless `minimise` or `maximise` give
    others. `outside` lets the spec extend files outside its folder. Raises `SpecError`.

    >>> import inception_dsl as idsl
    >>> found = idsl.sweep("builtin:mobilenet_v1", {"width": "0.25:1:0.25"}, max_macs=400e6)
    >>> len(found), [variant.settings["width"] for variant in found.front()]
    (4, [0.75, 0.5, 0.25])
    """
    spec = compiler.load(os.fspath(path), outside=outside)
    texts = {
        name: axes_of.expand(name, values) if isinstance(values, str) else [str(value) for value in values]
        for name, values in settings.items()
    }
    base = compiler.as_base(spec)
    axes = [*axes_of.setting_axes(base, texts)]
    sides = axes_of.expand("size", sizes) if isinstance(sizes, str) else [shown(size) for size in sizes]
    if sides:
        axes.append(axes_of.size_axis(sides))
    limits = {"params": max_params, "ops": max_macs, "activations": max_activations}
    conditions = [condition(spec, text) for text in where]
    conditions += [at_most(measure, most) for measure, most in limits.items() if most is not None]
    objectives = [Objective(spec, text) for text in minimise] + [
        Objective(spec, text, maximise=True) for text in maximise
    ]
    return Sweep(os.fspath(path), base, axes, conditions, objectives)
