"""The names that the classes of a generated file may have."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from inception_dsl.emit.pytorch.layers import ADDED_DOCS
from inception_dsl.emit.pytorch.table import RULES

HELPER_NAMES: Final = frozenset(
    """
    Affine AnyBatchNorm ChannelPart Concat Add Mul Scale DropPath L2Norm LayerNorm2d Output Size SameMaxPool2d
    SameAvgPool2d Tensor NamedTuple OrderedDict F
    """.split()
)
"""Names that a generated file may define or import itself, beside those of `_is_composed`."""


def free(name: str, taken: Collection[str], suffix: str) -> str:
    """A class name that neither the file's helpers nor its other classes have."""
    while name in HELPER_NAMES or name in taken or _is_composed(name):
        name += suffix
    return name


def _is_composed(name: str) -> bool:
    """Whether a helper class that owns a convolution or a fully connected layer may have this name."""
    added = "|".join([*ADDED_DOCS, *(kind.__name__ for kind in RULES)])
    return bool(re.fullmatch(f"(Same)?Conv({added})+|SameConv|Linear({added})+|FlattenLinear({added})*", name))
