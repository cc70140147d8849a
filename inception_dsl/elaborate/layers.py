"""The words of the language: `conv 3x3/2 64 same bn relu` becomes its ops, with the spec's defaults filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from inception_dsl.diagnostics import did_you_mean, listing
from inception_dsl.elaborate.scope import Fault, Scope, told
from inception_dsl.ir import Absent, Body, Layer, Sequence
from inception_dsl.ops import (
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    FullyConnected,
    MaxPool,
    Op,
    ReLU,
    Softmax,
)
from inception_dsl.shapes import Padding, Pair, Window
from inception_dsl.syntax.terms import Dimensions, Use, Word
from inception_dsl.values import Value

BORDER: Final = ("same", "same_upper", "valid", "pad")
LARGEST: Final = 1000
"""No kernel, stride, padding or dilation is larger."""

SLOTS: Final = {
    **dict.fromkeys(BORDER, "padding"),
    "bn": "norm",
    "relu": "act",
    **dict.fromkeys(("count_pad", "skip_pad"), "border"),
    **dict.fromkeys(("global", "to"), "whole"),
}
"""Words that exclude each other share a slot; any other word is a slot of its own."""

SWITCHES: Final = ("bias", "gamma")
"""Words that stand alone, or say `none`."""

CHOICES: Final = {"norm": ("none", "bn"), "act": ("none", "relu"), **dict.fromkeys(SWITCHES, ("none",))}
NUMBERS: Final = frozenset({"pad", "to", "groups", "dilation", "eps", "alpha", "beta", "k"})
PADS: Final = frozenset({*BORDER, "ceil"})


class _Grammar(NamedTuple):
    """What a layer takes: a kernel, a number after it (what that is), and which words."""

    kernel: bool = False
    number: str = ""
    words: frozenset[str] = frozenset()


GRAMMAR: Final = {
    "conv": _Grammar(
        True, "width", frozenset({*BORDER, "bn", "norm", "relu", "act", "bias", "groups", "dilation", "eps", "gamma"})
    ),
    "maxpool": _Grammar(True, "", PADS | {"global"}),
    "avgpool": _Grammar(True, "", PADS | {"global", "to", "count_pad", "skip_pad"}),
    "lrn": _Grammar(False, "number of channels", frozenset({"alpha", "beta", "k"})),
    "bn": _Grammar(words=frozenset({"eps", "gamma"})),
    "relu": _Grammar(),
    "dropout": _Grammar(False, "share"),
    "fc": _Grammar(False, "width", frozenset({"relu", "act", "bias"})),
    "softmax": _Grammar(),
    "flatten": _Grammar(),
    "pass": _Grammar(),
}

Words = Mapping[str, Word]
"""The words of a layer by what they set: `padding`, `act`, `groups`, ..."""


def layer(name: str, use: Use, defaults: Words, scope: Scope) -> Body:
    """The ops of one layer of the language; `Absent` where its width is empty or 0. Raises `Fault`."""
    grammar = GRAMMAR[name]
    words = _merge(defaults, by_slot(name, use.words, scope), scope)
    _check_arity(name, use, grammar, words["whole"].text if "whole" in words else "", scope)
    return BUILDERS[name](use, words, scope)


def _check_arity(name: str, use: Use, grammar: _Grammar, whole: str, scope: Scope) -> None:
    wants_kernel = grammar.kernel and not whole
    if wants_kernel and use.kernel is None:
        hint = f"write `{name} 3x3{' 64' if grammar.number else ''}`"
        hint += f", or `{name} global`" if "global" in grammar.words else ""
        raise scope.fault("E202", f"`{name}` needs a kernel", use.at, help=hint)
    if not wants_kernel and use.kernel is not None:
        hint = "delete it" + (f", or the word `{whole}`, which takes the whole image" if whole else "")
        raise scope.fault("E202", f"`{f'{name} {whole}'.strip()}` takes no kernel", use.size_at, help=hint)
    if grammar.number and use.width is None:
        raise scope.fault("E202", f"`{name}` needs a {grammar.number}", use.at, help=f"write {EXAMPLES[name]}")
    if not grammar.number and use.width is not None:
        hint = f"delete it: `{name}` keeps the width"
        raise scope.fault("E202", f"`{name}` takes no width", use.width.at, help=hint)


EXAMPLES: Final = {
    "conv": "the number of filters, such as `conv 3x3 64`",
    "fc": "the number of outputs, such as `fc {classes}`",
    "lrn": "the channels it spans, such as `lrn 5`",
    "dropout": "the share it drops, such as `dropout 40%`",
    "eps": "0.001",
    "groups": "32",
    "to": "4x4",
    "dilation": "2",
}


def by_slot(name: str, words: Iterable[Word], scope: Scope) -> dict[str, Word]:
    """Words by what they set; raises `Fault` for one that the layer cannot take, or two that contradict each other."""
    slots: dict[str, Word] = {}
    for word in words:
        _check_word(name, word, scope)
        slot = SLOTS.get(word.text, word.text)
        if slot in slots:
            first, second = scope.text(slots[slot].at), scope.text(word.at)
            message = f"`{first}` and `{second}` contradict each other"
            message = f"`{first}` is said twice" if first == second else message
            raise scope.fault("E219", message, word.at, help="keep one of them")
        slots[slot] = word
    return slots


def _merge(defaults: Words, own: Words, scope: Scope) -> Words:
    """Own words, and those defaults that they do not replace; how a layer pads is replaced as a whole."""
    pads = {"padding", "ceil"}
    for pad in sorted(pads & own.keys()) if "whole" in own else ():
        message = f"`{own[pad].text}` says nothing beside `{own['whole'].text}`"
        raise scope.fault("E219", message, own[pad].at, help="delete it: the windows cover the image as it is")
    replaced = pads if {*pads, "whole"} & own.keys() else set()
    return {slot: word for slot, word in defaults.items() if slot not in replaced} | {**own}


def _check_word(name: str, word: Word, scope: Scope) -> None:
    known = GRAMMAR[name].words
    if word.text not in known:
        hint = did_you_mean(word.text, known) or (f"its words are {listing(sorted(known))}" if known else "delete it")
        hint = f"a layer of its own is written `-> {word.text}`" if word.text in GRAMMAR else hint
        raise scope.fault("E203", f"`{name}` takes no word{f' `{word.text}`' if known else 's'}", word.at, help=hint)
    if word.text in CHOICES and not (word.text in SWITCHES and word.value is None):
        if word.value not in CHOICES[word.text]:
            choices = listing([f"{word.text}={choice}" for choice in CHOICES[word.text]], "or")
            hint = f"write {choices}" + (f", or `{word.text}` alone" if word.text in SWITCHES else "")
            raise scope.fault("E203", f"`{scope.text(word.at)}` is no setting of `{name}`", word.at, help=hint)
    elif (word.value is not None) != (word.text in NUMBERS):
        hint = f"write `{word.text}={EXAMPLES.get(word.text, '1')}`" if word.value is None else f"write `{word.text}`"
        needs = "needs a value" if word.value is None else "takes no value"
        raise scope.fault("E203", f"`{word.text}` {needs}", word.at, help=hint)


def _conv(use: Use, words: Words, scope: Scope) -> Body:
    assert use.width is not None
    window = _window("conv", use, words, scope)
    width = scope.width(use.width)
    groups = scope.width(words["groups"].value) if "groups" in words else 1
    if width is None:
        return Absent(origin=scope.span(use.at))
    if groups is None:
        hint = "delete it, or write 1"
        raise scope.fault("E207", "the number of groups is empty or 0", words["groups"].at, help=hint)
    bias = "bias" in words and words["bias"].value is None
    ops: list[Op] = [Conv(width, window, groups, bias)]
    if _chosen(words, "norm", "bn"):
        ops.append(_batch_norm(words, scope))
    return _layer(ops, words, use, scope)


def _fc(use: Use, words: Words, scope: Scope) -> Body:
    assert use.width is not None
    width = scope.width(use.width)
    if width is None:
        return Absent(origin=scope.span(use.at))
    bias = "bias" not in words or words["bias"].value is None
    return _layer([Flatten(), FullyConnected(width, bias)], words, use, scope)


def _layer(ops: list[Op], words: Words, use: Use, scope: Scope) -> Layer:
    if _chosen(words, "act", "relu"):
        ops.append(ReLU())
    return Layer(tuple(ops), origin=scope.span(use.at))


def _chosen(words: Words, slot: str, what: str) -> bool:
    return slot in words and (words[slot].text == what or words[slot].value == what)


def _maxpool(use: Use, words: Words, scope: Scope) -> Body:
    window = None if "whole" in words else _window("maxpool", use, words, scope)
    return Layer((MaxPool(window),), origin=scope.span(use.at))


def _avgpool(use: Use, words: Words, scope: Scope) -> Body:
    whole = words.get("whole")
    window = None if whole else _window("avgpool", use, words, scope)
    counted = "border" in words and words["border"].text == "count_pad"
    to = _word_pair(whole, 1, scope) if whole and whole.text == "to" else (1, 1)
    return Layer((AvgPool(window, counted, to),), origin=scope.span(use.at))


def _lrn(use: Use, words: Words, scope: Scope) -> Body:
    assert use.width is not None
    size = scope.whole(use.width, "the span of `lrn`", 1, LARGEST)
    if size % 2 == 0:
        hint = f"write `lrn {size - 1}` or `lrn {size + 1}`"
        raise scope.fault("E211", f"`lrn {size}` has no middle channel", use.width.at, help=hint)
    constants = {key: scope.real(words[key]) for key in ("alpha", "beta", "k") if key in words}
    return Layer((LRN(size, **constants),), origin=scope.span(use.at))


def _batch_norm(words: Words, scope: Scope) -> BatchNorm:
    gamma = "gamma" not in words or words["gamma"].value is None
    return BatchNorm(scope.real(words["eps"]), gamma) if "eps" in words else BatchNorm(gamma=gamma)


def _dropout(use: Use, words: Words, scope: Scope) -> Body:
    assert use.width is not None
    share = scope.known(use.width)
    if not isinstance(share, int | float) or not 0 <= share < 1:
        hint = f"write `dropout {share}%`" if isinstance(share, int) and 1 < share < 100 else "write `dropout 40%`, say"
        raise scope.bad("E207", use.width, f"`dropout` drops a share of less than 1, not {told(share)}", hint)
    return Layer((Dropout(float(share)),), origin=scope.span(use.at))


def _plain(op: Op) -> Callable[[Use, Words, Scope], Body]:
    return lambda use, words, scope: Layer((op,), origin=scope.span(use.at))


def _pass(use: Use, words: Words, scope: Scope) -> Body:
    return Sequence((), origin=scope.span(use.at))


BUILDERS: Final[dict[str, Callable[[Use, Words, Scope], Body]]] = {
    "conv": _conv,
    "maxpool": _maxpool,
    "avgpool": _avgpool,
    "lrn": _lrn,
    "bn": lambda use, words, scope: Layer((_batch_norm(words, scope),), origin=scope.span(use.at)),
    "relu": _plain(ReLU()),
    "dropout": _dropout,
    "fc": _fc,
    "softmax": _plain(Softmax()),
    "flatten": _plain(Flatten()),
    "pass": _pass,
}


def _window(name: str, use: Use, words: Words, scope: Scope) -> Window:
    assert use.kernel is not None
    kernel = _pair(use.kernel, "a kernel", scope)
    stride = _pair(use.stride, "a stride", scope) if use.stride else (1, 1)
    dilation = _word_pair(words["dilation"], 1, scope) if "dilation" in words else (1, 1)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    padding = _padding(name, use, reach, words, scope)
    return Window(kernel, stride, padding, dilation)


def _padding(name: str, use: Use, reach: tuple[int, ...], words: Words, scope: Scope) -> Padding:
    border, ceil = words.get("padding"), "ceil" in words
    if border is None:
        if reach == (1, 1) or ceil:
            return Padding(ceil=ceil)
        kinds = [word for word in (*BORDER[:3], "ceil", "pad=1") if word.split("=")[0] in GRAMMAR[name].words]
        hint = f"add one of {listing(kinds, 'or')}, here or in `defaults`"
        raise scope.fault("E210", f"`{name}` does not say how it pads", use.at, help=hint)
    if border.text == "pad":
        amount = _word_pair(border, 0, scope)
        if name != "conv" and any(2 * pad > size for pad, size in zip(amount, reach, strict=True)):
            most = "x".join(dict.fromkeys(str(size // 2) for size in reach))
            hint = f"write `pad={most}`, or less"
            raise scope.fault("E211", "a pool pads by half its kernel at most", border.at, help=hint)
        return Padding("pad", amount, ceil)
    if ceil and border.text != "valid":
        message = f"`ceil` and `{border.text}` contradict each other"
        raise scope.fault("E219", message, words["ceil"].at, help="keep one of them")
    if border.text == "same":
        if any(size % 2 == 0 for size in reach):
            hint = "write `same_upper`, which puts the odd pixel right and below (TensorFlow), or `pad=N`"
            raise scope.fault("E211", "`same` cannot pad an even kernel alike on both sides", use.at, help=hint)
        return Padding("same")
    return Padding("same_upper") if border.text == "same_upper" else Padding(ceil=ceil)


def _pair(dimensions: Dimensions, what: str, scope: Scope, low: int = 1) -> Pair:
    height, width = (scope.whole(value, what, low, LARGEST) for value in dimensions)
    return height, width


def _word_pair(word: Word, low: int, scope: Scope) -> Pair:
    value = word.value
    if isinstance(value, tuple):
        return _pair(value, f"`{word.text}`", scope, low)
    if not isinstance(value, Value):
        raise Fault("E207", f"`{word.text}` must be a number, or two such as `1x3`", scope.span(word.at))
    return _pair((value, value), f"`{word.text}`", scope, low)
