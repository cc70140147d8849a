"""How large a network is with its repeats and modules written out, by multiplication: nothing is expanded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inception_dsl.ir import Body, Call, Join, Repeat, Sequence

MOST_LAYERS: Final = 10_000
"""Repeats and modules make no more; a published network has fewer than 5,000 in all."""

SHOWN: Final = 15
"""The digits of a number that is printed in full."""


class TooLarge(Exception):
    """Modules call each other with so many values that their layers are too many before all are known."""


def layers(body: Body, templates: Mapping[str, int]) -> int:
    """The layers of a body written out, where those of each template are known; a join is one, and so is `pass`."""
    match body:
        case Sequence(parts):
            return max(1, sum(layers(part.body, templates) for part in parts))
        case Join(_, branches):
            return 1 + sum(layers(part.body, templates) for part in branches)
        case Repeat(count, inner):
            return count * layers(inner, templates)
        case Call(template):
            return templates.get(template, 1)
        case _:
            return 1


def expanded(body: Body, templates: Mapping[str, int]) -> int:
    """The layers that the repeats and calls in a body are when written out; what is written once counts nothing."""
    match body:
        case Sequence(parts) | Join(_, parts):
            return sum(expanded(part.body, templates) for part in parts)
        case Repeat() | Call():
            return layers(body, templates)
        case _:
            return 0


def too_large(row: str, count: int | None = None) -> str:
    """The message of E214; `count` is how many layers there are up to this row, None where it is not known."""
    many = f"more than {MOST_LAYERS:,}"
    if count is not None:
        digits = len(str(count))
        many = f"{count:,}" if digits <= SHOWN else f"10^{digits - 1} and more"
    return f"with `{row}`, repeats and modules make {many} layers; {MOST_LAYERS:,} is the most"
