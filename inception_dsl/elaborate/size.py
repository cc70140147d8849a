"""How large a network is with its repeats and modules written out, by multiplication: nothing is expanded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inception_dsl.ir.program import Body, Call, Join, Repeat, Sequence

MOST_LAYERS: Final = 10_000
"""A network has no more layers besides one for each row; a published one has fewer than 5,000 in all."""

SHOWN: Final = 15
"""The digits of a number that is printed in full."""


class TooLarge(Exception):
    """Modules call each other with too many combinations of values to count their layers."""


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


def too_large(row: str, count: int | None = None) -> str:
    """The message of E214; `count` is how many layers more than rows there are so far, None where it is not known."""
    many = f"more than {MOST_LAYERS:,}"
    if count is not None:
        digits = len(str(count))
        many = f"{count:,}" if digits <= SHOWN else f"10^{digits - 1} and more"
    return f"with `{row}`, the network has {many} more layers than rows; the limit is {MOST_LAYERS:,}"
