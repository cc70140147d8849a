"""The error of a network on ImageNet, of those that its spec reports: one for top-1 and one for top-5."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from inception_dsl.ir.results import Result

Top = Literal["top-1", "top-5"]

TOPS: Final[tuple[Top, ...]] = ("top-1", "top-5")

_CROPS: Final = re.compile(r"([0-9]+) crops?\b")


class PrintedError(NamedTuple):
    """A printed error, `7.82%`: its number, a fraction, and the result that states it, perhaps as an accuracy."""

    text: str
    number: float
    result: Result

    @property
    def crops(self) -> int | None:
        """How many crops of an image were averaged, if the source says so."""
        found = _CROPS.search(self.result.protocol)
        return int(found[1]) if found else None

    @property
    def measured(self) -> str:
        """What is printed and on which data, in words."""
        return f"{self.result.metric} {self.result.value}, {self.result.data}"

    @property
    def origin(self) -> str:
        """How it was measured, and who printed it."""
        return ", ".join(filter(None, (self.result.protocol, self.result.source)))


def printed_error(reported: Iterable[Result], top: Top) -> PrintedError | None:
    """The error with the fewest crops, of this network alone, on images that it did not see; None if none is reported.

    Results of ensembles, replicas and test servers do not count; of several that are left, the first does.
    """
    errors = [
        _error(result)
        for result in reported
        if result.metric in (f"{top} error", f"{top} accuracy") and not result.network
        if _is_validation(result.data) and 0 <= result.number <= 1
    ]
    return min(errors, key=lambda error: _order(error.crops), default=None)


def _is_validation(data: str) -> bool:
    return data == "ImageNet" or (data.startswith("ILSVRC") and "validation" in data)


def _order(crops: int | None) -> int:
    """One crop comes first, then what does not say, then several crops."""
    return 2 if crops is None else 1 if crops == 1 else crops + 1


def _error(result: Result) -> PrintedError:
    if result.metric.endswith("error"):
        return PrintedError(result.value, result.number, result)
    percent = (
        Decimal(result.value.strip("%").replace(",", "")) if "%" in result.value else Decimal(str(result.number)) * 100
    )
    return PrintedError(f"{100 - percent:f}%", float(1 - percent / 100), result)
