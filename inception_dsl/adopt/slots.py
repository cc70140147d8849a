"""The numbers and words of a term that may differ between the calls of a module."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Any, Final

from inception_dsl.ir.values import Name, Number, Value
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.words import WORDS
from inception_dsl.syntax.terms import Labelled, Reference, Scaled, Term, Use, WordTerm, walk, with_children

Slot = Callable[[str, Any, Use | None, int, str], Any]
"""Gives the new value of a slot: of its kind, with its old value, in a use, which is the n-th of the term.

The last argument is the column of the module that the use calls, where the slot is an argument of it.
"""

WIDTHS: Final = ("width", "groups")
"""The kinds of slots that are numbers of channels."""

ROW: Final = "row"
"""The kind of a slot that is the value of an earlier row."""

ALWAYS: Final = (*WIDTHS, "rate", "scale", ROW)
"""The kinds that differ between the calls of any module; the others make modules that are alike."""

STRUCTURE: Final = ("kernel", "stride", "act")

ONE: Final = Number(1)


def is_layer(term: Term) -> bool:
    """Whether a term is a layer or a call, and not `pass` or `again`."""
    return isinstance(term, Use) and term.name not in ("pass", "again")


def with_slots(term: Term, slot: Slot, kinds: Mapping[str, Mapping[str, str]]) -> Term:
    """A term with new values in its slots; `kinds` are those of the columns of modules, by the name of the module."""
    labels = frozenset(inner.label for inner in walk(term) if isinstance(inner, Labelled))
    return _Walk(slot, kinds, labels).term(term)


class _Walk:
    def __init__(self, slot: Slot, kinds: Mapping[str, Mapping[str, str]], labels: frozenset[str]) -> None:
        self.slot, self.kinds, self.labels = slot, kinds, labels
        self.number = -1

    def term(self, term: Term) -> Term:
        match term:
            case Use():
                return self._use(term) if is_layer(term) else term
            case Reference(row) if row not in self.labels:
                value = self.slot(ROW, f"@{row}", None, self.number, "")
                return Use(value) if isinstance(value, Name) else Reference(value[1:])
            case Scaled(factor, inner):
                return Scaled(self.slot("scale", factor, None, self.number, ""), self.term(inner))
            case _:
                return with_children(term, self.term)

    def _use(self, use: Use) -> Use:
        self.number += 1
        at = self.number

        def new(kind: str, value: Any, column: str = "") -> Any:
            return self.slot(kind, value, use, at, column)

        kernel, stride = use.kernel, use.stride
        if kernel and use.name in LAYERS and LAYERS[str(use.name)].kernel:
            kernel = new("kernel", kernel[0]), new("kernel", kernel[1])
            steps = stride or (ONE, ONE)
            stride = new("stride", steps[0]), new("stride", steps[1])
            stride = None if stride == (ONE, ONE) else stride
        width = new(_kind(str(use.name)), use.width) if use.width is not None else None
        words = tuple(self._word(each, new, use) for each in use.words)
        return replace(use, kernel=kernel, stride=stride, width=width, words=words)

    def _word(self, word: WordTerm, new: Callable[..., Any], use: Use) -> WordTerm:
        if use.name in self.kinds:
            return replace(word, value=new(self.kinds[str(use.name)][word.text], word.value, word.text))
        entry = WORDS.get(word.text)
        if entry and entry.slot == "act" and word.value is None:
            act = new("act", word.text)
            return WordTerm("act", act) if isinstance(act, Value) else WordTerm(act)
        if entry and entry.value == "reference" and isinstance(word.value, str) and word.value[1:] not in self.labels:
            return replace(word, value=new(ROW, word.value))
        if entry and entry.value in ("width", "offset") and isinstance(word.value, Value):
            return replace(word, value=new("groups", word.value))
        return word


def _kind(name: str) -> str:
    if name in ("drop_path", "dropout"):
        return "rate"
    number = LAYERS[name].number if name in LAYERS else None
    if number and number.kind == "span":
        return "kernel"
    return number.kind if number and number.kind in WIDTHS else "other"


def skeleton(term: Term, kinds: Mapping[str, Mapping[str, str]], loose: bool = False) -> Hashable:
    """What terms have in common that are calls of one module; `loose` ignores kernels, strides and activations too."""
    ignored = (*ALWAYS, *STRUCTURE) if loose else ALWAYS

    def blank(kind: str, value: Any, use: Use | None, number: int, column: str) -> Any:
        if kind not in ignored:
            return value
        if kind == ROW:
            return "@row"
        return "relu" if kind == "act" else Number(2)

    return with_slots(term, blank, kinds)
