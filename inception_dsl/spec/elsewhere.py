"""Words that other tools have and this language has not, and what it has instead; spelling slips of its own words.

A suggestion must never change the network: `prelu` is no slip of `relu`. So a word that is known elsewhere gets the
sentence here, and only a slip of the keyboard gets "did you mean".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

from inception_dsl.diagnostics.spelling import suggestion

_FC: Final = "the fully connected layer is `fc 10`"
_AVERAGE: Final = "average pooling is `avgpool 3x3/2 same`"
_WHOLE: Final = "global average pooling is `avgpool global`, adaptive pooling to 4x4 is `avgpool to=4x4`"
_ADD: Final = "add branches with `+`: `[ pass + conv 3x3 {in} ]`"
_JOIN: Final = "concatenate branches with `|`: `[ conv 1x1 64 | conv 3x3 64 ]`"
_DEPTHWISE: Final = "a depthwise convolution is `conv 3x3 {in} groups={in}`"
_NOTHING: Final = "the language does not support it"
_NORM: Final = f"{_NOTHING}; its norms are `bn` and `lrn 5`"
_ACT: Final = f"{_NOTHING}; its activation is `relu`"
_DROP: Final = f"{_NOTHING}; `dropout 40%` drops single elements"


def _table(*rows: tuple[str, str]) -> Mapping[str, str]:
    return {word: hint for words, hint in rows for word in words.split()}


LAYERS: Final = _table(
    ("linear dense fullyconnected innerproduct affine", _FC),
    ("convolution", "a convolution is `conv 3x3 64`"),
    ("convbn convrelu convbnrelu convnormact cbr cba", "write them as words on a layer: `conv 3x3 64 bn relu`"),
    ("conv1d conv3d", "convolutions are two-dimensional: `conv 3x3 64`"),
    ("pointwise pointwiseconv", "a pointwise convolution is `conv 1x1 64`"),
    ("depthwise depthwiseconv dwconv", _DEPTHWISE),
    ("separable separableconv sepconv", "a separable convolution is `conv 3x3 {in} groups={in} -> conv 1x1 64`"),
    ("groupconv groupedconv", "a grouped convolution is `conv 3x3 64 groups=2`"),
    ("dilatedconv atrous atrousconv", "a dilated convolution is `conv 3x3 64 dilation=2`"),
    ("deconv deconvolution convt tconv upconv convtranspose convtransposed transposeconv transposedconv", _NOTHING),
    ("conv2dtranspose", _NOTHING),
    ("fractionalconv pconv partialconv deformconv deformable dcn involution", _NOTHING),
    ("upsample upsampling interpolate resize unpool maxunpool pixelshuffle", _NOTHING),
    ("averagepool averagepooling avgpooling meanpool avg average", _AVERAGE),
    ("maxpooling max", "max pooling is `maxpool 3x3/2 same`"),
    ("pool pooling", "pooling is `maxpool 3x3/2 same` or `avgpool 3x3/2 same`"),
    ("gap globalpool globalpooling globalavgpool globalavgpooling globalaveragepool globalaveragepooling mean", _WHOLE),
    ("adaptiveavgpool adaptiveavgpooling adaptiveaveragepool adaptiveaveragepooling adaptivepool", _WHOLE),
    ("globalmaxpool globalmaxpooling gmp", "global max pooling is `maxpool global`"),
    ("adaptivemaxpool minpool minpooling sumpool lppool fractionalmaxpool roipool blurpool spp", _NOTHING),
    ("batchnorm batchnormalization batchnormalisation", "batch normalisation is `bn`"),
    ("localresponsenorm crossmaplrn localresponsenormalization", "local response normalisation is `lrn 5`"),
    ("groupnorm gn layernorm ln instancenorm rmsnorm weightnorm spectralnorm syncbn syncbatchnorm grn", _NORM),
    ("groupnormalization layernormalization instancenormalization l2norm normalize", _NORM),
    ("relu6 crelu leaky leakyrelu lrelu prelu rrelu elu selu celu gelu silu swish mish maxout glu", _ACT),
    ("hardswish hswish hardsigmoid hardtanh sigmoid logistic tanh softplus softsign threshold", _ACT),
    ("add sum plus residual shortcut skip eltwise elementwise", _ADD),
    ("concat cat concatenate concatenation depthconcat filterconcat join merge stack", _JOIN),
    ("scale mul multiply", "write a factor before a layer: `0.17 * conv 3x3 64`"),
    ("identity noop nop id input x", "the input itself is `pass`"),
    ("sequential", "write consecutive layers as `conv 1x1 64 -> conv 3x3 64`"),
    ("repeat", "write three in a row as `3 of conv 3x3 64`"),
    ("pad padding zeropad zeropadding reflectionpad", "padding is part of a layer: `conv 3x3 64 same` or `pad=1`"),
    ("reshape view permute transpose squeeze unsqueeze unflatten", "`flatten` turns an image into a vector"),
    ("dropout1d dropout2d dropout3d spatialdropout droppath stochasticdepth dropblock dropconnect alphadropout", _DROP),
    ("logsoftmax softmin sparsemax", f"{_NOTHING}; `softmax` gives probabilities"),
    ("loss crossentropy nll", "the loss belongs to training; a network may end in `softmax`"),
    ("split chunk slice crop channelshuffle shuffle gather lambda", _NOTHING),
    ("se squeezeexcite squeezeexcitation attention selfattention multiheadattention mha transformer", _NOTHING),
    ("embedding lstm gru rnn", _NOTHING),
)

_SAID: Final = _table(
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
    ("depthwise", "write `groups={in}`"),
    ("dilate dilated dilations atrous dilationrate", "write `dilation=2`"),
    ("epsilon", "write `eps=0.001`"),
    ("scale", "write `gamma`, or `gamma=none`"),
    ("samelower", _NOTHING),
    ("ceilmode", "write `ceil`"),
    ("countincludepad includepad", "write `count_pad`"),
    ("excludepad excludepadding", "write `skip_pad`"),
    ("numclasses", "put a value in braces: `{classes}`"),
    ("floor", "delete it: without `ceil`, a window that reaches over the border is left out"),
)
WORDS: Final[Mapping[str, str]] = {
    **{word: hint for word, hint in LAYERS.items() if hint in (_NORM, _ACT, _NOTHING)},
    **_SAID,
}
"""What is said elsewhere by a word on a layer."""

OFF_BY_ABSENCE: Final = "delete it: it is off unless the layer or `defaults` turn it on"
SWITCHED_OFF: Final = _table(
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
    ("ceilmode depthwise", OFF_BY_ABSENCE),
)
"""What such a word says when `=False`, or a value like it, stands after it: for some, the opposite."""


VALUES: Final = _table(
    (
        "adam nadam radam adamax lamb lars lion adagrad adadelta",
        f"{_NOTHING}; its optimisers are `sgd`, `rmsprop` and `adamw`",
    ),
    ("fp16 float16 half amp", f"{_NOTHING}; `bf16` keeps the range of fp32"),
    ("bicubic lanczos area", _NOTHING),
)
"""What is said elsewhere for a value of `training`."""

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
"""What is said elsewhere for a distribution of `init`."""


def suggest(word: str, known: Collection[str], elsewhere: Mapping[str, str] = LAYERS) -> str:
    """What the language has for a word that is none of the `known`, as a help line; empty where that is not known."""
    if word == "SAME" and "same" in known:
        return "TensorFlow's SAME is `same_upper`; `same` pads equally on both sides"
    plain = re.sub(r"[_\W]", "", word.casefold())
    for name in (plain, re.sub(r"(2d|layer)$", "", plain)):
        if name in elsewhere:
            return elsewhere[name]
        for each in known:
            if name == re.sub(r"[_\W]", "", each):
                return suggestion([each])
    return suggestion([each for each in sorted(known) if _is_slip(word.casefold(), each)][:2])


@lru_cache(maxsize=4096)
def _is_slip(word: str, known: str) -> bool:
    """Whether the fingers may have slipped: one letter, or two of a word of six, and not a part put before or after.

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


def _distance(one: str, other: str) -> int:
    """The letters to insert, delete, replace, or swap with the next, to make one of the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i]
        for j, its in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != its)))
            if i > 1 and j > 1 and (letter, one[i - 2]) == (other[j - 2], its):
                row[j] = min(row[j], before[j - 2] + 1)
        before = above
    return row[-1]
