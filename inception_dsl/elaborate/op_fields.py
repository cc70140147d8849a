"""The ops of a layer: each field from the kernel, the number or the word of its name, as the vocabulary says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from inception_dsl.diagnostics.codes.layers import IMPOSSIBLE_PADDING
from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE
from inception_dsl.elaborate.scope import MAX_CHANNELS, Scope, describe_value
from inception_dsl.elaborate.windows import pair, span, window, word_pair
from inception_dsl.elaborate.words import Words, added_op
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.values import Value, Width
from inception_dsl.spec.vocabulary.entry import MAX_EXTENT, LayerNumber
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.words import WORDS
from inception_dsl.syntax.terms import Fraction, Use, WordTerm


def make_ops(name: str, use: Use, words: Words, scope: Scope) -> tuple[Op, ...]:
    """The ops of a layer, then its norm and its activation; none where its width is empty or 0. Raises `Fault`."""
    entry = LAYERS[name]
    sizes: dict[str, Any] = {}
    if entry.kernel:
        sizes["window"] = None if "extent" in words else window(name, use, words, scope)
    if entry.number and "extent" not in words:
        if entry.number.kind == "span":
            sizes |= span(name, use, words, scope)
        else:
            number = _number(name, entry.number, use, scope)
            if number is None:
                return ()
            sizes[entry.number.field] = number
    ops = [_op(op, name, sizes, words, scope) for op in entry.ops]
    own = {field.name for op in entry.ops for field in fields(op)}
    others = {slot: word for slot, word in words.items() if word.text not in own}  # `eps` is of the norm
    for slot in ("norm", "act"):
        if added := added_op(words, slot):
            argument = LAYERS[added.name].number
            given = {argument.field: word_value(name, words[slot], scope)} if argument else {}
            ops.append(_op(added, name, given, others, scope))
    return tuple(ops)


def word_value(name: str, word: WordTerm, scope: Scope) -> Any:
    """What a word sets: a number, a width, a pair, or whether it is on (`bias`) or off (`bias=none`)."""
    entry = WORDS[word.text]
    if entry.op and (number := LAYERS[entry.op.name].number):
        if not isinstance(word.value, Value):
            raise scope.fault(
                CANNOT_EVALUATE, f"`{word.text}` must be a number", word.at, help=f"write {number.example}"
            )
        return _number(word.text, number, Use(word.text, width=word.value, at=word.at), scope)
    match entry.value:
        case "pair":
            return word_pair(name, word, 0 if "pad" in word.text else 1, scope)
        case "width":
            hint = f"delete it, or write `{word.text}=1`"
            what = f"`{word.text}`"
            return _filled(scope.width(word.value, what), what, word.at, hint, scope)
        case "offset":
            return scope.width(word.value, f"`{word.text}`") or 0
        case "number":
            return scope.real(word)
        case "share":
            return _part_of_one(word, scope)
        case _:
            return word.value is None


def _op(kind: type[Op], name: str, sizes: Mapping[str, Any], words: Words, scope: Scope) -> Op:
    """An op with the fields that the formula sets; the others keep their defaults."""
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in sizes:
            values[field.name] = sizes[field.name]
        elif field.name in WORDS:
            word = words.get(WORDS[field.name].slot or field.name)
            if word and word.text == field.name:
                values[field.name] = word_value(name, word, scope)
            elif word and not WORDS[field.name].value:
                values[field.name] = False  # another word of its slot: `skip_pad`, not `count_pad`
        elif word := words.get(field.name):
            values[field.name] = word.text
    return kind(**values)


def _filled(width: Width | None, what: str, at: tuple[int, int], hint: str, scope: Scope) -> Width:
    if width is None:
        raise scope.fault(CANNOT_EVALUATE, f"{what} is empty or 0", at, help=hint)
    return width


def _number(name: str, kind: LayerNumber, use: Use, scope: Scope) -> Width | float | Pair | None:
    if kind.kind == "fraction":
        assert use.fraction is not None
        return _fraction(name, use.fraction, scope)
    if kind.kind == "pair" and use.kernel:
        return pair(use.kernel, f"the {kind.meaning} of `{name}`", scope)
    value = use.width
    assert value is not None
    match kind.kind:
        case "pair":
            return pair((value, value), f"the {kind.meaning} of `{name}`", scope)
        case "width":
            return scope.width(value)
        case "count":
            return scope.integer(value, f"the {kind.meaning} of `{name}`", 1, MAX_CHANNELS)
        case "groups":
            what = f"the {kind.meaning} of `{name}`"
            return _filled(scope.width(value, what), what, value.at, f"write {kind.example}", scope)
        case "odd":
            return _odd(name, kind, value, scope)
        case "share":
            return _share(name, kind, value, scope)
        case _:
            return _slope(name, kind, value, scope)


def _odd(name: str, kind: LayerNumber, value: Value, scope: Scope) -> int:
    number = scope.integer(value, f"the {kind.meaning} of `{name}`", 1, MAX_EXTENT)
    if number % 2 == 0:
        hint = f"write `{name} {number - 1}` or `{name} {number + 1}`"
        raise scope.fault(IMPOSSIBLE_PADDING, f"`{name} {number}` has no middle channel", value.at, help=hint)
    return number


def _fraction(name: str, fraction: Fraction, scope: Scope) -> Pair:
    parts = scope.integer(fraction.parts, f"the number of parts of `{name}`", 1, MAX_CHANNELS)
    return scope.integer(fraction.part, f"the part of `{name}`", 1, parts), parts


def _part_of_one(word: WordTerm, scope: Scope) -> float:
    number = scope.real(word)
    if not 0 <= number <= 1:
        message = f"`{word.text}` must be from 0 to 1, not {describe_value(number)}"
        hint = f"write `{word.text}={WORDS[word.text].example}`, say"
        raise scope.fault(CANNOT_EVALUATE, message, word.at, help=hint)
    return number


def _share(name: str, kind: LayerNumber, value: Value, scope: Scope) -> float:
    number = scope.known(value)
    if not isinstance(number, int | float) or not 0 <= number < 1:
        percent = number if isinstance(number, int) and 1 < number < 100 else None
        hint = f"write `{name} {percent}%`" if percent else f"write `{name} 40%`, say"
        message = f"the {kind.meaning} of `{name}` must be at least 0 and less than 1, not {describe_value(number)}"
        raise scope.bad(CANNOT_EVALUATE, value, message, hint)
    return float(number)


def _slope(name: str, kind: LayerNumber, value: Value, scope: Scope) -> float:
    number = scope.known(value)
    if not isinstance(number, int | float) or number < 0:
        message = f"the {kind.meaning} of `{name}` must be at least 0, not {describe_value(number)}"
        raise scope.bad(CANNOT_EVALUATE, value, message, f"write {kind.example}")
    return float(number)
