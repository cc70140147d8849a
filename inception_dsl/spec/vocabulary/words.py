"""The words on layers."""

from __future__ import annotations

from typing import Final, Literal

from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import activations as act
from inception_dsl.ir.ops.norms import BatchNorm, GroupNorm, LayerNorm
from inception_dsl.ir.ops.shaping import AXES, ORDERS
from inception_dsl.ir.values import Name
from inception_dsl.spec.vocabulary.entry import Word


def _number(
    meaning: str,
    example: str,
    value: Literal["number", "width", "offset", "share", "pair"] = "number",
    slot: str = "",
    op: type[Op] | None = None,
) -> Word:
    return Word(meaning, slot, value, alone=False, example=example, op=op)


ADDED: Final[dict[str, Word]] = {
    "bn": Word("adds batch normalisation after it", "norm", op=BatchNorm),
    "gn": _number("adds group normalisation after it, with this many groups", "32", "width", "norm", GroupNorm),
    "ln": Word("adds layer normalisation after it, over the channels of each pixel", "norm", op=LayerNorm),
    "relu": Word("adds a ReLU after it", "act", op=act.ReLU),
    "relu6": Word("adds a ReLU with an upper bound of 6 after it", "act", op=act.ReLU6),
    "silu": Word("adds a SiLU after it, which is Swish", "act", op=act.SiLU),
    "hardswish": Word("adds a hard swish after it", "act", op=act.Hardswish),
    "hardsigmoid": Word("adds a hard sigmoid after it, of slope 1 / 6", "act", op=act.Hardsigmoid),
    "sigmoid": Word("adds a sigmoid after it", "act", op=act.Sigmoid),
    "tanh": Word("adds a hyperbolic tangent after it", "act", op=act.Tanh),
    "elu": Word("adds an ELU after it", "act", op=act.ELU),
    "gelu": Word("adds a GELU after it, by the error function", "act", op=act.GELU),
    "gelu_tanh": Word("adds the approximation of a GELU by tanh after it", "act", op=act.GELUTanh),
    "mish": Word("adds a Mish after it", "act", op=act.Mish),
    "leaky": _number("adds a leaky ReLU after it, with this slope below 0", "0.1", "number", "act", act.LeakyReLU),
    "prelu": Word("adds a leaky ReLU with a learnt slope after it", "act", op=act.PReLU),
}
"""The words that add an op, a norm or an activation, to a layer."""

ACTIVATIONS: Final = tuple(word.op for word in ADDED.values() if word.slot == "act" and word.op)
"""The ops that the word of a layer can add after it as its activation."""


def _names(slot: str) -> tuple[str, ...]:
    return "none", *(name for name, word in ADDED.items() if word.slot == slot and word.alone)


SIDES: Final = {"top": "above", "bottom": "below", "left": "on the left", "right": "on the right"}
"""The sides of an image, and where they are."""

_AXES: Final = dict(zip(AXES, ("channels", "rows", "columns"), strict=True))


def _exchange(order: str) -> Word:
    """The word of an order of axes, by what becomes of those that change places."""
    moved = [f"{new} of the {_AXES[old]}" for (axis, new), old in zip(_AXES.items(), order, strict=True) if axis != old]
    return Word(f"makes {', '.join(moved[:-1])} and {moved[-1]}", "order")


WORDS: Final[dict[str, Word]] = {
    "same": Word("pads both sides equally, so that out = ceil(in / stride); for odd kernels", "padding"),
    "same_upper": Word("pads like `same`, with an odd pixel at the right and bottom (TensorFlow's SAME)", "padding"),
    "valid": Word("adds no padding", "padding"),
    "ceil": Word("keeps a last window that extends past the border (Caffe's pooling)"),
    "pad": _number("pads every side by this many pixels, or by height x width", "1", "pair", "padding"),
    "output_padding": _number("keeps this many pixels that padding cut off, below and on the right", "1", "pair"),
    "global": Word("covers the whole image with one window; takes no kernel", "extent"),
    "to": _number("gives an output of this size for any image; takes no kernel or factor", "4x4", "pair", "extent"),
    "count_pad": Word("counts padding as zeros in an average (Caffe, torchvision)", "border"),
    "skip_pad": Word("leaves padding out of an average (TF-Slim, Keras)", "border"),
    **ADDED,
    "norm": Word("names the norm after it", "norm", choices=_names("norm"), alone=False),
    "act": Word("names the activation after it", "act", choices=_names("act"), alone=False),
    "bias": Word("adds a bias for each output", choices=("none",)),
    "gamma": Word("gives batch normalisation a learnt scale", choices=("none",)),
    "eps": _number("is added to the variance in a norm: 0.001 in `bn`, 0.00001 in `gn` and `ln`", "0.001"),
    "momentum": _number("is how far a batch moves the running statistics of `bn` in training", "0.01", "share"),
    "per_channel": Word("gives `prelu` a slope for each channel, not one for all", choices=("none",)),
    "groups": _number(
        "splits input and output channels into this many groups; `groups={in}` is depthwise", "32", "width"
    ),
    "depthwise": Word(
        "gives every channel filters of its own: `groups={in}`", "groups", same_as=("groups", Name("in"))
    ),
    "dilation": _number("dilates the kernel: this many pixels between neighbouring weights", "2", "pair"),
    "pooled": Word(
        "is what the max pool read: a row, or a step to the left", value="reference", alone=False, example="@conv1"
    ),
    "kernels": _number("slides this many kernels, and joins their outputs", "2", "width"),
    "start": _number("is the first of its channels, counted from 0", "32", "offset"),
    "reflect": Word("mirrors the image in the margin, in place of zeros"),
    **{side: Word(f"cuts off, or adds, pixels {where}") for side, where in SIDES.items()},
    **{order: _exchange(order) for order in ORDERS},
    "nearest": Word("repeats pixels, or leaves some out", "mode"),
    "bilinear": Word("interpolates between pixels", "mode"),
    "align_corners": Word("puts the corner pixels of a `bilinear` output where those of the input are"),
    "alpha": _number("scales the sum of squares, after division by the number of channels it spans", "0.0001"),
    "beta": _number("is the exponent of the normaliser", "0.75"),
    "k": _number("is added to the weighted sum of squares", "1"),
}
