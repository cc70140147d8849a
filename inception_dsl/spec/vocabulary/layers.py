"""The layers of the language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inception_dsl.ir.ops.activations import ReLU, Softmax
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle
from inception_dsl.ir.ops.linear import Conv, FullyConnected
from inception_dsl.ir.ops.norms import LRN, BatchNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.regularisation import Dropout
from inception_dsl.ir.ops.shaping import Flatten, Identity, Shift
from inception_dsl.spec.vocabulary.entry import LayerEntry, LayerNumber


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
        _words("same same_upper valid pad bn norm relu act bias groups depthwise dilation eps gamma"),
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
    "part": LayerEntry(
        "part I/N",
        (ChannelPart,),
        False,
        LayerNumber("part", "fraction", "fraction", "which of how many equal parts, such as `part 1/2`"),
    ),
    "shuffle": LayerEntry(
        "shuffle N",
        (ChannelShuffle,),
        False,
        LayerNumber("groups", "count", "number of groups", "the number of groups, such as `shuffle 2`"),
    ),
    "shift": LayerEntry(
        "shift N",
        (Shift,),
        False,
        LayerNumber("pixels", "count", "number of pixels", "how far it moves up and left, such as `shift 1`"),
    ),
    "softmax": LayerEntry("softmax", (Softmax,)),
    "flatten": LayerEntry("flatten", (Flatten,)),
    "pass": LayerEntry("pass", (Identity,)),
}
"""The layers of the language; any other word in their place names a module."""
