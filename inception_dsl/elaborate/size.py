"""The size of a network with its repeats and modules expanded, computed by multiplication."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inception_dsl.ir.program import Body, Call, Join, Repeat, Sequence

MOST_LAYERS: Final = 10_000
"""The limit on layers beyond one per row; published networks have fewer than 5,000 in all."""

MOST_DIGITS: Final = 15
"""The digits of the longest number that a message shows in full."""


class TooLarge(Exception):
    """The layers of the modules exceed the limit before all of them are known."""


def layers(body: Body, templates: Mapping[str, int]) -> int:
    """The layers of an expanded body, given those of each template; a join counts as one, and so does `pass`."""
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


def too_large(row: str, count: int | None = None) -> str:
    """The message of E214; `count` is the number of layers beyond one per row so far, None where it is unknown."""
    many = f"more than {MOST_LAYERS:,}"
    if count is not None:
        digits = len(str(count))
        many = f"{count:,}" if digits <= MOST_DIGITS else f"10^{digits - 1} and more"
    return f"with `{row}`, the network has {many} more layers than rows; the limit is {MOST_LAYERS:,}"
