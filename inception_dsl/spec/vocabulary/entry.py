"""The kinds of entries of the vocabulary: words, layers and operators; and the limits of their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from inception_dsl.ir.op import Op
from inception_dsl.ir.values import Value

MAX_EXTENT: Final = 1000
"""The largest kernel, stride, padding or dilation."""

DEFAULT_CLASSES: Final = 1000
LOSS_WEIGHT: Final = 1.0


class Word(NamedTuple):
    """A word on a layer.

    Words of one `slot` exclude each other; without a slot a word excludes itself alone. `value` is what follows its `=`
    ("width": a number of channels, "offset": one that may be 0, "share": from 0 to 1, "pair": a number, or two such as
    `1x3`, "reference": a value given before, which a layer with this word needs); `choices` are the words that can
    stand there instead. `alone` says whether the word may be written without a value. `op` is the operation that it
    adds to its layer; its value is then the number of the layer of that name. A word that is called like a field of its
    layer's ops sets that field. `same_as` is what a word stands for: another word and its value.
    """

    meaning: str
    slot: str = ""
    value: Literal["", "number", "width", "offset", "share", "pair", "reference"] = ""
    choices: tuple[str, ...] = ()
    alone: bool = True
    example: str = ""
    op: type[Op] | None = None
    same_as: tuple[str, Value] | None = None


class LayerNumber(NamedTuple):
    """The number after the kernel of a layer.

    It sets `field` of the layer's op. `kind` says what it can be: a "width" (a layer of width 0 is left out), a number
    of "groups", a "count", a "pair" of counts (or one for both), an "odd" number of channels, a "span" of channels with
    an optional stride, a "share" from 0 to less than 1, a "fraction" (which part of how many), or a "slope" of 0 or
    more.
    """

    field: str
    kind: Literal["width", "groups", "count", "pair", "odd", "span", "share", "fraction", "slope"]
    meaning: str
    example: str

    @property
    def symbolic(self) -> bool:
        """Whether it may depend on the channels that arrive."""
        return self.kind in ("width", "groups")


class LayerEntry(NamedTuple):
    """A layer: how it is `written`, its operations, and the words it takes.

    A `kernel` sets the field `window` of its op, a `number` the field that it names, and a word the field of its slot's
    name to itself. `defaults` are, by slot, the words that hold where none is written, and of the slot `required` one
    must be.
    """

    written: str
    ops: tuple[type[Op], ...]
    kernel: bool = False
    number: LayerNumber | None = None
    words: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = MappingProxyType({})
    required: str = ""


class Operator(NamedTuple):
    """An operator on formulas, and the operation that it becomes, if any."""

    meaning: str
    op: type[Op] | None = None
