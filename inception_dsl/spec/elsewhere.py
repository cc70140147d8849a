"""Suggestions for unknown words: what other tools call by them, and misspellings of the language's own words.

A suggestion must never change the network: `prelu` is not a misspelling of `relu`. So a word that other tools know gets
the sentence in these tables, and only a typing error gets "did you mean".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

from inception_dsl.diagnostics.spelling import suggestion
from inception_dsl.ir.ops.shaping import ORDERS
from inception_dsl.spec.vocabulary.words import ADDED

_FC: Final = "the fully connected layer is `fc 10`"
_AVERAGE: Final = "average pooling is `avgpool 3x3/2 same`"
_WHOLE: Final = "global average pooling is `avgpool global`, adaptive pooling to 4x4 is `avgpool to=4x4`"
_ADD: Final = "add branches with `+`: `[ pass + conv 3x3 {in} ]`"
_GATED: Final = "[ pass * [ avgpool global -> conv 1x1 4 relu bias -> conv 1x1 64 sigmoid bias ] ]"
_GATE: Final = f"a gate is a factor of a product: `conv 3x3 64 -> {_GATED}`"
_JOIN: Final = "concatenate branches with `|`: `[ conv 1x1 64 | conv 3x3 64 ]`"
_DEPTHWISE: Final = "a depthwise convolution is `conv 3x3 {in} depthwise`"
_ECA: Final = "channel_conv 5 same -> sigmoid"
_ALONG: Final = "a convolution along the channels is `channel_conv 5 same`"
_TRANSPOSED: Final = "a transposed convolution is `conv_transpose 4x4/2 64 pad=1`"
_RESIZE: Final = "an image is enlarged by `resize 2`, and brought to a size by `resize to=14x14 bilinear`"
_POOLED: Final = "[ channel_mean | channel_max ]"
_OVER_CHANNELS: Final = f"the mean and the maximum over the channels are `{_POOLED}`"
_UNPOOL: Final = "to unpool is `a: relu -> maxpool 2x2/2 valid -> unpool 2x2/2 valid pooled=@a`"
_EXCHANGED: Final = "`permute HCW` exchanges rows and channels, and `permute CWH` rows and columns"
_NOTHING: Final = "the language does not support it"
_NORM: Final = f"{_NOTHING}; its norms are `bn`, `gn 32`, `ln` and `lrn 5`"
_ACTIVATIONS: Final = [
    name if word.alone else f"{name} {word.example}" for name, word in ADDED.items() if word.slot == "act"
]
_ACT: Final = f"{_NOTHING}; its activations are `{'`, `'.join(_ACTIVATIONS[:-1])}` and `{_ACTIVATIONS[-1]}`"
_DROP: Final = f"{_NOTHING}; `dropout 40%` drops single elements"


def _table(*rows: tuple[str, str]) -> Mapping[str, str]:
    return {word: hint for words, hint in rows for word in words.split()}


_RENAMED: Final = (
    ("norm", "groupnorm groupnormalization groupnormalisation", "gn 32"),
    ("norm", "layernorm layernorm2d layernormalization layernormalisation", "ln"),
    ("act", "leakyrelu lrelu", "leaky 0.1"),
    ("act", "parametricrelu", "prelu"),
    ("act", "swish", "silu"),
    ("act", "hswish", "hardswish"),
    ("act", "hsigmoid", "hardsigmoid"),
    ("act", "logistic", "sigmoid"),
    ("act", "gelunew gelufast geluapprox", "gelu_tanh"),
)
"""Norms and activations as other tools call them, and what they are here."""

FOREIGN_LAYERS: Final = _table(
    ("linear dense fullyconnected innerproduct", _FC),
    ("convolution", "a convolution is `conv 3x3 64`"),
    ("convbn convrelu convbnrelu convnormact cbr cba", "write them as words on a layer: `conv 3x3 64 bn relu`"),
    ("conv1d conv3d", f"convolutions of images are two-dimensional: `conv 3x3 64`; {_ALONG}"),
    ("channelwise channelwiseconv", _ALONG),
    ("eca ecamodule efficientchannelattention", f"a gate of ECA is `[ pass * [ avgpool global -> {_ECA} ] ]`"),
    ("pointwise pointwiseconv", "a pointwise convolution is `conv 1x1 64`"),
    ("depthwise depthwiseconv dwconv", _DEPTHWISE),
    ("separable separableconv sepconv", "a separable convolution is `conv 3x3 {in} depthwise -> conv 1x1 64`"),
    ("groupconv groupedconv", "a grouped convolution is `conv 3x3 64 groups=2`"),
    ("dilatedconv atrous atrousconv", "a dilated convolution is `conv 3x3 64 dilation=2`"),
    ("deconv deconvolution convt tconv upconv convtransposed transposeconv transposedconv", _TRANSPOSED),
    ("conv2dtranspose transposedconvolution fractionallystridedconv", _TRANSPOSED),
    ("fractionalconv pconv partialconv deformconv deformable dcn involution", _NOTHING),
    ("upsample upsampling downsample interpolate interp resizing", _RESIZE),
    ("maxunpool unpooling", _UNPOOL),
    ("depthtospace", "write `pixel_shuffle 2`; for TensorFlow's order (ONNX's DCR), `shuffle 4 -> pixel_shuffle 2`"),
    ("spacetodepth reorg", "on 3 channels, write `pixel_unshuffle 2 -> shuffle 3`"),
    ("subpixel subpixelconv", "write `conv 3x3 12 same -> pixel_shuffle 2`"),
    ("averagepool averagepooling avgpooling meanpool avg average", _AVERAGE),
    ("maxpooling max", "max pooling is `maxpool 3x3/2 same`"),
    ("pool pooling", "pooling is `maxpool 3x3/2 same` or `avgpool 3x3/2 same`"),
    ("gap globalpool globalpooling globalavgpool globalavgpooling globalaveragepool globalaveragepooling mean", _WHOLE),
    ("adaptiveavgpool adaptiveavgpooling adaptiveaveragepool adaptiveaveragepooling adaptivepool", _WHOLE),
    ("globalmaxpool globalmaxpooling gmp", "global max pooling is `maxpool global`"),
    ("adaptivemaxpool minpool minpooling sumpool lppool fractionalmaxpool roipool blurpool spp", _NOTHING),
    ("batchnorm batchnormalization batchnormalisation", "batch normalisation is `bn`"),
    ("localresponsenorm crossmaplrn localresponsenormalization", "local response normalisation is `lrn 5`"),
    *((words, f"write `{instead}`") for _, words, instead in _RENAMED),
    ("rmsnorm weightnorm spectralnorm syncbn syncbatchnorm grn normalize", _NORM),
    ("instancenorm instancenormalization instancenormalisation", "with a learnt scale and shift it is `gn {in}`"),
    ("crelu rrelu selu celu maxout glu hardtanh softplus softsign threshold", _ACT),
    ("add sum plus residual shortcut skip eltwise elementwise", _ADD),
    ("concat cat concatenate concatenation depthconcat filterconcat join merge stack", _JOIN),
    ("scale", "write a factor before a layer: `0.17 * conv 3x3 64`; a learnt scale is `affine bias=none`"),
    ("mul multiply product gate", "a product of branches is `[ conv 3x3 64 * conv 3x3 64 sigmoid ]`"),
    ("se squeezeexcite squeezeexcitation squeezeandexcitation", _GATE),
    ("layerscale", "a learnt scale of every channel is `affine bias=none`"),
    ("identity noop nop id input x", "the input itself is `pass`"),
    ("sequential", "write consecutive layers as `conv 1x1 64 -> conv 3x3 64`"),
    ("repeat", "write three in a row as `3 of conv 3x3 64`"),
    ("padding", "padding is part of a layer: `conv 3x3 64 same` or `pad=1`"),
    ("zeropad zeropadding constantpad", "zeros around an image are `pad 1`, or part of a layer: `conv 3x3 64 pad=1`"),
    ("reflectionpad", "a margin that mirrors the image is `pad 1 reflect`"),
    ("replicationpad circularpad", f"{_NOTHING}; `pad 1` adds zeros, and `pad 1 reflect` mirrors"),
    ("reshape view squeeze unsqueeze unflatten", "`flatten` turns an image into a vector"),
    ("transpose swapaxes swapdims movedim moveaxis permutedims rearrange", _EXCHANGED),
    ("stochasticdepth", "stochastic depth of a branch is `drop_path 10%`"),
    ("dropout1d dropout2d dropout3d spatialdropout dropblock dropconnect alphadropout", _DROP),
    ("logsoftmax softmin sparsemax", f"{_NOTHING}; `softmax` gives probabilities"),
    ("loss crossentropy nll", "the loss belongs to training; a network may end in `softmax`"),
    ("split chunk channelsplit", "the first of two equal parts of the channels is `part 1/2`"),
    ("narrow stridedslice", "4 channels from number 2 on, counted from 0, are `slice 4 start=2`"),
    ("cropping centercrop", "a margin of 4 pixels is cut off by `crop 4`, on two sides by `crop 4 top left`"),
    ("channelpool channelavgpool channelmaxpool amax reducemean reducemax", _OVER_CHANNELS),
    ("spatialattention spatialgate", f"a gate of one channel is `[ pass * [ {_POOLED} -> conv 7x7 1 same sigmoid ] ]`"),
    ("channelshuffle", "a channel shuffle with 2 groups is `shuffle 2`"),
    ("gather lambda", _NOTHING),
    ("attention selfattention multiheadattention mha transformer", _NOTHING),
    ("embedding lstm gru rnn", _NOTHING),
)

WITH_NUMBER: Final = {
    "relu": "`relu` has no upper bound and no slope below 0: write `relu6`, or `leaky 0.1`",
    "permute": "write the axes as letters, C, H and W: torch's `permute(0, 2, 1, 3)` is `permute HCW`",
}
"""Layers of the language that mean something else in other tools where a number follows: `relu 6`."""

_WORDS: Final = _table(
    ("stride strides", "write the stride after the kernel: `3x3/2`"),
    ("padding pads zeropad", "write `same`, `same_upper`, `valid` or `pad=1`"),
    (
        "kernel kernelsize ksize filters channels out outchannels width units features outfeatures",
        "write sizes without a key: `conv 3x3 64`",
    ),
    ("nobias", "write `bias=none`"),
    ("usebias", "write `bias`"),
    ("activation nonlinearity", "write `relu`, or `act=none`"),
    ("normalization normalisation", "write `bn`, or `norm=none`"),
    ("nonorm nobn", "write `norm=none`"),
    ("norelu noact linear identity", "write `act=none`"),
    ("batchnorm batchnormalization batchnormalisation", "write `bn`"),
    ("dilate dilated dilations atrous dilationrate", "write `dilation=2`"),
    ("epsilon", "write `eps=0.001`"),
    ("bnmomentum", "write `momentum=0.01`"),
    ("decay bndecay movingaveragedecay", "the other share: TensorFlow's decay of 0.99 is `momentum=0.01`"),
    ("scale", "write `gamma`, or `gamma=none`"),
    ("samelower", _NOTHING),
    ("outpad outputpad adj", "write `output_padding=1`"),
    ("ceilmode", "write `ceil`"),
    ("countincludepad includepad", "write `count_pad`"),
    ("excludepad excludepadding", "write `skip_pad`"),
    ("numclasses", "put a value in braces: `{classes}`"),
    ("indices places switches", "name what the max pool read: `pooled=@conv1`"),
    ("chw nchw", "leave it out: an image has its axes in this order"),
    *((f"n{order.casefold()}", f"write `{order}`: the images of a batch stay apart") for order in ORDERS),
    ("floor", "delete it: without `ceil`, a window that reaches over the border is left out"),
)
FOREIGN_WORDS: Final[Mapping[str, str]] = {
    **{word: hint for word, hint in FOREIGN_LAYERS.items() if hint in (_NORM, _ACT, _NOTHING)},
    **_table(*((words, f"write `{instead.replace(' ', '=')}`") for _, words, instead in _RENAMED)),
    **_WORDS,
}
"""Words on a layer in other tools."""

OFF_BY_ABSENCE: Final = "delete it: it is off unless the layer or `defaults` turn it on"
SWITCHED_OFF: Final = _table(
    *((words, f"write `{kind}=none`") for kind, words, _ in _RENAMED),
    ("usebias", "write `bias=none`"),
    ("nobias", "write `bias`"),
    ("batchnorm batchnormalization batchnormalisation normalization normalisation", "write `norm=none`"),
    ("nonorm nobn", "write `bn`"),
    ("activation nonlinearity", "write `act=none`"),
    ("norelu", "write `relu`"),
    ("scale", "write `gamma=none`"),
    ("countincludepad includepad", "write `skip_pad`"),
    ("excludepad excludepadding", "write `count_pad`"),
    ("padding pads zeropad", "write `valid`"),
    ("ceilmode", OFF_BY_ABSENCE),
)
"""The same words followed by `=False` or a similar value, which gives some of them the opposite meaning."""


FOREIGN_VALUES: Final = _table(
    (
        "adam nadam radam adamax lamb lars lion adagrad adadelta",
        f"{_NOTHING}; its optimisers are `sgd`, `rmsprop` and `adamw`",
    ),
    ("float16 half amp", "it is called `fp16` here; `bf16` keeps the range of fp32"),
    ("bicubic lanczos area", _NOTHING),
)
"""Values of `training` in other tools."""

INIT: Final = _table(
    ("kaiming kaimingnormal henormal msra", "write `he`"),
    ("heuniform kaiminguniform xaviernormal glorotnormal lecun lecunnormal lecununiform orthogonal uniform", _NOTHING),
    ("xavieruniform", "Caffe's `xavier` has variance 1 / fan in, `glorot` 2 / (fan in + fan out)"),
    ("glorotuniform", "write `glorot`"),
    ("gaussian", "write `normal std=0.01`"),
    ("truncnormal", "write `truncated_normal std=0.01`"),
    ("zeros zero", "write `constant value=0`"),
    ("ones one", "write `constant value=1`"),
)
"""Distributions of `init` in other tools."""


def suggest(word: str, known: Collection[str], elsewhere: Mapping[str, str] = FOREIGN_LAYERS) -> str:
    """The help for a word that is not among `known`: what to write instead; empty where there is no suggestion."""
    if word == "SAME" and "same" in known:
        return "TensorFlow's SAME is `same_upper`; `same` pads equally on both sides"
    plain = re.sub(r"[_\W]", "", word.casefold())
    for name in (plain, re.sub(r"(2d|layer)$", "", plain)):
        if name in elsewhere:
            return elsewhere[name]
        for candidate in known:
            if name == re.sub(r"[_\W]", "", candidate.casefold()):
                return suggestion([candidate])
    return suggestion([name for name in sorted(known) if _is_typing_error(word.casefold(), name)][:2])


@lru_cache(maxsize=4096)
def _is_typing_error(word: str, known: str) -> bool:
    """Whether a word may be a typing error: one letter, or two in a word of six, and not an added prefix or suffix.

    Digits are never slips, and what has but two letters resembles too much.
    """
    most = 1 if len(known) < 6 else 2
    longer = len(word) - len(known)
    if abs(longer) > most or re.sub(r"\D", "", word) != re.sub(r"\D", "", known):
        return False
    if longer > 0 and (word.startswith(known) or word.endswith(known)):
        added = word[len(known) :] if word.startswith(known) else word[:longer]
        return {*added} == {known[-1] if word.startswith(known) else known[0]}  # a key that was held down
    if len(known) < 3:
        return False
    return len({*word} ^ {*known}) <= 2 * most and _distance(word, known) <= most


def _distance(word: str, known: str) -> int:
    """The edit distance: letters to insert, delete, replace, or swap with the next."""
    before: list[int] = []
    row = list(range(len(known) + 1))
    for i, letter in enumerate(word, 1):
        above, row = row, [i]
        for j, expected in enumerate(known, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != expected)))
            if i > 1 and j > 1 and (letter, word[i - 2]) == (known[j - 2], expected):
                row[j] = min(row[j], before[j - 2] + 1)
        before = above
    return row[-1]
