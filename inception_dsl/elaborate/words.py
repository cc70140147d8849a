"""The words on a layer: which it takes, which exclude each other, and which have no effect."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from inception_dsl.diagnostics.codes.layers import CONFLICTING_WORDS, INAPPLICABLE_WORD, REDUNDANT_WORD, UNKNOWN_WORD
from inception_dsl.diagnostics.codes.plugins import REMEDY, UNUSABLE_PLUGIN
from inception_dsl.diagnostics.diagnostic import Findings, Note
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.elaborate.scope import Scope, describe_value
from inception_dsl.ir.op import Op
from inception_dsl.ir.values import Function, Number, Operation, Value
from inception_dsl.spec import elsewhere
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.plugins import failure, is_word
from inception_dsl.spec.vocabulary.words import ADDED, WORDS
from inception_dsl.syntax.terms import Dimensions, Use, WordTerm

Words = Mapping[str, WordTerm]
"""The words of a layer by what they set: `padding`, `act`, `groups`, ..."""

OFF: Final = frozenset({"none", "false", "no", "off", "0"})
ON: Final = frozenset({"true", "yes", "on", "1"})
"""What other languages write to switch a thing off or on."""

PADDING: Final = frozenset({"ceil", "output_padding"})
"""Words beside a padding in pixels, which `same` and `same_upper` do not have."""

ADDED_SLOTS: Final = frozenset({"norm", "act"})
"""What a word may add to a layer: at most one of each."""


def by_slot(name: str, words: Iterable[WordTerm], scope: Scope) -> dict[str, WordTerm]:
    """Words by what they set. Raises `Fault` for one that the layer does not take, or two that conflict."""
    slots: dict[str, WordTerm] = {}
    for word in words:
        _check_word(name, word, scope)
        if same := WORDS[word.text].same_as:
            word = WordTerm(same[0], replace(same[1], at=word.at), at=word.at)  # noqa: PLW2901
        slot = WORDS[word.text].slot or word.text
        if slot in slots:
            first, second = scope.text(slots[slot].at), scope.text(word.at)
            message = f"`{first}` and `{second}` contradict each other"
            message = f"`{first}` is given twice" if first == second else message
            raise scope.fault(CONFLICTING_WORDS, message, word.at, help="keep one of them")
        slots[slot] = word
    sides = slots["padding"].text if "padding" in slots else ""
    for beside in PADDING & slots.keys() if sides not in ("", "valid", "pad") else ():
        message = f"`{beside}` and `{sides}` contradict each other"
        raise scope.fault(CONFLICTING_WORDS, message, slots[beside].at, help="keep one of them")
    return slots


def moved(word: WordTerm, at: tuple[int, int]) -> WordTerm:
    """A word with the positions of all its parts set to a place in another text."""
    value = word.value
    if isinstance(value, tuple):
        return replace(word, at=at, value=(_moved(value[0], at), _moved(value[1], at)))
    return replace(word, at=at, value=_moved(value, at) if isinstance(value, Value) else value)


def _moved(value: Value, at: tuple[int, int]) -> Value:
    match value:
        case Operation(operator, left, right):
            return Operation(operator, _moved(left, at), _moved(right, at), at=at)
        case Function(function, arguments):
            return Function(function, tuple(_moved(argument, at) for argument in arguments), at=at)
        case _:
            return replace(value, at=at)


def merge(defaults: Words, own: Words, scope: Scope) -> Words:
    """A layer's own words, and the defaults that they do not replace; words about padding are replaced together."""
    pads = {"padding", *PADDING}
    for pad in sorted(pads & own.keys()) if "extent" in own else ():
        message = f"`{own[pad].text}` has no effect with `{own['extent'].text}`"
        raise scope.fault(
            CONFLICTING_WORDS, message, own[pad].at, help="delete it: the windows cover the image without padding"
        )
    replaced = pads if {*pads, "extent"} & own.keys() else set()
    for slot in ADDED_SLOTS & defaults.keys() & own.keys():
        if (op := added_op(defaults, slot)) and op is not added_op(own, slot):
            replaced |= LAYERS[op.name].words  # the `eps` of a default is that of its own norm
    return {slot: word for slot, word in defaults.items() if slot not in replaced} | {**own}


