"""The words of the language: `conv 3x3/2 64 same bn relu` becomes its ops, with the spec's defaults filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from inception_dsl.diagnostics.codes.layers import (
    CONFLICTING_WORDS,
    IMPOSSIBLE_PADDING,
    INAPPLICABLE_WORD,
    MISSING_PADDING,
    WRONG_LAYER_ARGUMENTS,
)
from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE, UNDEFINED_NAME
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.elaborate.scope import Fault, Scope, told
from inception_dsl.elaborate.words import Words, by_slot, check_effect, chosen, is_on, merge, moved
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import LRN, AvgPool, BatchNorm, Conv, Dropout, Flatten, FullyConnected, MaxPool, ReLU, Softmax
from inception_dsl.ir.program import Body, Dropped, Layer, Sequence
from inception_dsl.ir.shapes import Padding, Pair, Window
from inception_dsl.ir.values import Scalar, Value, Width
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.vocabulary import LARGEST, LAYERS, NAMES, STRIDE, WORDS
from inception_dsl.syntax.formula import Formula
from inception_dsl.syntax.terms import Dimensions, Use, Word, value_names

CAUSED: Final = frozenset({MISSING_PADDING, CONFLICTING_WORDS, INAPPLICABLE_WORD})
"""Faults of a layer that a wrong word in its defaults may have caused."""


class Layers:
    """Makes the layers of a spec, on its defaults; what is wrong with those goes to `findings`, once."""

    def __init__(self, spec: NetworkSpec, constants: Mapping[str, Scalar | None], findings: Findings) -> None:
        self.findings = findings
        self.broken: set[str] = set()
        self.defaults: dict[str, Words] = {}
        self.names = {*NAMES, *constants, *(cell.text for cell in spec.table.header)}
        self.names |= {column for module in spec.modules.values() for column in module.columns}
        for name, words in spec.defaults.items():
            fragment = spec.document.text(("defaults", name))
            scope = Scope(Formula(Use(name, at=(0, 1)), fragment), constants, {})
            self.defaults[name] = self._read(name, words, scope) if name in LAYERS else {}

    def _read(self, name: str, words: Iterable[Word], scope: Scope) -> Words:
        """The words that are right, by what they set."""
        right: list[Word] = []
        for word in words:
            try:
                by_slot(name, (*right, word), scope)
                self._check_value(name, word, scope)
                right.append(word)
            except Fault as fault:
                self.findings.diagnostics.append(fault.diagnostic)
                self.broken.add(name)
        return by_slot(name, right, scope)

    def _check_value(self, name: str, word: Word, scope: Scope) -> None:
        """Raise `Fault` for a value of a default that is wrong whatever the row."""
        used = list(value_names(Use(name, words=(word,))))
        for each in used:
            if each.name not in self.names:
                hint = did_you_mean(each.name, self.names) or f"the names here are {listing(sorted(scope.values))}"
                raise scope.fault(UNDEFINED_NAME, f"nothing here is called `{each.name}`", each.at, help=hint)
        kind = WORDS[word.text].value
        if kind and all(each.name in scope.values for each in used):
            if kind == "pair":
                _word_pair(name, word, 0 if word.text == "pad" else 1, scope)
            elif word.text == "groups":
                _groups(word, scope)
            else:
                scope.real(word)

    def layer(self, name: str, use: Use, scope: Scope) -> Body:
        """The ops of one layer of the language; `Dropped` where its width is empty or 0. Raises `Fault`."""
        defaults = self.defaults.get(name, {})
        try:
            return self._made(name, use, defaults, scope)
        except Fault as fault:
            if name in self.broken and fault.diagnostic.code in CAUSED:
                return Dropped()
            if not defaults:
                raise
        # the same again, with a place for defaults: their own is in another text
        return self._made(name, use, {slot: moved(word, use.at) for slot, word in defaults.items()}, scope)

    def _made(self, name: str, use: Use, defaults: Words, scope: Scope) -> Body:
        own = by_slot(name, use.words, scope)
        words = merge(defaults, own, scope)
        _check_arity(name, use, words["whole"].text if "whole" in words else "", scope)
        check_effect(name, use, own, words, scope, self.findings)
        return BUILDERS[name](use, words, scope)


def _check_arity(name: str, use: Use, whole: str, scope: Scope) -> None:
    entry = LAYERS[name]
    wants_kernel = entry.kernel and not whole
    if wants_kernel and use.kernel is None:
        hint = "write it before the width: `conv 3x3 64`" if entry.number else f"write `{name} 3x3 same`, say"
        hint += f", or `{name} global`" if "global" in entry.words else ""
        if use.width and not entry.number:
            number = scope.text(use.width.at)
            hint = f"a square kernel is `{number}x{number}`"
        raise scope.fault(WRONG_LAYER_ARGUMENTS, f"`{name}` needs a kernel", use.at, help=hint)
    if not wants_kernel and use.kernel is not None:
        hint = "delete it" + (f", or the word `{whole}`, which takes the whole image" if whole else "")
        raise scope.fault(
            WRONG_LAYER_ARGUMENTS, f"`{f'{name} {whole}'.strip()}` takes no kernel", use.size_at, help=hint
        )
    if entry.number and use.width is None:
        raise scope.fault(
            WRONG_LAYER_ARGUMENTS, f"`{name}` needs a {entry.number}", use.at, help=f"write {entry.example}"
        )
    if not entry.number and use.width is not None:
        hint = f"delete it: `{name}` keeps the width"
        hint = "the language has no bound for it (ReLU6)" if name == "relu" else hint
        raise scope.fault(WRONG_LAYER_ARGUMENTS, f"`{name}` takes no width", use.width.at, help=hint)


def _conv(use: Use, words: Words, scope: Scope) -> Body:
    assert use.width is not None
    window = _window("conv", use, words, scope)
    width = scope.width(use.width)
    if width is None:
        return Dropped(origin=scope.span(use.at))
    groups = _groups(words["groups"], scope) if "groups" in words else 1
    ops: list[Op] = [Conv(width, window, groups, is_on("conv", words, "bias"))]
    if chosen(words, "norm", "bn"):
        ops.append(_batch_norm(words, scope))
    return _layer(ops, words, use, scope)


def _groups(word: Word, scope: Scope) -> Width:
    groups = scope.width(word.value)
    if groups is None:
        raise scope.fault(CANNOT_EVALUATE, "the number of groups is empty or 0", word.at, help="delete it, or write 1")
    return groups


def _fc(use: Use, words: Words, scope: Scope) -> Body:
    assert use.width is not None
    width = scope.width(use.width)
    if width is None:
        return Dropped(origin=scope.span(use.at))
    return _layer([Flatten(), FullyConnected(width, is_on("fc", words, "bias"))], words, use, scope)


def _layer(ops: list[Op], words: Words, use: Use, scope: Scope) -> Layer:
    if chosen(words, "act", "relu"):
        ops.append(ReLU())
    return Layer(tuple(ops), origin=scope.span(use.at))


def _maxpool(use: Use, words: Words, scope: Scope) -> Body:
    window = None if "whole" in words else _window("maxpool", use, words, scope)
    return Layer((MaxPool(window),), origin=scope.span(use.at))


def _avgpool(use: Use, words: Words, scope: Scope) -> Body:
    whole = words.get("whole")
    window = None if whole else _window("avgpool", use, words, scope)
    counted = "border" in words and words["border"].text == "count_pad"
    to = _word_pair("avgpool", whole, 1, scope) if whole and whole.text == "to" else (1, 1)
    return Layer((AvgPool(window, counted, to),), origin=scope.span(use.at))


def _lrn(use: Use, words: Words, scope: Scope) -> Body:
    assert use.width is not None
    size = scope.whole(use.width, "the span of `lrn`", 1, LARGEST)
    if size % 2 == 0:
        hint = f"write `lrn {size - 1}` or `lrn {size + 1}`"
        raise scope.fault(IMPOSSIBLE_PADDING, f"`lrn {size}` has no middle channel", use.width.at, help=hint)
    constants = {key: scope.real(words[key]) for key in ("alpha", "beta", "k") if key in words}
    return Layer((LRN(size, **constants),), origin=scope.span(use.at))


def _batch_norm(words: Words, scope: Scope) -> BatchNorm:
    gamma = is_on("bn", words, "gamma")
    return BatchNorm(scope.real(words["eps"]), gamma) if "eps" in words else BatchNorm(gamma=gamma)


def _dropout(use: Use, words: Words, scope: Scope) -> Body:
    assert use.width is not None
    share = scope.known(use.width)
    if not isinstance(share, int | float) or not 0 <= share < 1:
        hint = f"write `dropout {share}%`" if isinstance(share, int) and 1 < share < 100 else "write `dropout 40%`, say"
        raise scope.bad(CANNOT_EVALUATE, use.width, f"`dropout` drops a share of less than 1, not {told(share)}", hint)
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
    stride = _pair(use.stride, "a stride", scope) if use.stride else (STRIDE, STRIDE)
    dilation = _word_pair(name, words["dilation"], 1, scope) if "dilation" in words else (1, 1)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    padding = _padding(name, use, reach, words, scope)
    return Window(kernel, stride, padding, dilation)


def _padding(name: str, use: Use, reach: tuple[int, ...], words: Words, scope: Scope) -> Padding:
    border, ceil = words.get("padding"), "ceil" in words
    if border is None:
        if reach == (1, 1) or ceil:
            return Padding(ceil=ceil)
        pads = {word: each for word, each in WORDS.items() if each.slot == "padding" or word == "ceil"}
        kinds = [word if each.alone else f"{word}={each.example}" for word, each in pads.items()]
        kinds = [kind for kind in kinds if kind.split("=")[0] in LAYERS[name].words]
        hint = f"add one of {listing(kinds, 'or')}, here or in `defaults`"
        raise scope.fault(MISSING_PADDING, f"`{name}` does not say how it pads", use.at, help=hint)
    if border.text == "pad":
        amount = _word_pair(name, border, 0, scope)
        if name != "conv" and any(2 * pad > size for pad, size in zip(amount, reach, strict=True)):
            most = "x".join(dict.fromkeys(str(size // 2) for size in reach))
            hint = f"write `pad={most}`, or less"
            raise scope.fault(IMPOSSIBLE_PADDING, "a pool pads by half its kernel at most", border.at, help=hint)
        return Padding("pad", amount, ceil)
    if border.text == "same":
        if any(size % 2 == 0 for size in reach):
            hint = "write `same_upper`, which puts the odd pixel right and below (TensorFlow), or `pad=N`"
            raise scope.fault(
                IMPOSSIBLE_PADDING, "`same` cannot pad an even kernel alike on both sides", use.at, help=hint
            )
        return Padding("same")
    return Padding("same_upper") if border.text == "same_upper" else Padding(ceil=ceil)


def _pair(dimensions: Dimensions, what: str, scope: Scope, low: int = 1) -> Pair:
    height, width = (scope.whole(value, what, low, LARGEST) for value in dimensions)
    return height, width


def _word_pair(name: str, word: Word, low: int, scope: Scope) -> Pair:
    value = word.value
    if isinstance(value, tuple):
        return _pair(value, f"`{word.text}`", scope, low)
    if not isinstance(value, Value):
        hint = f"`{value}` is a word of its own" if value in LAYERS[name].words else ""
        message = f"`{word.text}` must be a number, or two such as `1x3`"
        raise scope.fault(CANNOT_EVALUATE, message, word.at, help=hint)
    return _pair((value, value), f"`{word.text}`", scope, low)
