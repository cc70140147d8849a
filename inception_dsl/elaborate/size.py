"""The size of a network with its repeats and modules expanded, computed by multiplication."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inception_dsl.ir.program import Again, Body, Call, Join, Part, Repeat, Sequence

MOST_LAYERS: Final = 10_000
"""The limit on layers beyond one per row; published networks have fewer than 5,000 in all."""

MOST_DIGITS: Final = 15
"""The digits of the longest number that a message shows in full."""


class TooLarge(Exception):
    """The layers of the modules exceed the limit before all of them are known."""


def layers(body: Body, templates: Mapping[str, int], steps: dict[str, int] | None = None) -> int:
    """The layers of an expanded body, given those of each template; a join counts as one, and so does `pass`.

    A step that is applied again counts again; `steps` are the layers of the labelled steps so far.
    """
    steps = {} if steps is None else steps

    def of(part: Part) -> int:
        number = layers(part.body, templates, steps)
        return steps.setdefault(part.label, number) if part.label else number

    match body:
        case Sequence(parts):
            return max(1, sum(map(of, parts)))
        case Join(_, branches):
            return 1 + sum(map(of, branches))
        case Repeat(count, inner):
            return count * layers(inner, templates, steps)
        case Again(label):
            return steps.get(label, 1)
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