def chosen(words: Words, scope: Scope) -> Words:
    """Words with the names that values stand for: `act={act}` as `act=relu`; an empty value as `act=none`.

    Raises `Fault` E203 for a value that the word cannot have.
    """
    return {slot: _chosen(word, scope) for slot, word in words.items()}


def _chosen(word: WordTerm, scope: Scope) -> WordTerm:
    choices = WORDS[word.text].choices
    if not choices or not isinstance(word.value, Value):
        return word
    value = scope.known(word.value)
    value = "none" if value is None else value
    if not _is_choice(word.text, value):
        _check_plugin(value, word, scope)
        message = f"{describe_value(value)} is not a setting of `{word.text}`"
        raise scope.bad(UNKNOWN_WORD, word.value, message, _choice_hint(word, str(value)))
    return replace(word, value=str(value))


def _is_choice(word: str, value: object) -> bool:
    """Whether a word takes a value among its choices, which a word of a plugin may join."""
    return value in WORDS[word].choices or (isinstance(value, str) and is_word(value) and value in WORDS[word].choices)


def _check_plugin(name: object, word: WordTerm, scope: Scope) -> None:
    """Raise `Fault` E009 at a word where a plugin that offers a name fails."""
    if isinstance(name, str) and (why := failure("words", name)):
        raise scope.fault(UNUSABLE_PLUGIN, why, word.at, help=REMEDY)


def added_op(words: Words, slot: str) -> type[Op] | None:
    """The op that a slot adds to a layer: `bn` and `norm=bn` add a batch norm, `norm=none` and no word add nothing."""
    if slot not in words:
        return None
    word = words[slot]
    name = word.text if WORDS[word.text].op else word.value
    return WORDS[name].op if isinstance(name, str) and name in WORDS else None


def check_effect(name: str, use: Use, own: Words, words: Words, scope: Scope, findings: Findings) -> None:
    """Report words on a layer itself that have no effect; those of `defaults` are for other layers too.

    Raises `Fault` E220 where the word asks for what the layer lacks; W201 where the layer is what was meant.
    """
    for slot in ADDED_SLOTS & LAYERS[name].words:
        _check_added(slot, own, words, scope)
    if "align_corners" in own and ("mode" not in words or words["mode"].text != "bilinear"):
        message, hint = "`align_corners` has nothing to act on: this layer takes single pixels", "write `bilinear` too"
        raise scope.fault(INAPPLICABLE_WORD, message, own["align_corners"].at, help=f"delete it, or {hint}")
    number = LAYERS[name].number
    if number and number.kind == "share" and isinstance(use.width, Number) and use.width.value == 0:
        findings.warn(REDUNDANT_WORD, f"`{name}` drops nothing here", scope.span(use.at), help="delete it")
    for word, why in _redundant(use, own, words):
        hint = "write `valid`" if word.text == "ceil" and "padding" not in own else "delete it"
        findings.warn(REDUNDANT_WORD, f"`{word.text}` has no effect here", scope.span(word.at), why, help=hint)


def _check_added(slot: str, own: Words, words: Words, scope: Scope) -> None:
    """Raise `Fault` E220 for a word on a layer itself about a norm or activation that the layer does not have."""
    op = added_op(words, slot)
    for word in own.values():
        owners = [name for name, entry in ADDED.items() if entry.slot == slot and word.text in LAYERS[name].words]
        if not owners or (op and op.name in owners):
            continue
        message = f"`{word.text}` has nothing to act on: this layer has no {listing(owners, 'or')}"
        other = own.get(slot)
        notes = (Note(scope.span(other.at), "this is another" if op else "this removes it"),) if other else ()
        hint = "delete one of the two" if other else f"delete it, or write `{owners[0]} {scope.text(word.at)}`"
        raise scope.fault(INAPPLICABLE_WORD, message, word.at, notes=notes, help=hint)


def _redundant(use: Use, own: Words, words: Words) -> Iterable[tuple[WordTerm, str]]:
    """Words without effect, whatever the cells of the row, and why."""
    if "ceil" in own and _is_all(use.stride, 1):
        yield own["ceil"], "at a stride of 1 no window reaches over the border"
    if "dilation" in own and use.kernel and _is_all(use.kernel, 1) and not _is_all(own["dilation"].value, 1):
        yield own["dilation"], "a kernel of one pixel cannot be dilated"
    if "border" in own and own["border"].text == "count_pad":
        padding = words.get("padding")
        if "extent" in words:
            yield own["border"], f"`{words['extent'].text}` does not pad"
        elif padding is None or padding.text == "valid" or (padding.text == "pad" and _is_all(padding.value, 0)):
            yield own["border"], "this pool does not pad"


