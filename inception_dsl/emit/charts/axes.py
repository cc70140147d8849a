"""Axes: their range, linear or logarithmic, and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

Form = Callable[[float], str]
"""How the numbers of an axis are written."""

WIDE: Final = 30
"""How many times the median the largest number is where an axis of a curve becomes logarithmic."""

LEAST: Final = 1e-4
"""The shortest axis, as a part of its largest number, so that neighbouring ticks have different numbers."""

ALONE: Final = 0.1
"""The margin of a number that is alone, as a part of it."""


UNITS: Final = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


def plain(value: float) -> str:
    """`0.05`, `1e-07`."""
    return f"{value:.6g}"


def whole(value: float) -> str:
    """`20,000`."""
    return f"{value:,.0f}"


def short(value: float) -> str:
    """A number as papers print it: `1.5B`, `600M`."""
    unit, suffix = next(((unit, suffix) for unit, suffix in UNITS if abs(value) >= unit), (1, ""))
    return f"{value / unit:.6g}{suffix}"


def rounded(value: int) -> str:
    """A whole number with three digits: `7.00M`."""
    unit, suffix = next(((unit, suffix) for unit, suffix in UNITS if value >= unit * 0.9995), (1, ""))
    digits = f"{value / unit:#.3g}".rstrip(".") if suffix and value < unit * 999.5 else f"{value // unit:,}"
    return f"{digits}{suffix}"


def percent(value: float) -> str:
    """A fraction in percent, with as many digits as it has."""
    return f"{100 * value:.6g}%"


TINY: Final = 1e-100


@dataclass(frozen=True)
class Axis:
    """A range of numbers, where `low` < `high`, and 0 < `low` on a logarithmic axis."""

    low: float
    high: float
    label: str = ""
    form: Form = plain
    log: bool = False
    integral: bool = False
    """Whether the numbers between integers mean nothing."""

    def part(self, value: float) -> float:
        """Where a number stands: 0 at `low`, 1 at `high`."""
        low, high, at = (math.log10(x) if self.log else x for x in (self.low, self.high, value))
        return (at - low) / (high - low)

    def ticks(self, most: int) -> list[float]:
        """About `most` round numbers in the range, at least two, whose texts differ."""
        if self.log:
            for factors in ((1, 2, 5), (1, 3), (1,)):
                found = [*_powers(self.low, self.high, factors)]
                if 2 <= len(found) <= most:
                    return found
            if len(found) > most:  # of powers of ten: every second, every third, ...
                return found[:: math.ceil(len(found) / most)]
        return self._steps(most)

    def _steps(self, most: int) -> list[float]:
        """The multiples of 1, 2 or 5 times a power of ten, at most `most` + 1 of them where there are two."""
        power = math.floor(math.log10(self.high - self.low))
        found: list[float] = []
        for step in (factor * 10.0**exponent for exponent in range(power, power - 3, -1) for factor in (5, 2, 1)):
            first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
            if (len(found) >= 2 and last - first > most) or (self.integral and step < 1):
                break
            found = [float(f"{number * step:.12g}") for number in range(first, last + 1)]
        return found


def _powers(low: float, high: float, factors: tuple[int, ...]) -> Iterator[float]:
    """The factors times powers of ten, in a range."""
    for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for factor in factors:
            if low <= (value := float(f"{factor}e{exponent}")) <= high:
                yield value


def around(values: Iterable[float], label: str = "", form: Form = plain, margin: float = 0.08) -> Axis:
    """An axis with all finite numbers and a margin."""
    low, high = _extent(values)
    return _axis(low, high, label, form, margin)


def from_zero(values: Iterable[float], label: str = "", form: Form = plain, margin: float = 0.06) -> Axis:
    """An axis with 0 and all finite numbers; the margin is at the ends other than 0."""
    low, high = _extent([*values, 0.0])
    if low == high:
        return Axis(0, 1, label, form)
    return Axis(low * (1 + margin), high * (1 + margin), label, form)


def costs(values: Iterable[float], label: str = "", form: Form = short) -> Axis:
    """An axis of costs, with a margin: logarithmic where they are far apart."""
    low, high = _extent(values)
    if low <= 0 or high <= 4 * low:
        return _axis(low, high, label, form, 0.12)
    spare = (high / low) ** 0.08
    return Axis(low / spare, high * spare, label, form, log=True)


def losses(values: Iterable[float], label: str = "") -> Axis:
    """An axis of a curve: from 0, or logarithmic where a few large numbers would flatten the others."""
    finite = _finite(values)
    if finite and finite[0] > 0 and finite[-1] > WIDE * finite[len(finite) // 2]:
        spare = (finite[-1] / finite[0]) ** 0.05
        return Axis(finite[0] / spare, finite[-1] * spare, label, log=True)
    return from_zero(finite, label)


def _extent(values: Iterable[float]) -> tuple[float, float]:
    finite = _finite(values) or [0.0]
    low, high = finite[0], finite[-1]
    if max(-low, high) < 1e10 * TINY:  # numbers that are as good as 0 would lie outside such a short axis
        return 0.0, 0.0
    return low, high


def _finite(values: Iterable[float]) -> list[float]:
    """The finite numbers, sorted; those that are as good as 0 are 0."""
    return sorted(value if abs(value) > TINY else 0.0 for value in values if math.isfinite(value))


def _axis(low: float, high: float, label: str, form: Form, margin: float) -> Axis:
    least = (ALONE if low == high else LEAST) * (max(abs(low), abs(high)) or 1)
    spare = max(margin * (high - low), least)
    return Axis(low - spare, high + spare, label, form)
