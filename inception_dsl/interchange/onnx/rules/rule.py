"""What a rule is, and how it reads what its node has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.onnx.model import OnnxNode
from inception_dsl.interchange.rules import Table


@dataclass(frozen=True)
class Unread:
    """A value that is not read: of a second input, or of an op whose shape is not known, which reads `sources`.

    What reads it is not read either: it is part of the op, which `kind` and `name` say, from where a shape is known.
    """

    why: str
    kind: str = ""
    name: str = ""
    sources: tuple[int, ...] = ()


Value = int | Constant | Unread
"""A value of the graph, a constant, or what is neither."""

Inputs = Sequence[Value | None]
"""What a node reads; None for an input that is left out."""


class Reading(NamedTuple):
    """A file that is being read."""

    builder: Builder
    opset: int
    batch: int


Rule = Callable[[Reading, OnnxNode, Inputs], list[Value]]
"""Adds what a node computes, and gives the values of its outputs. Raises `Unsupported` or `ShapeError`."""


class Rules(Table[Rule]):
    """The rules by the op of ONNX, and what is known of a node before it is read.

    `weights` gives the first input of an op that is a weight; `forms` are the ops that give a constant another form,
    by which it stays the tensor of its name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights: dict[str, int] = {}
        self.forms: set[str] = set()

    def __call__(self, *kinds: str, weights: int = 0, forms: bool = False) -> Callable[[Rule], Rule]:
        """As of any table; `weights` and `forms` say the two of the ops of this rule."""
        if weights:
            self.weights.update(dict.fromkeys(kinds, weights))
        if forms:
            self.forms.update(kinds)
        return super().__call__(*kinds)


RULES: Final = Rules()


def image_of(inputs: Inputs, position: int = 0) -> int:
    """An operand that must be a value of the graph."""
    value = inputs[position] if position < len(inputs) else None
    if not isinstance(value, int):
        raise Unsupported("it reads a constant in place of a value")
    return value


def constant_of(inputs: Inputs, position: int) -> Constant | None:
    """An operand that must be a constant, if it is there."""
    value = inputs[position] if position < len(inputs) else None
    if value is not None and not isinstance(value, Constant):
        raise Unsupported(f"input {position} is computed, and no constant")
    return value


def numbers_of(node: OnnxNode, inputs: Inputs, name: str, position: int) -> list[Any] | None:
    """Numbers that are an attribute in older opsets, and an input in newer ones."""
    if name in node.attributes:
        value = node.attributes[name]
        return list(value) if isinstance(value, Sequence) else [value]
    constant = constant_of(inputs, position)
    if constant is None:
        return None
    if not constant.known:
        raise Unsupported(f"`{name}` has no value in the file")
    return [each.item() for each in constant.values.reshape(-1)]
