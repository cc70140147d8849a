"""Results that were measured on networks. They are stated with their source, never computed here and never judged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

COLUMNS: Final = ("metric", "value", "data", "protocol", "network", "source")
"""The columns of a table of results, in order."""

_VALUE: Final = re.compile(r"(-?(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,18})(?:\.[0-9]{1,9})?)\s*([%KMB]?)")
_UNITS: Final = {"": Decimal(1), "%": Decimal("0.01"), "K": Decimal(10**3), "M": Decimal(10**6), "B": Decimal(10**9)}


@dataclass(frozen=True)
class Result:
    """What somebody measured of a network: a `metric`, its `value` as printed, and the `data` with their split.

    `source` states it. `protocol` is how it was measured (crops, models, the size of images), and `network` what was
    measured where it is not exactly this network; both are "" if they are not stated.
    """

    metric: str
    value: str
    data: str
    source: str
    protocol: str = ""
    network: str = ""

    @property
    def number(self) -> float:
        """The value as a number: `6.67%` is 0.0667, `31.0M` is 31,000,000."""
        return parse_value(self.value)

    def as_data(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {
            "metric": self.metric,
            "printed": self.value,
            "value": self.number,
            "data": self.data,
            "protocol": self.protocol,
            "network": self.network,
            "source": self.source,
        }


def results_table(results: Sequence[Result]) -> list[list[str]]:
    """Results as the cells of a table, header first; columns without content are left out."""
    shown = [column for column in COLUMNS if any(getattr(result, column) for result in results)]
    return [shown, *([getattr(result, column) for column in shown] for result in results)]


def parse_value(text: str) -> float:
    """Read a printed value. Raises `ValueError` with the expected form."""
    if not (found := _VALUE.fullmatch(text)):
        raise ValueError("write a number such as `6.67%`, `78.8%`, `0.92` or `31.0M`")
    digits, unit = found.groups()
    return float(Decimal(digits.replace(",", "")) * _UNITS[unit])
