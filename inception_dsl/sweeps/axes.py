"""The axes of a sweep: settings with the values that they take, and the sizes of the image."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from inception_dsl.diagnostics.codes.tool import INVALID_SWEEP
from inception_dsl.diagnostics.diagnostic import Diagnostic, Findings, SpecError
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.values import Scalar
from inception_dsl.paper.measurements import SIZE
from inception_dsl.spec.input_size import MAX_DIMENSION
from inception_dsl.spec.network import Base, NetworkSpec
from inception_dsl.spec.set_settings import with_settings

MOST_VARIANTS: Final = 10_000_000
"""The most combinations of values in a sweep."""

_NUMBER: Final = r"\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?)\s*"
_RANGE: Final = re.compile(f"{_NUMBER}:{_NUMBER}(?::{_NUMBER})?")
_SIDES: Final = re.compile(r"\s*([0-9]{1,6})\s*(?:x\s*([0-9]{1,6})\s*)?")


class Axis(NamedTuple):
    """A setting and the values that it takes in a sweep, in their order; or `size`, with heights and widths."""

    name: str
    values: tuple[Scalar | Pair, ...]

    @property
    def is_size(self) -> bool:
        """Whether the values are sizes of the image."""
        return isinstance(self.values[0], tuple)


def expand(name: str, text: str) -> list[str]:
    """The values that a text lists, each once: `1,2,3`, ranges such as `0.25:2:0.05` (both ends count), or both.

    Raises `SpecError` E010 for an empty list, a range that is empty, and more than `MOST_VARIANTS` values.
    """
    values: dict[str, None] = {}
    for part in text.split(","):
        found = _RANGE.fullmatch(part)
        if ":" in part and not found:
            raise _invalid(f"`{name}`: `{part.strip()}` is not a range", "write START:STOP:STEP, such as 0.25:2:0.05")
        if not part.strip():
            what = f"`{text}` has an empty value" if text.strip() else "there is no value"
            raise _invalid(f"`{name}`: {what}", f"write values with commas between them: {name}=1,2,3")
        values.update(dict.fromkeys(_range(name, *found.groups()) if found else [part.strip()]))
        _check_count(f"`{name}` has more than {MOST_VARIANTS:,} values", len(values))
    return [*values]


def _range(name: str, start: str, stop: str, step: str | None) -> Iterator[str]:
    first, last, by = Decimal(start), Decimal(stop), Decimal(step or 1)
    written = ":".join(filter(None, (start, stop, step)))
    if by <= 0:
        raise _invalid(f"`{name}`: the step of `{written}` is not above 0", "write START:STOP:STEP with a step above 0")
    count = math.floor((Fraction(last) - Fraction(first)) / Fraction(by)) + 1
    if count < 1:
        raise _invalid(f"`{name}`: the range `{written}` is empty", "write the smaller end first")
    _check_count(f"`{name}`: the range `{written}` has {count:,} values", count)
    return (_plain(first + index * by) for index in range(count))


def _plain(number: Decimal) -> str:
    """A number as a person writes it: without an exponent, and without zeros at its end."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def setting_axes(base: Base, given: Mapping[str, Iterable[str]]) -> tuple[Axis, ...]:
    """The axes of some settings of a spec, given the texts of their values.

    Raises `SpecError` E125 for a setting that the spec lacks, and for the values that a setting refuses.
    """
    findings, axes = Findings(), []
    for name, texts in given.items():
        setting, values, refused = base.spec.settings.get(name), [], []
        for text in texts:
            value = setting.set(text) if setting else None
            if value and not value.problem():
                values.append(value.value)
            else:
                refused.append(text)
        if refused:
            findings.diagnostics.append(_refusal(base, name, refused))
        axes.append(Axis(name, tuple(dict.fromkeys(values))))
    findings.stop()
    return tuple(axes)


def _refusal(base: Base, name: str, texts: Sequence[str]) -> Diagnostic:
    """Why a setting cannot have some values, as `--set` says it of the first."""
    try:
        with_settings(base, {name: texts[0]})
    except SpecError as error:
        (first,) = error.diagnostics
    many = len(texts) > 1 and name in base.spec.settings
    return (
        replace(first, message=f"{first.message}, nor {len(texts) - 1:,} other values of the sweep") if many else first
    )


def size_axis(texts: Sequence[str]) -> Axis:
    """The axis of some sizes of the image: `224`, or `224x320` (height x width). Raises `SpecError` E010."""
    sizes: list[Pair] = []
    for text in texts:
        sides = _SIDES.fullmatch(text)
        size = (int(sides[1]), int(sides[2] or sides[1])) if sides else (0, 0)
        if not all(1 <= side <= MAX_DIMENSION for side in size):
            raise _invalid(
                f"`{text}` is not an image size", "write 224, 224x320 (height x width) or a range, 128:256:32"
            )
        sizes.append(size)
    return Axis(SIZE, tuple(dict.fromkeys(sizes)))


def check_axes(spec: NetworkSpec, axes: Collection[Axis]) -> None:
    """Raise `SpecError` E010 for no axis, two of one name, and more than `MOST_VARIANTS` combinations."""
    if not axes:
        declared = f": `{spec.network}` has {listing(spec.settings)}" if spec.settings else ", or vary `--size`"
        raise _invalid("nothing is varied", f"give settings several values with `--set`{declared}")
    if len({axis.name for axis in axes}) < len(axes):
        raise _invalid(f"`{spec.network}` has a setting `{SIZE}`, beside the size of its image", "vary one of them")
    count = math.prod(len(axis.values) for axis in axes)
    _check_count(f"the sweep has {count:,} combinations", count)


def _check_count(message: str, count: int) -> None:
    if count > MOST_VARIANTS:
        raise _invalid(f"{message}; the limit is {MOST_VARIANTS:,}", "use larger steps")


def _invalid(message: str, hint: str) -> SpecError:
    return SpecError([Diagnostic(INVALID_SWEEP, message, help=hint)])
