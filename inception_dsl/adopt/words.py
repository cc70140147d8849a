"""Layers of a graph as uses in the language, and the defaults that say what nearly all of them say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from inception_dsl.adopt.units import Unit, Units, is_depthwise
from inception_dsl.elaborate.printer import as_term
from inception_dsl.interchange.canonical import LINEAR
from inception_dsl.interchange.constant import decimal
from inception_dsl.ir import program
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, LinearLayer
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool, Unpool
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.shapes import Padding, ShapeError, Window
from inception_dsl.ir.values import Name, Number
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.words import WORDS
from inception_dsl.syntax.terms import Term, Use, WordTerm

PREFERRED: Final = ("same", "valid", "ceil", "same_upper")
"""Paddings in the order in which they are tried; what none of them says stays as it was read."""

WINDOWED: Final = (Conv, MaxPool, AvgPool, Unpool)

PADDINGS: Final = {
    "same": Padding("same"),
    "valid": Padding("pad"),
    "ceil": Padding("pad", ceil=True),
    "same_upper": Padding("same_upper"),
}


def uses_of(network: Units) -> dict[int, Term]:
    """Every layer of a network as a term, with all its words."""
    orders: dict[type[Op], tuple[str, ...]] = {kind: _order(kind, network.units) for kind in WINDOWED}
    return {index: _use(unit, orders) for index, unit in enumerate(network.units) if not unit.joins}


def _order(kind: type[Op], units: Iterable[Unit]) -> tuple[str, ...]:
    """The paddings in the order in which a kind of layer tries them: first what its layers with strides have most."""
    windows = ((unit, _window(unit)) for unit in units if isinstance(unit.ops[0], kind))
    strided = [unit for unit, window in windows if window and max(window.stride) > 1 < max(window.reach)]
    fits = Counter(kind for unit in strided for kind in PREFERRED if _with_padding(unit, kind))
    ordered = sorted(PREFERRED, key=lambda padding: (-fits[padding], PREFERRED.index(padding)))
    return tuple(ordered) if ordered[0] == "same_upper" else PREFERRED


def with_classes(network: Units, uses: Mapping[int, Term]) -> dict[int, Term]:
    """The uses with `{classes}` for the width of the layers that score the classes."""
    found = dict(uses)
    for output in network.outputs.values():
        unit, index = network.units[output], output
        while not isinstance(unit.ops[-1], LinearLayer) and not unit.joins and unit.inputs[0] >= 0:
            if isinstance(unit.ops[0], LinearLayer):
                break
            index = unit.inputs[0]
            unit = network.units[index]
        use = found.get(index)
        if isinstance(use, Use) and use.width == Number(classes_of(network)) and use.name in LINEAR:
            found[index] = replace(use, width=Name("classes"))
    return found


def classes_of(network: Units) -> int:
    """The classes that the main output of a network has scores of: its channels."""
    output = next(iter(network.outputs.values()))
    return network.units[output].out.channels if output >= 0 else network.graph.input.channels


def _use(unit: Unit, orders: Mapping[type[Op], tuple[str, ...]]) -> Term:
    first, *rest = unit.ops
    for padding in orders.get(type(first), ()):
        if plain := _with_padding(unit, padding):
            first = plain
            break
    if isinstance(first, ConvTranspose):
        first = _plainly_padded(first, unit)
    if isinstance(first, AvgPool) and first.count_pad and not _pads(first.window):
        first = replace(first, count_pad=False)
    if isinstance(first, Scale):
        first = Scale(decimal(first.factor))
    term = as_term(program.Layer((first, *rest)))
    if isinstance(term, Use) and is_depthwise(unit):
        words = [WordTerm("depthwise") if word.text == "groups" else word for word in term.words]
        term = replace(term, words=tuple(words))
    if isinstance(term, Use) and term.kernel == (Number(1), Number(1)) and isinstance(first, Conv):
        term = replace(term, words=tuple(word for word in term.words if word.text != "valid"))
    return term


def _pads(window: Window | None) -> bool:
    return window is not None and window.padding != Padding()


def _window(unit: Unit) -> Window | None:
    op = unit.ops[0]
    return op.window if isinstance(op, WINDOWED) and len(unit.arrives.shape) == 3 else None


def _with_padding(unit: Unit, kind: str) -> Op | None:
    """The op of a layer with another padding, if that reads the same pixels of the image."""
    op, window, padding = unit.ops[0], _window(unit), PADDINGS[kind]
    if window is None or not isinstance(op, WINDOWED):
        return None
    if kind == "same" and any(reach % 2 == 0 for reach in window.reach):
        return None
    if padding.ceil and (isinstance(op, Conv) or window.stride == (1, 1)):
        return None
    if max(window.reach) == 1 and kind != "valid":
        return None
    other, image = replace(window, padding=padding), (unit.out if isinstance(op, Unpool) else unit.arrives).image
    try:
        axes = other.axes(image)
    except ShapeError:
        return None
    counted = isinstance(op, AvgPool) and op.count_pad
    own = window.axes(image)
    same = all(
        (one.before, one.out) == (two.before, two.out) and (not counted or one.after == two.after)
        for one, two in zip(axes, own, strict=True)
    )
    return replace(op, window=other) if same else None


def _plainly_padded(op: ConvTranspose, unit: Unit) -> ConvTranspose:
    """A transposed convolution with the plainest padding that cuts off the same pixels."""
    plain = [PADDINGS["same"]] if all(reach % 2 for reach in op.window.reach) and max(op.window.reach) > 1 else []
    others = (replace(op, window=replace(op.window, padding=each), output_padding=(0, 0)) for each in plain)
    return next((other for other in others if other.cut == op.cut), op)


# --- defaults ---------------------------------------------------------------------------------------------------------

DEFAULTED: Final = ("conv", "conv_transpose", "maxpool", "unpool", "avgpool", "bn", "ln", "gn", "fc")
"""The layers that get defaults, in the order in which they are printed."""

SLOTS: Final = ("padding", "ceil", "norm", "act", "bias", "eps", "gamma", "momentum", "border")
"""What defaults set, in the order in which they are printed."""


def defaults_of(uses: Iterable[Use]) -> dict[str, tuple[WordTerm, ...]]:
    """For every kind of layer, the words that make its uses shortest."""
    by_name: defaultdict[str, list[Use]] = defaultdict(list)
    for use in uses:
        if isinstance(use.name, str) and use.name in DEFAULTED:
            by_name[use.name].append(use)
    found = {name: _defaults(name, by_name[name]) for name in DEFAULTED if len(by_name[name]) > 1}
    return {name: words for name, words in found.items() if words}


def _defaults(name: str, uses: list[Use]) -> tuple[WordTerm, ...]:
    words: list[WordTerm] = []
    for slot in SLOTS:
        given = Counter(word for use in uses for word in use.words if _slot(word) == slot and not _varies(word))
        for word, _ in given.most_common(1):
            with_it = (*words, word)
            if _length(name, uses, with_it) < _length(name, uses, tuple(words)):
                words.append(word)
    return tuple(words)


def _varies(word: WordTerm) -> bool:
    """Whether a word has a value that is not a plain number."""
    return word.value is not None and not isinstance(word.value, Number)


def _length(name: str, uses: list[Use], defaults: tuple[WordTerm, ...]) -> int:
    return len(defaults) + sum(len(with_defaults(use, {name: defaults}).words) for use in uses)


def _slot(word: WordTerm) -> str:
    return WORDS[word.text].slot or word.text if word.text in WORDS else word.text


OF_NORMS: Final = ("eps", "gamma", "momentum")


def with_defaults(use: Use, defaults: Mapping[str, tuple[WordTerm, ...]]) -> Use:
    """A use without the words that its defaults say, and with words against those that it lacks."""
    if not isinstance(use.name, str) or not defaults.get(use.name):
        return use
    own = {_slot(word): word for word in use.words}
    given = {_slot(word): word for word in defaults[use.name]}
    return replace(use, words=tuple(_words(use, own, given)))


def _words(use: Use, own: Mapping[str, WordTerm], given: Mapping[str, WordTerm]) -> Iterator[WordTerm]:
    """The words that a use needs beside those that are given. Words about padding replace each other together."""
    pads = ("padding", "ceil")
    unpadded = "extent" in own or ("padding" not in own and "ceil" not in own)  # nothing to pad, or no window
    same_pads = unpadded or all(own.get(pad) == given.get(pad) for pad in pads)
    mine = {slot: _added(word, slot) for slot, word in own.items()}
    theirs = {slot: _added(word, slot) for slot, word in given.items()}
    for slot, word in own.items():
        if slot in pads:
            needed = not same_pads
        elif slot == "border":
            needed = not unpadded and given.get(slot) != word
        elif slot in OF_NORMS and "norm" in given and mine.get("norm") != theirs.get("norm"):
            needed = True  # those of the defaults belong to another norm
        else:
            needed = given.get(slot) != word
        if needed:
            yield word
    norm = mine.get("norm")
    normed = use.name in ("bn", "ln", "gn") or (norm is not None and norm == theirs.get("norm", norm))
    yield from (
        against
        for slot, word in given.items()
        if slot not in own and slot not in pads and (against := _against(use, slot, word, normed, unpadded))
    )


def _against(use: Use, slot: str, word: WordTerm, normed: bool, unpadded: bool) -> WordTerm | None:
    """The word that takes back what a default says, where that concerns a layer."""
    match slot:
        case "norm" | "act":
            return WordTerm(slot, "none")
        case "eps" | "gamma" | "momentum":
            return _usual(use, slot) if normed else None
        case "border":
            unpadded = unpadded or any(each.text == "valid" for each in use.words)
            return None if unpadded or word.text != "count_pad" else WordTerm("skip_pad")
        case "bias":
            return WordTerm("bias", "none") if word.value is None else WordTerm("bias")
        case _:
            return None


def _added(word: WordTerm, slot: str) -> str:
    return str(word.value) if word.text == slot and isinstance(word.value, str) else word.text


def _usual(use: Use, slot: str) -> WordTerm | None:
    """The word that sets a slot of a layer's norm to what holds without a word; None where it has no such slot."""
    norm = next((word.text for word in use.words if _slot(word) == "norm"), str(use.name))
    if slot not in LAYERS[norm].defaults:
        return None
    text, _, value = LAYERS[norm].defaults[slot].partition("=")
    if not value:
        return WordTerm(text)
    return WordTerm(text, Number(float(value))) if value != "none" else WordTerm(text, value)
