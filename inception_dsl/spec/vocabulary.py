"""All words of the language: what each means, what it takes, and what applies where it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import (
    LRN,
    Add,
    AvgPool,
    BatchNorm,
    Concat,
    Conv,
    Dropout,
    Flatten,
    FullyConnected,
    Identity,
    MaxPool,
    ReLU,
    Scale,
    Softmax,
)

MAX_EXTENT: Final = 1000
"""The largest kernel, stride, padding or dilation."""

DEFAULT_CLASSES: Final = 1000
LOSS_WEIGHT: Final = 1.0


class Word(NamedTuple):
    """A word on a layer.

    Words of one `slot` exclude each other; without a slot a word excludes itself alone. `value` is what follows its `=`
    ("width": a number of channels, "pair": a number, or two such as `1x3`); `choices` are the words that can stand
    there instead. `alone` says whether the word may be written without a value. `op` is the operation that it adds to
    its layer. A word that is called like a field of its layer's ops sets that field.
    """

    meaning: str
    slot: str = ""
    value: Literal["", "number", "width", "pair"] = ""
    choices: tuple[str, ...] = ()
    alone: bool = True
    example: str = ""
    op: type[Op] | None = None


def _number(meaning: str, example: str, value: Literal["number", "width", "pair"] = "number", slot: str = "") -> Word:
    return Word(meaning, slot, value, alone=False, example=example)


WORDS: Final[Mapping[str, Word]] = {
    "same": Word("pads both sides equally, so that out = ceil(in / stride); for odd kernels", "padding"),
    "same_upper": Word("pads like `same`, with an odd pixel at the right and bottom (TensorFlow's SAME)", "padding"),
    "valid": Word("adds no padding", "padding"),
    "ceil": Word("keeps a last window that extends past the border (Caffe's pooling)"),
    "pad": _number("pads every side by this many pixels, or by height x width", "1", "pair", "padding"),
    "global": Word("covers the whole image with one window; takes no kernel", "extent"),
    "to": _number("covers an image of any size with this many windows; takes no kernel", "4x4", "pair", "extent"),
    "count_pad": Word("counts padding as zeros in an average (Caffe, torchvision)", "border"),
    "skip_pad": Word("leaves padding out of an average (TF-Slim, Keras)", "border"),
    "bn": Word("adds batch normalisation after it", "norm", op=BatchNorm),
    "norm": Word("names the norm after it", "norm", choices=("none", "bn"), alone=False),
    "relu": Word("adds a ReLU after it", "act", op=ReLU),
    "act": Word("names the activation after it", "act", choices=("none", "relu"), alone=False),
    "bias": Word("adds a bias for each output", choices=("none",)),
    "gamma": Word("gives batch normalisation a learnt scale", choices=("none",)),
    "eps": _number("is added to the variance in batch normalisation", "0.001"),
    "groups": _number(
        "splits input and output channels into this many groups; `groups={in}` is depthwise", "32", "width"
    ),
    "dilation": _number("dilates the kernel: this many pixels between neighbouring weights", "2", "pair"),
    "alpha": _number("scales the sum of squares, after division by the number of channels it spans", "0.0001"),
    "beta": _number("is the exponent of the normaliser", "0.75"),
    "k": _number("is added to the weighted sum of squares", "1"),
}


class LayerNumber(NamedTuple):
    """The number after the kernel of a layer.

    It sets `field` of the layer's op. `kind` says what it can be: a "width" (a layer of width 0 is left out), an "odd"
    number of channels, or a "share" from 0 to less than 1.
    """

    field: str
    kind: Literal["width", "odd", "share"]
    meaning: str
    example: str


class LayerEntry(NamedTuple):
    """A layer: how it is `written`, its operations, and the words it takes.

    A `kernel` sets the field `window` of its op, and a `number` the field that it names. `defaults` are, by slot, the
    words that hold where none is written.
    """

    written: str
    ops: tuple[type[Op], ...]
    kernel: bool = False
    number: LayerNumber | None = None
    words: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = MappingProxyType({})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _switch(word: str, on: bool) -> str:
    return word if on else f"{word}=none"


_NORM: Final = {"eps": f"eps={BatchNorm.eps:g}", "gamma": _switch("gamma", BatchNorm.gamma)}
STRIDE: Final = 1
"""The stride of a kernel without one."""

LAYERS: Final[Mapping[str, LayerEntry]] = {
    "conv": LayerEntry(
        "conv KxK/S N",
        (Conv,),
        True,
        LayerNumber("width", "width", "width", "the number of filters, such as `conv 3x3 64`"),
        _words("same same_upper valid pad bn norm relu act bias groups dilation eps gamma"),
        {
            "norm": "norm=none",
            "act": "act=none",
            "bias": _switch("bias", Conv.bias),
            "groups": f"groups={Conv.groups}",
            "dilation": "dilation=1",
            **_NORM,
        },
    ),
    "maxpool": LayerEntry("maxpool KxK/S", (MaxPool,), True, words=_words("same same_upper valid pad ceil global")),
    "avgpool": LayerEntry(
        "avgpool KxK/S",
        (AvgPool,),
        True,
        words=_words("same same_upper valid pad ceil global to count_pad skip_pad"),
        defaults={"border": "count_pad" if AvgPool.count_pad else "skip_pad"},
    ),
    "lrn": LayerEntry(
        "lrn N",
        (LRN,),
        False,
        LayerNumber("size", "odd", "number of channels", "the channels it spans, such as `lrn 5`"),
        _words("alpha beta k"),
        {"alpha": f"alpha={LRN.alpha:f}".rstrip("0"), "beta": f"beta={LRN.beta:g}", "k": f"k={LRN.k:g}"},
    ),
    "bn": LayerEntry("bn", (BatchNorm,), words=_words("eps gamma"), defaults=_NORM),
    "relu": LayerEntry("relu", (ReLU,)),
    "dropout": LayerEntry(
        "dropout N%",
        (Dropout,),
        False,
        LayerNumber("p", "share", "share", "the fraction it drops, such as `dropout 40%`"),
    ),
    "fc": LayerEntry(
        "fc N",
        (Flatten, FullyConnected),
        False,
        LayerNumber("width", "width", "width", "the number of outputs, such as `fc {classes}`"),
        _words("relu act bias"),
        {"act": "act=none", "bias": _switch("bias", FullyConnected.bias)},
    ),
    "softmax": LayerEntry("softmax", (Softmax,)),
    "flatten": LayerEntry("flatten", (Flatten,)),
    "pass": LayerEntry("pass", (Identity,)),
}
"""The layers of the language; any other word in their place names a module."""


class Operator(NamedTuple):
    """An operator on formulas, and the operation that it becomes, if any."""

    meaning: str
    op: type[Op] | None = None


OPERATORS: Final[Mapping[str, Operator]] = {
    "a -> b": Operator("a, then b"),
    "a | b": Operator("both read the same input; their outputs joined along channels", Concat),
    "a + b": Operator("both read the same input; their outputs added", Add),
    "0.17 * a": Operator("the output of a, times a number", Scale),
    "4 of a": Operator("a four times in a row, each time with weights of its own"),
    "[ a ]": Operator("groups"),
    "label: a": Operator("names a step or branch, and its weights"),
    "{64 * width}": Operator("a value: columns, settings, `in`, `classes`, numbers, + - * / // % ( ) and functions"),
}
"""The operators by an example of each, loosest first."""

FUNCTIONS: Final[Mapping[str, str]] = {
    "round": "round(x) to the nearest whole number, a half up; round(x, 8) to the nearest multiple of 8",
    "ceil": "ceil(x) to the next whole number above; ceil(x, 8) to the next multiple of 8",
    "floor": "floor(x) to the next whole number below; floor(x, 8) to the next multiple of 8",
    "min": "min(a, b, ...) the least of 2 to 8 numbers",
    "max": "max(a, b, ...) the largest of 2 to 8 numbers",
}
"""The functions of values in braces."""

NAMES: Final[Mapping[str, str]] = {
    "in": "the channels that arrive at this layer",
    "classes": "the number of classes",
}
"""The names that every value may use."""
