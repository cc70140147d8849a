"""The layers of the language."""

from __future__ import annotations

from typing import Final

from inception_dsl.ir.ops.activations import LeakyReLU, PReLU, Softmax
from inception_dsl.ir.ops.channels import (
    ChannelConv,
    ChannelMax,
    ChannelMean,
    ChannelPart,
    ChannelShuffle,
    ChannelSlice,
)
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected
from inception_dsl.ir.ops.norms import LRN, BatchNorm, GroupNorm, L2Norm, LayerNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool, Unpool
from inception_dsl.ir.ops.regularisation import Dropout, DropPath
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle, Resize
from inception_dsl.ir.ops.scaling import Affine
from inception_dsl.ir.ops.shaping import ORDERS, Crop, Flatten, Identity, Pad, Permute, Shift
from inception_dsl.spec.vocabulary.entry import LayerEntry, LayerNumber
from inception_dsl.spec.vocabulary.words import ADDED


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _switch(word: str, on: bool) -> str:
    return word if on else f"{word}=none"


def _real(word: str, number: float) -> str:
    return f"{word}={number:.9f}".rstrip("0")


_NORM: Final = {
    "eps": _real("eps", BatchNorm.eps),
    "gamma": _switch("gamma", BatchNorm.gamma),
    "momentum": _real("momentum", BatchNorm.momentum),
}
_SLOPE: Final = {"per_channel": _switch("per_channel", PReLU.per_channel)}
_AFTER: Final = frozenset({*ADDED, "norm", "act", *_NORM, *_SLOPE})
_AFTER_DEFAULTS: Final = {"norm": "norm=none", "act": "act=none", **_NORM, **_SLOPE}
"""The words for what follows a layer with weights, and those that hold where none is written."""

_SIDES: Final = _words("top bottom left right")

STRIDE: Final = 1
"""The stride of a kernel without one."""

