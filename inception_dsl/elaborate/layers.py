"""Layers of the language: `conv 3x3/2 64 same bn relu`, with the spec's defaults, becomes a `Layer` of ops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from inception_dsl.diagnostics.codes.layers import (
    CONFLICTING_WORDS,
    INAPPLICABLE_WORD,
    MISSING_PADDING,
    WRONG_LAYER_ARGUMENTS,
)
from inception_dsl.diagnostics.codes.modules import UNDEFINED_NAME
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.elaborate.op_fields import make_ops, word_value
from inception_dsl.elaborate.scope import Fault, Scope
from inception_dsl.elaborate.words import Words, by_slot, check_effect, chosen, merge, moved
from inception_dsl.ir.ops.shaping import Identity
from inception_dsl.ir.program import Body, Dropped, Layer, Sequence
from inception_dsl.ir.values import Scalar
from inception_dsl.spec import elsewhere
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import NAMES
from inception_dsl.spec.vocabulary.words import WORDS
from inception_dsl.syntax.formula import Formula
from inception_dsl.syntax.terms import Use, WordTerm, value_names

CAUSED: Final = frozenset({MISSING_PADDING, CONFLICTING_WORDS, INAPPLICABLE_WORD})
"""Errors in a layer that an invalid word in its defaults may have caused."""


class Layers:
    """Makes the layers of a spec, given its defaults; errors in the defaults are reported once, in `findings`."""

    def __init__(self, spec: NetworkSpec, constants: Mapping[str, Scalar | None], findings: Findings) -> None:
        self.findings = findings
        self.broken: set[str] = set()
        self.defaults: dict[str, Words] = {}
        self.names = {*NAMES, *constants, *(cell.text for cell in spec.table.header)}
        self.names |= {column for module in spec.modules.values() for column in module.columns}
        for name, words in spec.defaults.items():
            fragment = spec.document.text(("defaults", name))
            scope = Scope(Formula(Use(name, at=(0, 1)), fragment), constants, {})
            self.defaults[name] = self._valid(name, words, scope) if name in LAYERS else {}

    def _valid(self, name: str, words: Iterable[WordTerm], scope: Scope) -> Words:
        """The valid words of a default, by what they set."""
        valid: list[WordTerm] = []
        for word in words:
            try:
                by_slot(name, (*valid, word), scope)
                self._check_value(name, word, scope)
                valid.append(word)
            except Fault as fault:
                self.findings.diagnostics.append(fault.diagnostic)
                self.broken.add(name)
        return by_slot(name, valid, scope)

    def _check_value(self, name: str, word: WordTerm, scope: Scope) -> None:
        """Raise `Fault` for a value in a default that is invalid for every row."""
        if WORDS[word.text].value == "reference":
            message, hint = f"`{word.text}` names a value of one place", f"write it on every `{name}`"
            raise scope.fault(INAPPLICABLE_WORD, message, word.at, help=hint)
        used = list(value_names(Use(name, words=(word,))))
        for used_name in used:
            if used_name.name not in self.names:
                hint = did_you_mean(used_name.name, self.names) or f"the names here are {listing(sorted(scope.values))}"
                raise scope.fault(UNDEFINED_NAME, f"undefined name `{used_name.name}`", used_name.at, help=hint)
        if all(used_name.name in scope.values for used_name in used):
            chosen({name: word}, scope)
            if WORDS[word.text].value:
                word_value(name, word, scope)

    def layer(self, name: str, use: Use, scope: Scope) -> Body:
        """The ops of one layer of the language; `Dropped` where its width is empty or 0. Raises `Fault`."""
        defaults = self.defaults.get(name, {})
        try:
            return self._make(name, use, defaults, scope)
        except Fault as fault:
            if name in self.broken and fault.diagnostic.code in CAUSED:
                return Dropped()
            if not defaults:
                raise
        # again, with the defaults placed at the layer: their own positions are in another text
        return self._make(name, use, {slot: moved(word, use.at) for slot, word in defaults.items()}, scope)

    def _make(self, name: str, use: Use, defaults: Words, scope: Scope) -> Body:
        own = chosen(by_slot(name, use.words, scope), scope)
        words = merge(chosen(defaults, scope), own, scope)
        _check_arity(name, use, words["extent"].text if "extent" in words else "", scope)
        if (required := LAYERS[name].required) and required not in words:
            hint = f"write {listing([f'{name} {word}' for word in WORDS if word in LAYERS[name].words], 'or')}"
            raise scope.fault(WRONG_LAYER_ARGUMENTS, f"`{name}` needs an {required}", use.at, help=hint)
        check_effect(name, use, own, words, scope, self.findings)
        origin = scope.span(use.at)
        if LAYERS[name].ops == (Identity,):
            return Sequence((), origin=origin)
        ops = make_ops(name, use, words, scope)
        return Layer(ops, origin=origin) if ops else Dropped(origin=origin)


def _check_arity(name: str, use: Use, extent: str, scope: Scope) -> None:
    entry = LAYERS[name]
    wants_kernel = entry.kernel and not extent
    if wants_kernel and use.kernel is None:
        example = " ".join([name, "3x3 same", *(f"{word}={WORDS[word].example}" for word in entry.ops[0].operands)])
        hint = "write the kernel before the width: `conv 3x3 64`" if entry.number else f"write `{example}`"
        hint += f", or `{name} global`" if "global" in entry.words else ""
        if use.width and not entry.number:
            number = scope.text(use.width.at)
            hint = f"write a square kernel as `{number}x{number}`"
        if use.fraction:
            size, stride = (scope.text(value.at) for value in use.fraction)
            hint = f"write a square kernel as `{size}x{size}/{stride}`"
        raise scope.fault(WRONG_LAYER_ARGUMENTS, f"`{name}` needs a kernel", use.at, help=hint)
    for word in (word for word in entry.ops[0].operands if all(own.text != word for own in use.words)):
        hint = f"write `{word}={WORDS[word].example}`, say: it {WORDS[word].meaning}"
        raise scope.fault(WRONG_LAYER_ARGUMENTS, f"`{name}` needs the word `{word}`", use.at, help=hint)
    kind = entry.number.kind if entry.number else ""
    if kind == "pair" and use.stride:
        raise scope.fault(WRONG_LAYER_ARGUMENTS, f"`{name}` takes no stride", use.size_at, help="delete it")
    if not wants_kernel and use.kernel is not None and kind != "pair":
        if kind == "span":
            hint = f"write one number: {entry.number.example}" if entry.number else ""
            raise scope.fault(WRONG_LAYER_ARGUMENTS, f"the kernel of `{name}` spans channels", use.size_at, help=hint)
        hint = "delete it" + (f", or the word `{extent}`, which covers the whole image" if extent else "")
        raise scope.fault(
            WRONG_LAYER_ARGUMENTS, f"`{f'{name} {extent}'.strip()}` takes no kernel", use.size_at, help=hint
        )
    if use.fraction and kind not in ("fraction", "span"):
        raise scope.fault(WRONG_LAYER_ARGUMENTS, f"`{name}` takes no fraction", use.size_at, help="delete it")
    written = {"": None, "fraction": use.fraction, "pair": use.kernel or use.width, "span": use.fraction or use.width}
    given = written.get(kind, use.width)
    if entry.number and extent and given:
        message, hint = f"`{name} {extent}` takes no {entry.number.meaning}", f"delete it, or `{extent}`"
        raise scope.fault(WRONG_LAYER_ARGUMENTS, message, use.size_at, help=hint)
    if entry.number and given is None and not extent:
        raise scope.fault(
            WRONG_LAYER_ARGUMENTS,
            f"`{name}` needs a {entry.number.meaning}",
            use.at,
            help=f"write {entry.number.example}",
        )
    if use.width is not None and given is not use.width:
        hint = elsewhere.WITH_NUMBER.get(name, f"delete it: `{name}` keeps the width")
        hint = f"for several kernels, write `kernels={scope.text(use.width.at)}`" if kind == "span" else hint
        raise scope.fault(WRONG_LAYER_ARGUMENTS, f"`{name}` takes no width", use.width.at, help=hint)
