"""The body of a template's class: its layers as attributes, and `forward`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from inception_dsl.emit.python import LINE_LENGTH, Expression, layout, literal
from inception_dsl.emit.pytorch.ops.activations import FUNCTIONS, Function
from inception_dsl.emit.pytorch.variants import ConstructorOptions, unscaled
from inception_dsl.emit.pytorch.widths import short
from inception_dsl.ir.dataflow import steps_read
from inception_dsl.ir.names import from_label
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.regularisation import DropPath
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Flatten
from inception_dsl.ir.program import Again, Body, Call, Join, Layer, Part, Reference, Sequence
from inception_dsl.ir.typed import PartPath
from inception_dsl.ir.values import UNKNOWN, Width


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

RESERVED: Final = frozenset({"x", "self", "F", "torch", "nn"})
"""Names that a variable of `forward` must not hide."""


@dataclass(frozen=True)
class Step:
    """A labelled step that is read: the variable of its value, its channels, and how it is applied again."""

    variable: str
    channels: Width
    apply: Callable[[str], str]


class ClassBody:
    """The lines that make the attributes of a class, and those of its `forward`.

    `arguments` are the names that `forward` gives to what a call passes on, by the template's.
    """

    def __init__(self, build: BuildBody, options: ConstructorOptions, arguments: Mapping[str, str]) -> None:
        self.build = build
        self.options = options
        self.attributes = [f"        self.{name} = {name}" for name in options.defaults if name != DropPath.name]
        self.forward: list[str] = []
        self.terms = 0
        self.arguments = arguments
        self.variables = RESERVED | {*arguments.values()}
        self.read: frozenset[str] = frozenset()
        self.steps: dict[str, Step] = {}

    def write(self, body: Body, channels: Width, paths: list[PartPath]) -> Width:
        """Write a template's body; returns the channels of its output."""
        self.read = steps_read(body)
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
        for before, part in zip((None, *parts), parts, strict=False):
            if before and _is_join(before) and not _function(part.body):
                code = self._assigned(code, variable)
            if _is_join(part):
                assert isinstance(part.body, Join)
                code, channels = self._join(part.body, self._assigned(code, variable), channels, paths)
                code = self._labelled(part, code, channels)
            else:
                code, channels = self._step(part, code, variable, channels, paths)
        return code, channels

    def _step(
        self, part: Part, code: str, variable: str, channels: Width, paths: list[PartPath], branch: str | None = None
    ) -> tuple[str, Width]:
        """The expression of a step on `code`, or of a branch with its factor as `branch`, and its channels."""
        scale = branch or ""
        match part.body:
            case Reference():
                code, channels = self._value(part.body)
            case Again(label):
                code, channels = self.steps[label].apply(code), self.steps[label].channels
            case Sequence(steps) if not part.name:
                code, channels = self._chain(steps, code, variable, channels, paths)
                code = f"({code})" if scale and steps and _is_sum(steps[-1]) else code
            case body if branch is None and (inline := _inline(body)):
                return self._labelled(part, inline(code), channels, inline), channels
            case body:
                channels = self._attribute(part, channels, paths)
                passed = self._passed(body)
                if len(code) > LONG:
                    code = self._assigned(code, variable)
                code = f"{scale}self.{part.name}({code}{passed})"
                return self._labelled(part, code, channels, lambda x: f"{scale}self.{part.name}({x})"), channels
        code = self._labelled(part, f"{scale}{code}", channels, lambda x: f"{scale}{x}")
        return code, channels

    def _value(self, reference: Reference) -> tuple[str, Width]:
        """The variable that holds a value given before, and its channels."""
        if reference.kind == "argument":
            return self.arguments[reference.name], UNKNOWN
        step = self.steps[reference.name]
        return step.variable, step.channels

    def _passed(self, body: Body) -> str:
        """The values that a call passes on, or that a layer reads beside what arrives, as further arguments."""
        tensors = body.tensors if isinstance(body, Call | Layer) else ()
        return "".join(f", {self._value(value)[0]}" for _, value in tensors)

    def _labelled(self, part: Part, code: str, channels: Width, apply: Callable[[str], str] = lambda x: x) -> str:
        """The expression of a part; the variable of its label, after a line that assigns it, if the label is read."""
        if part.label not in self.read:
            return code
        name = self._free(from_label(part.label))
        self.steps[part.label] = Step(self._assigned(code, name, always=True), channels, apply)
        return name

    def _attribute(self, part: Part, channels: Width, paths: list[PartPath]) -> Width:
        built = self.build(part.body, channels, [(*path, part.name) for path in paths])
        target = f"self.{part.name} = "
        self.attributes.append(f"        {target}{layout(built.code, 8, len(target))}")
        return built.channels

    def _assigned(self, code: str, variable: str, always: bool = False) -> str:
        """The variable, after a line that assigns the expression to it; or the expression if it is a variable."""
        if code in self.variables and not always:
            return code
        self.forward.append(f"        {variable} = {code}")
        self.variables |= {variable}
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
            if _is_join(part):
                part = Part("", Sequence((part,)))
            # what a term computes before its last step
            variable = x if part.name or not _steps(part) else self._free("residual")
            code, width = self._step(part, x, variable, channels, paths, scale)
            if isinstance(join.op, Mul) and not scale and _steps(part) and _is_sum(_steps(part)[-1]):
                code = code if code in self.variables else f"({code})"
            terms.append(code)
            widths.append(width)
        if not isinstance(join.op, Concat):
            return SIGNS[type(join.op)].join(terms), short(join.op.channels(*widths))
        code = f"torch.cat(({', '.join(terms)}), 1)"
        if len(code) > LINE_LENGTH - 15:
            listed = "".join(f"                {term},\n" for term in terms)
            code = f"torch.cat(\n            (\n{listed}            ),\n            1,\n        )"
        return code, short(join.op.channels(*widths))

    def _free(self, name: str) -> str:
        """A name that no variable has yet: `name`, with a number added if it is taken."""
        free, number = name, 2
        while free in self.variables:
            free, number = f"{name}_{number}", number + 1
        return free


def _inline(body: Body) -> Callable[[str], str] | None:
    """How `forward` writes a step that is a function or a factor; None for one that is an attribute."""
    if function := _function(body):
        return function.call
    match body:
        case Layer((Scale(factor),)):
            return lambda x: f"{literal(factor)} * {x}"
        case Layer((Flatten(),)):
            return lambda x: f"torch.flatten({x}, 1)"
        case _:
            return None


def _function(body: Body) -> Function | None:
    """The function that a step is, if it is one."""
    return FUNCTIONS.get(type(body.ops[0])) if isinstance(body, Layer) and len(body.ops) == 1 else None


def _steps(part: Part) -> tuple[Part, ...]:
    """The steps of a part that `forward` writes out."""
    return part.body.parts if isinstance(part.body, Sequence) and not part.name else ()


def _is_join(part: Part) -> bool:
    """Whether `forward` writes a part out as a join."""
    return isinstance(part.body, Join) and not part.name


def _is_sum(part: Part) -> bool:
    """Whether a step is written as a sum, which binds looser than a product."""
    return not part.name and isinstance(part.body, Join) and isinstance(part.body.op, Add)