LAYERS: Final[dict[str, LayerEntry]] = {
    "conv": LayerEntry(
        "conv KxK/S N",
        (Conv,),
        True,
        LayerNumber("width", "width", "width", "the number of filters, such as `conv 3x3 64`"),
        _words("same same_upper valid pad bias groups depthwise dilation") | _AFTER,
        {
            **_AFTER_DEFAULTS,
            "bias": _switch("bias", Conv.bias),
            "groups": f"groups={Conv.groups}",
            "dilation": "dilation=1",
        },
    ),
    "conv_transpose": LayerEntry(
        "conv_transpose KxK/S N",
        (ConvTranspose,),
        True,
        LayerNumber("width", "width", "width", "the number of filters, such as `conv_transpose 3x3/2 64`"),
        _words("same same_upper valid pad output_padding bias groups depthwise dilation") | _AFTER,
        {
            **_AFTER_DEFAULTS,
            "bias": _switch("bias", ConvTranspose.bias),
            "groups": f"groups={ConvTranspose.groups}",
            "dilation": "dilation=1",
            "output_padding": "output_padding=0",
        },
    ),
    "maxpool": LayerEntry("maxpool KxK/S", (MaxPool,), True, words=_words("same same_upper valid pad ceil global")),
    "unpool": LayerEntry("unpool KxK/S pooled=@ROW", (Unpool,), True, words=_words("same valid pad ceil pooled")),
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
        {"alpha": _real("alpha", LRN.alpha), "beta": _real("beta", LRN.beta), "k": f"k={LRN.k:g}"},
    ),
    "bn": LayerEntry("bn", (BatchNorm,), words=frozenset(_NORM), defaults=_NORM),
    "gn": LayerEntry(
        "gn N",
        (GroupNorm,),
        False,
        LayerNumber("groups", "groups", "number of groups", "the number of groups, such as `gn 32`"),
        _words("eps"),
        {"eps": _real("eps", GroupNorm.eps)},
    ),
    "ln": LayerEntry("ln", (LayerNorm,), words=_words("eps"), defaults={"eps": _real("eps", LayerNorm.eps)}),
    **{name: LayerEntry(name, (word.op,)) for name, word in ADDED.items() if word.slot == "act" and word.op},
    "leaky": LayerEntry(
        "leaky N",
        (LeakyReLU,),
        False,
        LayerNumber("slope", "slope", "slope", "the slope below 0, such as `leaky 0.1`"),
    ),
    "prelu": LayerEntry("prelu", (PReLU,), words=_words("per_channel"), defaults=_SLOPE),
    "dropout": LayerEntry(
        "dropout N%",
        (Dropout,),
        False,
        LayerNumber("p", "share", "share", "the fraction it drops, such as `dropout 40%`"),
    ),
    "drop_path": LayerEntry(
        "drop_path N%",
        (DropPath,),
        False,
        LayerNumber("p", "share", "share", "the share of examples whose branch it drops, such as `drop_path 10%`"),
    ),
    "fc": LayerEntry(
        "fc N",
        (Flatten, FullyConnected),
        False,
        LayerNumber("width", "width", "width", "the number of outputs, such as `fc {classes}`"),
        _words("bias") | _AFTER,
        {**_AFTER_DEFAULTS, "bias": _switch("bias", FullyConnected.bias)},
    ),
    "affine": LayerEntry("affine", (Affine,), words=_words("bias"), defaults={"bias": _switch("bias", Affine.bias)}),
    "l2norm": LayerEntry("l2norm", (L2Norm,)),
    "part": LayerEntry(
        "part I/N",
        (ChannelPart,),
        False,
        LayerNumber("part", "fraction", "fraction", "which of how many equal parts, such as `part 1/2`"),
    ),
    "slice": LayerEntry(
        "slice N",
        (ChannelSlice,),
        False,
        LayerNumber("width", "width", "width", "the number of channels, such as `slice 16 start=32`"),
        _words("start"),
        {"start": f"start={ChannelSlice.start}"},
    ),
    "shuffle": LayerEntry(
        "shuffle N",
        (ChannelShuffle,),
        False,
        LayerNumber("groups", "count", "number of groups", "the number of groups, such as `shuffle 2`"),
    ),
    "channel_mean": LayerEntry("channel_mean", (ChannelMean,)),
    "channel_max": LayerEntry("channel_max", (ChannelMax,)),
    "channel_conv": LayerEntry(
        "channel_conv K/S",
        (ChannelConv,),
        False,
        LayerNumber("kernel", "span", "kernel", "the channels that it spans, such as `channel_conv 5 same`"),
        _words("same valid pad kernels bias"),
        {"kernels": f"kernels={ChannelConv.kernels}", "bias": _switch("bias", ChannelConv.bias)},
    ),
    "crop": LayerEntry(
        "crop N",
        (Crop,),
        False,
        LayerNumber(
            "pixels", "pair", "number of pixels", "how many are cut off, such as `crop 4` or `crop 1 bottom right`"
        ),
        _SIDES,
    ),
    "pad": LayerEntry(
        "pad N",
        (Pad,),
        False,
        LayerNumber("pixels", "pair", "number of pixels", "how many are added, such as `pad 1` or `pad 1 top left`"),
        _SIDES | {"reflect"},
    ),
    "shift": LayerEntry(
        "shift N",
        (Shift,),
        False,
        LayerNumber("pixels", "count", "number of pixels", "how far it moves up and left, such as `shift 1`"),
    ),
    "permute": LayerEntry("permute HCW", (Permute,), words=frozenset(ORDERS), required="order"),
    "resize": LayerEntry(
        "resize N",
        (Resize,),
        False,
        LayerNumber("factor", "pair", "factor", "how many times larger, such as `resize 2`, or `resize to=14x14`"),
        _words("to nearest bilinear align_corners"),
        {"mode": "bilinear" if Resize.bilinear else "nearest"},
    ),
    "pixel_shuffle": LayerEntry(
        "pixel_shuffle N",
        (PixelShuffle,),
        False,
        LayerNumber("factor", "count", "factor", "how many times larger, such as `pixel_shuffle 2`"),
    ),
    "pixel_unshuffle": LayerEntry(
        "pixel_unshuffle N",
        (PixelUnshuffle,),
        False,
        LayerNumber("factor", "count", "factor", "how many times smaller, such as `pixel_unshuffle 2`"),
    ),
    "softmax": LayerEntry("softmax", (Softmax,)),
    "flatten": LayerEntry("flatten", (Flatten,)),
    "pass": LayerEntry("pass", (Identity,)),
}
"""The layers of the language; any other word in their place names a module."""
