"""Templates of one module that differ only in a factor, a rate or the last ReLU: one class, with these as arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from inception_dsl.emit.python import Item, literal
from inception_dsl.ir.dataflow import within
from inception_dsl.ir.ops.activations import ReLU
from inception_dsl.ir.ops.joins import Add
from inception_dsl.ir.ops.regularisation import DropPath
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.program import Body, Join, Layer, Part, Sequence, Template
from inception_dsl.ir.values import Name, Value
from inception_dsl.passes.rewrite import bottom_up


@dataclass(frozen=True)
class ConstructorOptions:
    """The optional arguments of a class: their `defaults` by name, and the term of its sums that `scale` multiplies."""

    defaults: Mapping[str, float | bool] = field(default_factory=dict)
    scaled: int | None = None


@dataclass(frozen=True)
class _Shape:
    """A template's body without its last ReLU, the factors of its sums and the rates of `drop_path`, here beside it."""

    parts: tuple[Part, ...]
    factors: tuple[float, ...]
    rates: tuple[float, ...]
    relu: bool


class Variants:
    """The templates that become classes, by name; `base` maps every template to the one whose class it uses."""

    def __init__(self, templates: Mapping[str, Template]) -> None:
        self.base: dict[str, str] = {}
        self.templates: dict[str, Template] = {}
        self._options: dict[str, ConstructorOptions] = {}
        self._shapes = {name: _shape(template.body) for name, template in templates.items()}
        groups: dict[object, list[str]] = {}
        for name, template in templates.items():
            shape = self._shapes[name]
            key = (
                template.module,
                template.params,
                template.tensors,
                shape.parts,
                len(shape.factors),
                len(shape.rates),
            )
            groups.setdefault(key, []).append(name)
        for group in groups.values():
            shapes = [self._shapes[name] for name in group]
            differing = [
                i for i, factors in enumerate(zip(*(s.factors for s in shapes), strict=True)) if len({*factors}) > 1
            ]
            names = {part.name for part in _named(shapes[0].parts)}
            one_rate = all(len({*s.rates}) == 1 for s in shapes) and DropPath.name not in templates[group[0]].params
            one_rate |= len({shape.rates for shape in shapes}) == 1
            if len(group) > 1 and len(differing) < 2 and one_rate and names.isdisjoint({"scale", "relu"}):
                self.base |= dict.fromkeys(group, group[0])
                self._options[group[0]] = _options(shapes, differing)
            else:
                self.base |= {name: name for name in group}
        for name, template in templates.items():
            if self.base[name] == name:
                self.templates[name] = self._with_options(template)

    def options(self, template: str) -> ConstructorOptions:
        """The optional arguments of a template's class."""
        return self._options.get(template, ConstructorOptions())

    def keywords(self, template: str) -> list[Item]:
        """The optional arguments that a call of a template passes: those that are not the default."""
        options, shape = self.options(self.base[template]), self._shapes[template]
        values: dict[str, float | bool] = {"relu": shape.relu}
        if options.scaled is not None:
            values["scale"] = shape.factors[options.scaled]
        if shape.rates:
            values["drop_path"] = shape.rates[0]
        return [(name, literal(values[name])) for name, usual in options.defaults.items() if values[name] != usual]

    def _with_options(self, template: Template) -> Template:
        """A template without the ReLU that its class takes as an argument, and with the rate that it does."""
        body, options = template.body, self.options(template.name).defaults
        if "relu" in options and self._shapes[template.name].relu:
            assert isinstance(body, Sequence)
            body = replace(body, parts=body.parts[:-1])
        return replace(template, body=_with_rate(body) if "drop_path" in options else body)


def _options(shapes: list[_Shape], differing: list[int]) -> ConstructorOptions:
    defaults: dict[str, float | bool] = {}
    if differing:
        defaults["scale"] = shapes[0].factors[differing[0]]
    if len({shape.rates for shape in shapes}) > 1:
        defaults["drop_path"] = shapes[0].rates[0]
    if len({shape.relu for shape in shapes}) > 1:
        defaults["relu"] = shapes[0].relu
    return ConstructorOptions(defaults, differing[0] if differing else None)


def unscaled(part: Part) -> tuple[float, Part]:
    """The factor at the end of a branch, and the branch without it, where the rest is still a chain or a join."""
    body = part.body
    joined = isinstance(body, Sequence) and any(
        isinstance(each.body, Join) and not each.name for each in body.parts[:1]
    )
    if isinstance(body, Sequence) and len(body.parts) > (1 if joined else 2):
        last = body.parts[-1].body
        if isinstance(last, Layer) and isinstance(last.ops[0], Scale):
            return last.ops[0].factor, replace(part, body=replace(body, parts=body.parts[:-1]))
    return 1.0, part


def _shape(body: Body) -> _Shape:
    parts = body.parts if isinstance(body, Sequence) else (Part("", body),)
    relu = len(parts) > 1 and parts[-1].body == Layer((ReLU(),))
    factors: list[float] = []
    plain = tuple(_plain(part, factors) for part in (parts[:-1] if relu else parts))
    ops = (op for inner in within(body) if isinstance(inner, Layer) for op in inner.ops)
    rates = tuple(op.p for op in ops if isinstance(op, DropPath) and not isinstance(op.p, Value))
    unrated = tuple(replace(part, body=_with_rate(part.body)) for part in plain)
    return _Shape(unrated, tuple(factors), rates, relu)


def _rated(body: Body) -> Body:
    match body:
        case Layer((DropPath(),)):
            return replace(body, ops=(DropPath(Name(DropPath.name)),))
        case _:
            return body


_with_rate = bottom_up(_rated)
"""Rewrites a body so that the rate of every `drop_path` is an argument of the class."""


def _plain(part: Part, factors: list[float]) -> Part:
    """A step without the factors of its terms, which are added to `factors` if it is a sum that the class writes out.

    The order is that in which `forward` computes the terms.
    """
    if part.name or not isinstance(part.body, Join):
        return part
    branches = []
    for branch in part.body.branches:
        plain = branch
        if isinstance(part.body.op, Add):
            factor, plain = unscaled(branch)
            factors.append(factor)
        if not plain.name and isinstance(plain.body, Sequence) and plain.body.parts:
            inner = tuple(_plain(step, factors) for step in plain.body.parts)
            plain = replace(plain, body=replace(plain.body, parts=inner))
        branches.append(plain)
    return replace(part, body=replace(part.body, branches=tuple(branches)))


def _named(parts: tuple[Part, ...]) -> list[Part]:
    """The parts that are attributes of the class."""
    found = []
    for part in parts:
        if part.name:
            found.append(part)
        elif isinstance(part.body, Sequence):
            found += _named(part.body.parts)
        elif isinstance(part.body, Join):
            found += _named(part.body.branches)
    return found
