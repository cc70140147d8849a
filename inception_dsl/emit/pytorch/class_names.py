"""The names that the classes of a generated file may have."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from inception_dsl.emit.pytorch.layers import ADDED_DOCS
from inception_dsl.emit.pytorch.table import RULES
from inception_dsl.ir.typed import Typed
from inception_dsl.spec.vocabulary.plugins import plugin_of

HELPER_NAMES: Final = frozenset(
    """
    Affine AnyBatchNorm ChannelConv ChannelMax ChannelMean ChannelPart ChannelSlice Concat Add Mul Scale DropPath L2Norm
    LayerNorm2d MaxUnpool Output Permute Size SameMaxPool2d SameAvgPool2d Tensor NamedTuple OrderedDict F
    """.split()
)
"""Names that a generated file may define or import itself, beside those of `_is_composed`."""


def free(name: str, taken: Collection[str], suffix: str, plugins: Collection[str] = ()) -> str:
    """A class name that neither the file's helpers nor its other classes have; `plugins` are those of plugins."""
    while name in HELPER_NAMES or name in taken or name in plugins or _is_composed(name, plugins):
        name += suffix
    return name


def plugin_classes(typed: Typed) -> set[str]:
    """The classes that the ops of plugins in a network bring, which have the names of the ops' own."""
    return {type(node.op).__name__ for node in typed.nodes if plugin_of("layers", node.op.name)}


def _is_composed(name: str, plugins: Collection[str]) -> bool:
    """Whether a helper class that owns a convolution or a fully connected layer may have this name."""
    added = "|".join([*ADDED_DOCS, *plugins, *(kind.__name__ for kind in RULES)])
    conv = f"(Same)?Conv(Transpose)?({added})+|SameConv(Transpose)?"
    return bool(re.fullmatch(f"{conv}|Linear({added})+|FlattenLinear({added})*", name))