def _is_all(value: Value | Dimensions | str | None, number: int) -> bool:
    """Whether a size is this literal number; a size that is not written is 1."""
    values = value if isinstance(value, tuple) else (value or Number(1),)
    return all(isinstance(size, Number) and size.value == number for size in values)


def _check_word(name: str, word: WordTerm, scope: Scope) -> None:
    if word.text not in LAYERS[name].words:
        is_word(word.text)  # a plugin may offer it, and it is then a word of this layer
    known = LAYERS[name].words
    if word.text not in known:
        _check_plugin(word.text, word, scope)
        hint = f"write a separate layer as `-> {word.text}`" if word.text in LAYERS else ""
        hint = hint or (f"put a value in braces: `{{{word.text}}}`" if word.text in scope.values else "")
        hint = hint or ("" if word.text in WORDS else _elsewhere_hint(word, known, scope))
        number = LAYERS[name].number
        if not known and word.value is not None and number:
            hint = f"write {number.example}"
        hint = hint or (f"its words are {listing(sorted(known))}" if known else "delete it")
        raise scope.fault(
            UNKNOWN_WORD,
            f"`{name}` {f'does not take the word `{word.text}`' if known else 'takes no words'}",
            word.at,
            help=hint,
        )
    entry = WORDS[word.text]
    if word.value is None:
        if entry.alone:
            return
        examples = [f"{word.text}={value}" for value in entry.choices or (entry.example,)]
        raise scope.fault(
            UNKNOWN_WORD, f"`{word.text}` needs a value", word.at, help=f"write {listing(examples, 'or')}"
        )
    if entry.choices:
        if isinstance(word.value, Value) and not entry.alone:
            return  # `chosen` reads it, where its names have values
        if not _is_choice(word.text, word.value):
            _check_plugin(word.value, word, scope)
            message = f"`{scope.text(word.at)}` is not a setting of `{name}`"
            raise scope.fault(UNKNOWN_WORD, message, word.at, help=_switch_hint(word, scope))
    elif not entry.value:
        raise scope.fault(UNKNOWN_WORD, f"`{word.text}` takes no value", word.at, help=_switch_hint(word, scope))


def _elsewhere_hint(word: WordTerm, known: Collection[str], scope: Scope) -> str:
    """The equivalent of a word of other tools, switched on or off."""
    off = _setting(word, scope) in OFF
    return elsewhere.suggest(word.text, known, {**elsewhere.FOREIGN_WORDS, **(elsewhere.SWITCHED_OFF if off else {})})


def _setting(word: WordTerm, scope: Scope) -> str:
    """The text after the `=` of a word, in lower case."""
    return scope.text(word.at).partition("=")[2].strip().casefold()


def _switch_hint(word: WordTerm, scope: Scope) -> str:
    """The correct spelling for `bn=false`, `bias=0` or `act=silu`."""
    entry = WORDS[word.text]
    wanted = _setting(word, scope)
    off = f"{entry.slot or word.text}=none"
    switched = "none" in WORDS.get(entry.slot or word.text, entry).choices
    if entry.choices and not entry.alone:
        return _choice_hint(word, wanted)
    if wanted in ON:
        return f"write `{word.text}`"
    if wanted in OFF:
        return f"write `{off}`" if switched else elsewhere.OFF_BY_ABSENCE
    return f"write `{word.text}` alone" + (f"; to turn it off, write `{off}`" if switched else "")


def _choice_hint(word: WordTerm, wanted: str) -> str:
    """What to write for `act=no`, `act=swish` or `act=leaky`."""
    entry = WORDS[word.text]
    if wanted in OFF:
        return f"write `{word.text}=none`"
    if wanted in ADDED:
        other = ADDED[wanted]
        return f"write `{wanted if other.alone else f'{wanted}={other.example}'}` in place of `{word.text}=`"
    known = [choice for choice in entry.choices if choice != "none"]
    hint = "" if wanted in ON else elsewhere.suggest(wanted, known, elsewhere.FOREIGN_WORDS)
    return hint or f"write {listing([f'{word.text}={choice}' for choice in entry.choices], 'or')}"
