"""What edits cost, by which the cheapest way from one network to another is found.

A layer with weights costs more to add or to leave out than one without, and a change of its parameters costs less than
to add it anew: so a layer that was edited keeps its partner.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from inception_dsl.interchange.description import Parameters
from inception_dsl.spec.vocabulary.words import ACTIVATIONS

PRICES: Final = {
    **dict.fromkeys(("conv", "conv_transpose", "channel_conv", "fc"), 3.0),
    **dict.fromkeys(("maxpool", "avgpool", "resize", "pixel_shuffle", "pixel_unshuffle"), 2.5),
    **dict.fromkeys(("concat", "add", "mul"), 2.0),
}
"""What a step costs to add or to leave out; all others cost 1."""

ALIKE: Final = (
    ("maxpool", "avgpool"),
    ("concat", "add", "mul"),
    ("conv", "conv_transpose", "channel_conv", "fc"),
    ("bn", "gn", "ln", "lrn", "l2norm", "affine"),
    ("dropout", "drop_path"),
    ("channel_mean", "channel_max"),
    ("crop", "pad", "shift"),
    (*(op.name for op in ACTIVATIONS), "softmax"),
)
"""Kinds that may stand for each other."""

FAMILY: Final = {kind: number for number, kinds in enumerate(ALIKE) for kind in kinds}

ANOTHER_KIND: Final = 0.8
"""The share of its price that a step costs which stands for one of another kind."""

CHANGES: Final = {"kernel": 0.8, "stride": 0.8, "groups": 0.5, "eps": 0.1, "bias": 0.2, "before": 0.4}
"""What a parameter costs to change; all others cost 0.3, and a width up to 1, by its ratio."""


def price(kind: str) -> float:
    """What a step costs to add or to leave out."""
    return PRICES.get(kind, 1.0)


def change(kind: str, parameters: Parameters, other: str, others: Parameters) -> float:
    """What it costs that a step stands for another; infinite where the two have nothing in common."""
    if kind != other and FAMILY.get(kind, kind) != FAMILY.get(other, other):
        return math.inf
    one, two = dict(parameters), dict(others)
    names = one.keys() | two.keys() if kind == other else one.keys() & two.keys()
    cost = ANOTHER_KIND * price(kind) if kind != other else 0.0
    return cost + sum(_parameter(name, one, two) for name in names if one.get(name) != two.get(name))


def _parameter(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    if name == "width" and one.keys() & other.keys() >= {name}:
        low, high = sorted((one[name], other[name]))
        return 0.2 + 0.8 * (1 - float(low / high))
    return CHANGES.get(name, 0.3)
