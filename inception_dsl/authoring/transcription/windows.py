"""Paddings that explain the sizes in a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from inception_dsl.ir.shapes import Padding, Pair, ShapeError, Window

PADDINGS: Final = {
    "same": Padding("same"),
    "valid": Padding(),
    "ceil": Padding(ceil=True),
    "same_upper": Padding("same_upper"),
}
"""The paddings that a table may mean, by their word."""

OF_LAYER: Final = {
    "conv": ("same", "valid", "same_upper"),
    "maxpool": ("ceil", "same", "valid", "same_upper"),
    "avgpool": ("valid", "same", "ceil", "same_upper"),
}
"""The paddings of a layer, the most probable first: on even images `ceil` pools as Caffe and TensorFlow do."""


class Step(NamedTuple):
    """A window of a layer, and the sizes of the image before and after it, where the table gives them."""

    layer: str
    kernel: Pair
    stride: int
    before: Pair | None
    after: Pair | None

    def fitting(self) -> list[str]:
        """The paddings that give the size after it; all that can be if a size is not known."""
        return [word for word in OF_LAYER[self.layer] if self._fits(word)]

    def _fits(self, word: str) -> bool:
        if word == "same" and any(side % 2 == 0 for side in self.kernel):
            return False
        if self.before is None or self.after is None:
            return True
        try:
            return Window(self.kernel, (self.stride, self.stride), PADDINGS[word]).out(self.before) == self.after
        except ShapeError:
            return False


def defaults(steps: Iterable[Step]) -> dict[str, str]:
    """The padding of every kind of layer that explains the most sizes; layers of one pixel have none."""
    counts: dict[str, Counter[str]] = {}
    for step in steps:
        if step.kernel != (1, 1):
            counts.setdefault(step.layer, Counter()).update(step.fitting())
    return {
        layer: max(OF_LAYER[layer], key=lambda word: (count[word], -OF_LAYER[layer].index(word)))
        for layer, count in counts.items()
    }


def same_everywhere(steps: Sequence[Step], layer: str, chosen: str) -> list[str]:
    """The other paddings that explain every size which the chosen one explains."""
    explained = [step.fitting() for step in steps if step.layer == layer and step.kernel != (1, 1)]
    explained = [words for words in explained if chosen in words]
    return [word for word in OF_LAYER[layer] if word != chosen and all(word in words for words in explained)]
