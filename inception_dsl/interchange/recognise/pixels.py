"""Channels and pixels that change places, written as reshapes and permutations.

A reshape splits the axes of an image into factors, or joins factors to an axis; a permutation brings them into another
order. Where the factors are at the end of a chain of both says which layers the chain is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Permute, Reshape
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.channels import ChannelShuffle
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle
from inception_dsl.ir.ops.shaping import Flatten

LONGEST: Final = 16
"""The most reshapes and permutations of a chain."""


def rearranged(graph: Builder, added: Added) -> int | None:
    """An image whose channels are shuffled, or become pixels, or come from pixels."""
    chain, index = [added.op], added.inputs[0]
    while isinstance(op := graph.op(index), Reshape | Permute | Flatten) and len(chain) < LONGEST:
        chain.append(op)
        index = graph.nodes[index].inputs[0]
    image = graph.type_of(index).shape
    if len(chain) == 1 or len(image) != 3 or 0 in image:
        return None
    factors = _Factors(image)
    moved = all(map(factors.follow, reversed(chain))) and len(factors.now) == 3
    layers = factors.layers() if moved else None
    if layers is None:
        return None
    for layer in layers:
        name = added.name if layer is layers[-1] else f"{added.name}/{layer.name}"
        index = graph.add(name, layer, index)
    return index


class _Factors:
    """The factors of an image's axes by number, the outer ones of an axis first: where they were in the image (`own`).

    `now` is where a chain has moved them.
    """

    def __init__(self, image: Sequence[int]) -> None:
        self.sizes = [*image]
        self.own = [[number] if size > 1 else [] for number, size in enumerate(image)]
        self.now = [[*axis] for axis in self.own]

    def follow(self, op: Op) -> bool:
        """Move the factors as a step of a chain does; False where it divides one unevenly."""
        match op:
            case Permute(order):
                self.now = [self.now[axis] for axis in order]
                return True
            case Reshape(shape):
                return self._reshape(shape)
            case _:
                return self._reshape((math.prod(self.sizes),))

    def layers(self) -> list[Op] | None:
        """The layers that move the factors of an image as the chain did; None where there are none."""
        (channels, *image), (to, *moved) = self.own, self.now
        smaller = all(len(now) <= len(own) for own, now in zip(image, moved, strict=True))
        axes = [*zip(image, moved, strict=True)] if smaller else [*zip(moved, image, strict=True)]
        down, right = (longer[len(shorter) :] for longer, shorter in axes)
        before, after = ([*channels, *down, *right], to) if smaller else (channels, [*to, *down, *right])
        start = before.index(after[0]) if after and after[0] in before else 0
        kept = all(longer[: len(shorter)] == shorter for longer, shorter in axes)
        if not kept or self._size(down) != self._size(right) or before[start:] + before[:start] != after:
            return None
        factor, groups = self._size(down), self._size(before[:start])
        turn = [ChannelShuffle(groups)] if groups > 1 else []
        if factor == 1:
            return [*turn]
        return [PixelUnshuffle(factor), *turn] if smaller else [*turn, PixelShuffle(factor)]

    def _size(self, factors: Sequence[int]) -> int:
        """The elements along some factors."""
        return math.prod(self.sizes[each] for each in factors)

    def _reshape(self, shape: Sequence[int]) -> bool:
        left = [factor for axis in self.now for factor in axis]
        self.now = []
        for size in shape:
            axis: list[int] = []
            while (wanted := size // self._size(axis)) > 1:
                own = self.sizes[left[0]]
                part = math.gcd(own, wanted)
                if part not in (own, wanted):
                    return False
                if part < own:
                    self._split(left, part)
                axis.append(left.pop(0))
            self.now.append(axis)
        return True

    def _split(self, left: list[int], outer: int) -> None:
        """Make two of the first factor that is left, the outer one of a size."""
        whole, inner = left[0], len(self.sizes)
        self.sizes.append(self.sizes[whole] // outer)
        self.sizes[whole] = outer
        for axis in (left, *self.own):
            if whole in axis:
                axis.insert(axis.index(whole) + 1, inner)
