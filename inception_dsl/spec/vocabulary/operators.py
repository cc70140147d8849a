"""The operators on formulas, and the functions and names of values in braces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.values import MODULE_IN
from inception_dsl.spec.vocabulary.entry import Operator

JOINS: Final[Mapping[str, type[Op]]] = {"|": Concat, "+": Add, "*": Mul}
"""The operations that join branches, by the sign between the branches."""

OPERATORS: Final[Mapping[str, Operator]] = {
    "a -> b": Operator("a, then b"),
    "a | b": Operator("both read the same input; their outputs joined along channels", JOINS["|"]),
    "a + b": Operator("both read the same input; their outputs added", JOINS["+"]),
    "a * b": Operator("both read the same input; their outputs multiplied, a 1x1 map at every pixel", JOINS["*"]),
    "0.17 * a": Operator("the output of a, times a number", Scale),
    "4 of a": Operator("a four times in a row, each time with weights of its own"),
    "[ a ]": Operator("groups"),
    "label: a": Operator("names a step or branch, and its weights"),
    "@name": Operator("the value that an earlier row, or a labelled step to its left, has given"),
    "again label": Operator("the labelled step applied to what arrives, with the same weights"),
    "{64 * width}": Operator("a value: columns, settings, `in`, `classes`, numbers, + - * / // % ( ) and functions"),
}
"""The operators by an example of each, loosest first."""

FUNCTIONS: Final[Mapping[str, str]] = {
    "round": "round(x) to the nearest whole number, a half up; round(x, 8) to the nearest multiple of 8",
    "ceil": "ceil(x) to the next whole number above; ceil(x, 8) to the next multiple of 8",
    "floor": "floor(x) to the next whole number below; floor(x, 8) to the next multiple of 8",
    "min": "min(a, b, ...) the least of 2 to 8 numbers",
    "max": "max(a, b, ...) the largest of 2 to 8 numbers",
}
"""The functions of values in braces."""

NAMES: Final[Mapping[str, str]] = {
    "in": "the channels that arrive at this layer",
    MODULE_IN: "the channels that arrive at the module, anywhere in its graph",
    "classes": "the number of classes",
}
"""The names that every value may use; `module.in` only in the graph of a module."""
