"""The body of a template's class: its layers as attributes, and `forward`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from inception_dsl.emit.python import LINE_LENGTH, Expression, layout, literal
from inception_dsl.emit.pytorch.ops.activations import FUNCTIONS, Function
from inception_dsl.emit.pytorch.variants import ConstructorOptions, unscaled
from inception_dsl.emit.pytorch.widths import short
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.regularisation import DropPath
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Flatten
from inception_dsl.ir.program import Body, Join, Layer, Part, Sequence
from inception_dsl.ir.typed import PartPath
from inception_dsl.ir.values import Width


@dataclass(frozen=True)
class Built:
    """A module's constructor call, and the number of channels that the module returns."""

    code: Expression
    channels: Width


BuildBody = Callable[[Body, Width, list[PartPath]], Built]
"""Builds a body that reads some channels and stands at some paths of the lowered network."""

LONG: Final = 76
"""A longer expression in `forward` gets a line of its own."""

SIGNS: Final = {Add: " + ", Mul: " * "}
"""The operators between the terms of a sum, and between the factors of a product."""

RESERVED: Final = {"x", "self", "F", "torch", "nn"}
"""Names that a variable of `forward` must not hide."""


class ClassBody:
    """The lines that make the attributes of a class, and those of its `forward`."""

    def __init__(self, build: BuildBody, options: ConstructorOptions) -> None:
        self.build = build
        self.options = options
        self.attributes = [f"        self.{name} = {name}" for name in options.defaults if name != DropPath.name]
        self.forward: list[str] = []
        self.terms = 0
        self.variables = set(RESERVED)

    def write(self, body: Body, channels: Width, paths: list[PartPath]) -> Width:
        """Write a template's body; returns the channels of its output."""
        parts = body.parts if isinstance(body, Sequence) else (Part("", body),)
        code, channels = self._chain(parts, "x", "x", channels, paths)
        if "relu" in self.options.defaults:
            code = f"F.relu({self._assigned(code, 'x')}) if self.relu else x"
        self.forward.append(f"        return {code}")
        return channels

    def _chain(
        self, parts: tuple[Part, ...], code: str, variable: str, channels: Width, paths: list[PartPath]
    ) -> tuple[str, Width]:
        """The expression of some steps on `code`, and its channels; long expressions are assigned to `variable`."""
        joined = False
        for part in parts:
            function = _function(part.body)
            if joined and not function:
                code = self._assigned(code, variable)
            joined = isinstance(part.body, Join) and not part.name
            match part.body:
                case Join() as join if joined:
                    code, channels = self._join(join, self._assigned(code, variable), channels, paths)
                case _ if function:
                    code = function.call(code)
                case Layer((Flatten(),)):
                    code = f"torch.flatten({code}, 1)"
                case Layer((Scale(factor),)):
                    code = f"{literal(factor)} * {code}"
                case _:
                    channels = self._attribute(part, channels, paths)
                    if len(code) > LONG:
                        code = self._assigned(code, variable)
                    code = f"self.{part.name}({code})"
        return code, channels

    def _attribute(self, part: Part, channels: Width, paths: list[PartPath]) -> Width:
        built = self.build(part.body, channels, [(*path, part.name) for path in paths])
        target = f"self.{part.name} = "
        self.attributes.append(f"        {target}{layout(built.code, 8, len(target))}")
        return built.channels

    def _assigned(self, code: str, variable: str) -> str:
        """The variable, after a line that assigns the expression to it; or the expression if it is a variable."""
        if code in self.variables:
            return code
        self.forward.append(f"        {variable} = {code}")
        self.variables.add(variable)
        return variable

    def _join(self, join: Join, x: str, channels: Width, paths: list[PartPath]) -> tuple[str, Width]:
        """The expression that joins branches which read the variable `x`."""
        terms, widths = [], []
        for branch in join.branches:
            factor, part = unscaled(branch)
            scale = f"{literal(factor)} * " if factor != 1 else ""
            if isinstance(join.op, Add):
                scale = "self.scale * " if self.terms == self.options.scaled else scale
                self.terms += 1
            if isinstance(part.body, Sequence) and not part.body.parts:
                code, width = x, channels
            elif part.name:
                code, width = f"self.{part.name}({x})", self._attribute(part, channels, paths)
            else:
                assert isinstance(part.body, Sequence)
                code, width = self._chain(part.body.parts, x, self._new_variable(), channels, paths)
                if (scale or isinstance(join.op, Mul)) and _is_sum(part.body.parts[-1]):
                    code = f"({code})"
            terms.append(f"{scale}{code}")
            widths.append(width)
        if not isinstance(join.op, Concat):
            return SIGNS[type(join.op)].join(terms), short(join.op.channels(*widths))
        code = f"torch.cat(({', '.join(terms)}), 1)"
        if len(code) > LINE_LENGTH - 15:
            listed = "".join(f"                {term},\n" for term in terms)
            code = f"torch.cat(\n            (\n{listed}            ),\n            1,\n        )"
        return code, short(join.op.channels(*widths))

    def _new_variable(self) -> str:
        """A name for what a term of a sum computes before its last step."""
        name, number = "residual", 2
        while name in self.variables:
            name, number = f"residual_{number}", number + 1
        return name


def _is_sum(part: Part) -> bool:
    """Whether a step is written as a sum, which binds looser than a product."""
    return not part.name and isinstance(part.body, Join) and isinstance(part.body.op, Add)


def _function(body: Body) -> Function | None:
    """The function that a step is, if it is one."""
    return FUNCTIONS.get(type(body.ops[0])) if isinstance(body, Layer) and len(body.ops) == 1 else None
