"""How many tensors two networks have in common, by their shapes alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping

from inception_dsl.ir.typed import Typed
from inception_dsl.weights.files import COUNTER

Shapes = Mapping[str, tuple[int, ...]]


def share(one: Counter[Hashable], other: Counter[Hashable]) -> float:
    """The share of the larger of two collections that both have."""
    most = max(one.total(), other.total())
    return (one & other).total() / most if most else 0.0


def share_of(typed: Typed, shapes: Shapes) -> float:
    """The share of some tensors that a network has, with or without its heads; batch norms' counters do not count.

    The last sides of 1 do not count either: a 1x1 convolution may be a fully connected layer.
    """
    given: Counter[Hashable] = Counter(_plain(shape) for name, shape in shapes.items() if not name.endswith(COUNTER))
    heads = {name for head in typed.heads for node in typed.of(head) for name in node.weights}
    whole = Counter(_plain(weight.shape) for weight in typed.weights.values())
    trunk = Counter(_plain(weight.shape) for name, weight in typed.weights.items() if name not in heads)
    return max(share(given, Counter(whole)), share(given, Counter(trunk)))


def _plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its last sides of 1."""
    while shape[-1:] == (1,):
        shape = shape[:-1]
    return shape


def percent(share: float) -> str:
    """A share in words, rounded down: 100% is all."""
    return f"{int(100 * share)}%"
