"""The window of a layer: its kernel, stride, padding and dilation, from the formula and its words."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.layers import IMPOSSIBLE_PADDING, MISSING_PADDING
from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.elaborate.scope import MAX_CHANNELS, Scope
from inception_dsl.elaborate.words import Words
from inception_dsl.ir.shapes import Padding, Pair, Window
from inception_dsl.ir.values import Number, Value
from inception_dsl.spec.vocabulary.entry import MAX_EXTENT
from inception_dsl.spec.vocabulary.layers import LAYERS, STRIDE
from inception_dsl.spec.vocabulary.words import WORDS
from inception_dsl.syntax.terms import Dimensions, Use, WordTerm


def window(name: str, use: Use, words: Words, scope: Scope) -> Window:
    """The window of a layer with a kernel. Raises `Fault`."""
    assert use.kernel is not None
    kernel = pair(use.kernel, "a kernel", scope)
    stride = pair(use.stride, "a stride", scope) if use.stride else (STRIDE, STRIDE)
    dilation = word_pair(name, words["dilation"], 1, scope) if "dilation" in words else (1, 1)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    padding = _padding(name, use, reach, words, scope)
    return Window(kernel, stride, padding, dilation)


def span(name: str, use: Use, words: Words, scope: Scope) -> dict[str, int]:
    """The kernel, stride and padding of a layer whose window slides along the channels. Raises `Fault`."""
    written = use.fraction or (use.width, Number(STRIDE))
    assert written[0] is not None
    kernel = scope.integer(written[0], "a kernel", 1, MAX_CHANNELS)
    stride = scope.integer(written[1], "a stride", 1, MAX_CHANNELS)
    padding = _padding(name, use, (kernel, kernel), words, scope)
    before, after = padding.amount if padding.kind == "pad" else (kernel // 2, kernel // 2)
    if before != after:
        hint = f"write `pad={before}`, which pads before the first channel and after the last"
        raise scope.fault(CANNOT_EVALUATE, "channels have no height and width", words["padding"].at, help=hint)
    return {"kernel": kernel, "stride": stride, "pad": before}


def _padding(name: str, use: Use, reach: tuple[int, ...], words: Words, scope: Scope) -> Padding:
    border, ceil = words.get("padding"), "ceil" in words
    if border is None:
        if reach == (1, 1) or ceil:
            return Padding(ceil=ceil)
        pads = {name: word for name, word in WORDS.items() if word.slot == "padding" or name == "ceil"}
        kinds = [name if word.alone else f"{name}={word.example}" for name, word in pads.items()]
        kinds = [kind for kind in kinds if kind.split("=")[0] in LAYERS[name].words]
        hint = f"add one of {listing(kinds, 'or')}, here or in `defaults`"
        raise scope.fault(MISSING_PADDING, f"`{name}` does not state its padding", use.at, help=hint)
    if border.text == "pad":
        amount = word_pair(name, border, 0, scope)
        if not LAYERS[name].number and any(2 * pad > size for pad, size in zip(amount, reach, strict=True)):
            most = "x".join(dict.fromkeys(str(size // 2) for size in reach))
            hint = f"write `pad={most}`, or less"
            raise scope.fault(IMPOSSIBLE_PADDING, "a pool can pad by at most half its kernel", border.at, help=hint)
        return Padding("pad", amount, ceil)
    if border.text == "same":
        if any(size % 2 == 0 for size in reach):
            hint = "write `same_upper`, which puts the odd pixel at the right and bottom (TensorFlow), or `pad=N`"
            hint = hint if "same_upper" in LAYERS[name].words else "write `pad=N`, or an odd kernel"
            raise scope.fault(
                IMPOSSIBLE_PADDING, "`same` cannot pad an even kernel equally on both sides", use.at, help=hint
            )
        return Padding("same")
    return Padding("same_upper") if border.text == "same_upper" else Padding(ceil=ceil)


def pair(dimensions: Dimensions, what: str, scope: Scope, low: int = 1) -> Pair:
    """Two whole numbers, each at least `low`. Raises `Fault`."""
    height, width = (scope.integer(value, what, low, MAX_EXTENT) for value in dimensions)
    return height, width


def word_pair(name: str, word: WordTerm, low: int, scope: Scope) -> Pair:
    """The number of a word, or its two, each at least `low`. Raises `Fault`."""
    value = word.value
    if isinstance(value, tuple):
        return pair(value, f"`{word.text}`", scope, low)
    if not isinstance(value, Value):
        hint = f"`{value}` is a word of its own" if value in LAYERS[name].words else ""
        message = f"`{word.text}` must be a number, or two such as `1x3`"
        raise scope.fault(CANNOT_EVALUATE, message, word.at, help=hint)
    return pair((value, value), f"`{word.text}`", scope, low)
