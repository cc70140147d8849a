"""The costs of the variants of a spec: by a plan where one serves them, by the compiler where none does."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from inception_dsl import compiler
from inception_dsl.analysis.cost import Cost, cost
from inception_dsl.analysis.image_size import fixed_by
from inception_dsl.analysis.initializers import check_init
from inception_dsl.analysis.recipe_fit import check_recipe
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.elaborate.elaborate import elaborate
from inception_dsl.elaborate.structure import shaping_settings
from inception_dsl.ir.program import Program
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.tape import Tape
from inception_dsl.ir.values import Scalar
from inception_dsl.lower import lower
from inception_dsl.passes.pipeline import run_passes
from inception_dsl.spec.network import Base
from inception_dsl.spec.set_settings import with_settings
from inception_dsl.sweeps.plan import Memory, Plan, PlanCost
from inception_dsl.sweeps.replay import Invalid, NotThisStructure, TooLong

MOST_PLANS: Final = 100
"""The most structures whose plans are kept."""

MOST_FAILURES: Final = 10
"""How many variants of a structure may compile, and give no plan, until it is compiled for the others too."""

Values = Mapping[str, Scalar]
Structure = tuple[frozenset[tuple[str, Scalar]], Pair | None]
"""The settings whose values are fixed, with these, and the size of the image where it is not the network's own."""


@dataclass
class _Known:
    """The plan of a structure, or how many variants of it gave none."""

    plan: Plan | None = None
    failures: int = 0


class Costs:
    """The costs of a spec with some values of the settings in `varied`.

    Settings that shape the network have their values fixed in a plan, and so have those that leave a layer out; the
    others are free.
    """

    def __init__(self, base: Base, varied: tuple[str, ...]) -> None:
        self.base = base
        self.varied = varied
        self.shaping = shaping_settings(base.spec)
        self._memory = Memory()
        self._known: OrderedDict[Structure, _Known] = OrderedDict()

    def cost(self, settings: Values, image: Pair | None = None) -> PlanCost | CompiledCost:
        """The cost of one variant, at the size of its image or another. Raises `Invalid`."""
        if image == self.base.network.input.image:
            image = None
        if image is not None:
            self.cost(settings)  # a network is compiled at its own size first
        fixed = frozenset((name, settings[name]) for name in self.varied if name in self.shaping)
        while plan := self._known_at((fixed, image)).plan:
            try:
                return plan.cost(settings)
            except NotThisStructure as reason:
                if not (more := {(name, settings[name]) for name in reason.settings} - fixed):
                    break
                fixed |= more
        try:
            compiled = CompiledCost(*self.compile(settings, image))
        except SpecError:
            raise Invalid("") from None
        known = self._known_at((fixed, image))
        if known.plan is None and known.failures < MOST_FAILURES:
            known.plan = self._make(settings, fixed, image)
            known.failures += 1
        return compiled

    def compile(self, settings: Values, image: Pair | None = None) -> tuple[Program, Cost]:
        """Compile one variant, as `--set` and `--size` do, and count it. Raises `SpecError`."""
        spec = with_settings(self.base, {name: str(value) for name, value in settings.items()})
        typed = compiler.at_size(compiler.compile_spec(spec), image)
        return typed.program, cost(typed)

    def _known_at(self, structure: Structure) -> _Known:
        """What is known of a structure: at first a plan for the default values of the free settings, if they fit."""
        if structure not in self._known:
            if len(self._known) >= MOST_PLANS:
                self._known.popitem(last=False)
            fixed, image = structure
            self._known[structure] = _Known(self._make(dict(fixed), fixed, image))
        self._known.move_to_end(structure)
        return self._known[structure]

    def _make(self, settings: Values, fixed: Collection[tuple[str, Scalar]], image: Pair | None) -> Plan | None:
        """A plan for the settings that are not fixed; None where these values do not give one."""
        free = tuple(name for name in self.varied if name not in dict(fixed))
        spec = with_settings(self.base, {name: str(value) for name, value in settings.items()})
        tape = Tape()
        try:
            program = run_passes(elaborate(spec, free))
            typed = lower(program, image, tape)
            check_init(typed)
            check_recipe(program)
            constraint = fixed_by(program, image) if image else None
        except SpecError:
            return None
        try:
            return Plan(typed, tape, free, self._memory, constraint.node.row if constraint else "")
        except TooLong:
            return None


class CompiledCost:
    """The cost of one network that the compiler gives."""

    def __init__(self, program: Program, counted: Cost) -> None:
        self.program = program
        self.trunk, self.rows = counted.trunk, counted.rows
