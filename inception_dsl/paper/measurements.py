"""What the formulas of claims measure: networks, as their specs or some settings make them, and parts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from functools import cache, cached_property
from typing import Final, NamedTuple, Protocol

from inception_dsl.analysis.cost import RowCost, cost
from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE
from inception_dsl.diagnostics.codes.paper import UNKNOWN_SUBJECT
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.ir.program import Body, Call, Column, Join, Program, Repeat, Sequence
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import Measurement, ValueFault
from inception_dsl.paper.verdicts import MEASURES

SIZE: Final = "size"
"""The setting of a measurement that is not the network's: the side of its images in pixels."""


class Subject(NamedTuple):
    """What is compiled for a measurement: a network, its settings by name, and the side of its images if another."""

    network: str
    settings: tuple[tuple[str, int | float], ...] = ()
    size: int | None = None


class Costed(Protocol):
    """What a network costs: by row and head, and the trunk."""

    @property
    def rows(self) -> Mapping[str, RowCost]:
        """The costs of its rows and heads, by name."""

    @property
    def trunk(self) -> RowCost:
        """The cost of its rows together."""


class Measured:
    """A network that is measured, and how it is costed."""

    def __init__(self, program: Program, count: Callable[[], Costed]) -> None:
        self.program = program
        self._count = count

    @classmethod
    def of(cls, typed: Typed) -> Measured:
        """A network that is counted when its cost is measured."""
        return cls(typed.program, lambda: cost(typed))

    @cached_property
    def cost(self) -> Costed:
        """What it costs."""
        return self._count()

    @cached_property
    def calls(self) -> Counter[str]:
        """How often its rows and heads call a module."""
        return _calls(self.program)


def subject(measurement: Measurement) -> Subject:
    """What a measurement is about. Raises `ValueFault` E207 for an image size that is none."""
    network, _, _ = measurement.place.name.partition(".")
    settings = {name: number.value for name, number in measurement.settings}
    size = settings.pop(SIZE, None)
    if size is not None and not (isinstance(size, int) and size > 0):
        at = dict(measurement.settings)[SIZE].at
        raise ValueFault(CANNOT_EVALUATE, f"an image has a whole number of pixels on a side, not {size}", at)
    return Subject(network, tuple(sorted(settings.items())), size)


def measure(measurement: Measurement, networks: Mapping[Subject, Measured], known: Collection[str]) -> Fraction:
    """The value of a measurement; `networks` are those that compile, `known` the names of all.

    Raises `ValueFault` E311 for an unknown network, row, head or module.
    """
    network, dot, part = measurement.place.name.partition(".")
    start, end = measurement.place.at
    measured = networks.get(subject(measurement))
    if measured is None:
        hint = did_you_mean(network, known) or f"a network is a spec in the folder of this file, `{network}.yaml`"
        raise _unknown(f"unknown network `{network}`", (start, start + len(network)), hint)
    at = (start + len(network) + len(dot), end)
    match measurement.measure:
        case "heads":
            if part:
                raise _unknown("`heads` counts those of a network", at, f"write `heads({network})`")
            return Fraction(len(measured.program.heads))
        case "calls":
            if part not in measured.calls:
                message = f"`{network}` has no module `{part}`" if part else "`calls` counts those of a module"
                modules = listing([*measured.calls]) or "no modules"
                raise _unknown(message, at, did_you_mean(part, measured.calls) or f"`{network}` calls {modules}")
            return Fraction(measured.calls[part])
        case name:
            rows = measured.cost.rows
            if part and part not in rows:
                hint = did_you_mean(part, rows) or f"`inception-dsl show` prints the rows of `{network}`"
                raise _unknown(f"`{network}` has no row `{part}`", at, hint)
            number = MEASURES[name].of(rows[part] if part else measured.cost.trunk, Column(name))
            assert not isinstance(number, TensorType)
            return Fraction(number)


def _unknown(message: str, at: tuple[int, int], hint: str) -> ValueFault:
    return ValueFault(UNKNOWN_SUBJECT, message, at, help=hint)


def _calls(program: Program) -> Counter[str]:
    """How often the rows and heads of a program call a module, repeats and the calls inside modules included."""

    def of(body: Body) -> Counter[str]:
        match body:
            case Sequence(parts) | Join(_, parts):
                return sum((of(part.body) for part in parts), Counter())
            case Repeat(count, repeated):
                return Counter({module: count * calls for module, calls in of(repeated).items()})
            case Call(template):
                return inside(template) + Counter([program.templates[template].module])
            case _:
                return Counter()

    @cache
    def inside(template: str) -> Counter[str]:
        return of(program.templates[template].body)

    return sum((of(entry.body) for entry in program.entries), Counter())
