"""The words on layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from inception_dsl.ir.ops.activations import ReLU
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.values import Name
from inception_dsl.spec.vocabulary.entry import Word


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
    "depthwise": Word(
        "gives every channel filters of its own: `groups={in}`", "groups", same_as=("groups", Name("in"))
    ),
    "dilation": _number("dilates the kernel: this many pixels between neighbouring weights", "2", "pair"),
    "alpha": _number("scales the sum of squares, after division by the number of channels it spans", "0.0001"),
    "beta": _number("is the exponent of the normaliser", "0.75"),
    "k": _number("is added to the weighted sum of squares", "1"),
}
