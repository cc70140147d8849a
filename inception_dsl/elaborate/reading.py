"""The values given before that a formula reads: by `@name`, in a call, or in a word of a layer."""

from __future__ import annotations

from dataclasses import replace

from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE
from inception_dsl.diagnostics.codes.values import NOT_GIVEN
from inception_dsl.elaborate.references import Explain
from inception_dsl.elaborate.scope import Scope, describe_value
from inception_dsl.ir.program import Body, Layer, Reference
from inception_dsl.ir.values import Name, Value, is_reference
from inception_dsl.spec.vocabulary.words import WORDS
from inception_dsl.syntax.terms import Use, WordTerm


def explaining(scope: Scope, at: tuple[int, int], column: str = "") -> Explain:
    """Makes errors (E231) at a part of the formula, or at the cell of a column."""
    if column:
        return lambda message, hint: scope.bad(NOT_GIVEN, Name(column, at=at), message, hint)
    return lambda message, hint: scope.fault(NOT_GIVEN, message, at, help=hint)


def value_of(name: str, scope: Scope, at: tuple[int, int], column: str = "") -> Reference:
    """The value of `@name`; of the column `name` of a module, where it is in braces. Raises `Fault` E231."""
    read = scope.given.read(name, scope.formula.labels, explaining(scope, at, column))
    return replace(read, origin=scope.span(at))


def with_operands(layer: Body, use: Use, scope: Scope) -> Body:
    """A layer with the values that it reads beside what arrives, as its words name them. Raises `Fault`."""
    if not isinstance(layer, Layer) or not layer.ops[0].operands:
        return layer
    given = {word.text: word for word in use.words}
    return replace(layer, tensors=tuple((name, _operand(given[name], scope)) for name in layer.ops[0].operands))


def _operand(word: WordTerm, scope: Scope) -> Reference:
    value = scope.known(word.value) if isinstance(word.value, Value) else word.value
    if isinstance(value, str) and is_reference(value):
        return value_of(value[1:], scope, word.at)
    written = scope.text(word.at).partition("=")[2] if isinstance(value, tuple) else value
    message = f"`{word.text}` must be a value given before, not {describe_value(written)}"
    hint = f"write `{word.text}={WORDS[word.text].example}`, say"
    if isinstance(word.value, Value):
        raise scope.bad(CANNOT_EVALUATE, word.value, message, hint)
    raise scope.fault(CANNOT_EVALUATE, message, word.at, help=hint)
