"""A call of a torch op, as a rule reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.rules import Table, axis_of
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import TensorType

Arguments = Mapping[str, Any]
"""The arguments of a call by name: values of the graph, constants, numbers, and lists of them."""


@dataclass(frozen=True)
class Given:
    """An argument that is a value of the graph; other whole numbers are numbers."""

    index: int


@dataclass(frozen=True)
class Call:
    """A call that is read: the op of torch without its overload, the name of its value, and its arguments."""

    builder: Builder
    kind: str
    name: str
    arguments: Arguments

    @property
    def x(self) -> int:
        """The value that it reads first. Raises `Unsupported` if that does not depend on the image."""
        value = self.arguments.get("self", self.arguments.get("input"))
        if not isinstance(value, Given):
            raise Unsupported("it reads no value that depends on the image")
        return value.index

    @property
    def type(self) -> TensorType:
        """The shape of that value."""
        return self.builder.type_of(self.x)

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def tensors(self, *names: str) -> dict[str, Constant]:
        """The weights that are given, by name. Raises `Unsupported` for one that is computed."""
        found = {name: value for name in names if (value := self.arguments.get(name)) is not None}
        if not all(isinstance(value, Constant) for value in found.values()):
            raise Unsupported("its weights are computed")
        return found

    def axis(self, axis: int) -> int:
        """An axis of that value, without that of the batch."""
        return axis_of(axis, self.type)

    def add(self, op: Op, *inputs: int, **weights: Constant) -> int:
        """Add an op on the inputs, or else on `x`, and give its index."""
        return self.builder.add(self.name, op, *(inputs or (self.x,)), **weights)


Rule = Callable[[Call], Any]
"""Adds what a call computes, and gives its value, or a list of values. Raises `Unsupported` or `ShapeError`."""

RULES: Final = Table[Rule]()
