"""Program -> text: prints a program between passes as a spec file, without defaults, settings or columns.

Every template is a module, and every call names its arguments. The file reads back as the same program.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields, replace
from typing import Any, Final

from inception_dsl.ir import program
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.channels import ChannelConv
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Flatten
from inception_dsl.ir.program import (
    TOTALS,
    Again,
    Body,
    Call,
    Dropped,
    Join,
    Layer,
    Part,
    Program,
    Reference,
    Repeat,
    Sequence,
)
from inception_dsl.ir.shapes import Pair, Window
from inception_dsl.ir.values import Name, Number, Operation, Value, Width
from inception_dsl.spec.fields import COLUMN_MEASURES
from inception_dsl.spec.init import SOURCE
from inception_dsl.spec.printer import print_cell, print_graph, print_head
from inception_dsl.spec.reported import print_results
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import JOINS
from inception_dsl.spec.vocabulary.words import WORDS
from inception_dsl.syntax import terms
from inception_dsl.syntax.printer import align, spell_term, spell_words
from inception_dsl.syntax.terms import (
    Branches,
    Chain,
    Dimensions,
    Fraction,
    Labelled,
    Repeated,
    Scaled,
    Term,
    Use,
    WordTerm,
)
from inception_dsl.syntax.yaml_printer import dump

PASS: Final = Use("pass")
DROPPED: Final = Use("conv", (Number(1), Number(1)), width=Number(0))
"""The shortest layer that is left out."""

SIGNS: Final = {op: sign for sign, op in JOINS.items()}
"""The sign that joins branches by an op."""

DEFAULT_COLUMNS: Final = frozenset(COLUMN_MEASURES[:4])
"""The columns that need no declaration."""


def print_program(program: Program) -> str:
    """Print a program as a spec file; elaborated, it gives the same templates, rows and heads."""
    paper = {key: value for key, value in program.paper._asdict().items() if value}
    modules = {name: _module(template) for name, template in program.templates.items()}
    heads = {head.name: print_head(head.source, head.loss_weight, as_term(head.body)) for head in program.heads}
    return dump(
        {
            "network": program.name,
            "title": program.title if program.title != program.name else None,
            "paper": paper or None,
            "input": "x".join(map(str, program.input.shape)),
            "classes": program.env["classes"],
            "modules": modules or None,
            "layers": _table(program),
            "heads": heads or None,
            "published": _published(program.published) or None,
            "init": _init(program.init) if program.init else None,
            "training": program.training or None,
            "reported": print_results(program.reported) if program.reported else None,
        }
    )


def _module(template: program.Template) -> dict[str, Any]:
    columns = [*(param for param in template.params if param != "classes"), *template.tensors]
    return {"doc": template.doc or None, "columns": columns or None, "graph": print_graph(as_term(template.body))}


def _table(program: Program) -> str:
    """The rows, and what the paper prints of each."""
    printed = {(claim.row, claim.column): claim.text for claim in program.published.claims if claim.row != TOTALS}
    columns = list(dict.fromkeys(column for _, column in printed))
    rows = [
        [row.name, print_cell(as_term(row.body)), *(printed.get((row.name, column), "") for column in columns)]
        for row in program.rows
    ]
    return align([["name", "layer", *columns], *rows]) + "\n"


def _published(published: program.Published) -> dict[str, Any]:
    claimed = {claim.column for claim in published.claims} - DEFAULT_COLUMNS
    columns = {name: _unlike(column, program.Column(name)) for name, column in published.columns.items()}
    totals = {claim.column: claim.text for claim in published.claims if claim.row == TOTALS}
    errata = {f"{erratum.row}.{erratum.column}": erratum.reason for erratum in published.errata}
    declared = {name: keys for name, keys in columns.items() if keys or name in claimed}
    return {**declared, **({TOTALS: totals} if totals else {}), **({"errata": errata} if errata else {})}


def _init(init: program.Init) -> dict[str, str]:
    words = {initializer.path: spell_words(_initializer(initializer)) for initializer in init.initializers}
    return {SOURCE: init.source, **words}


def _initializer(initializer: program.Initializer) -> Iterator[WordTerm]:
    yield WordTerm(initializer.distribution)
    for key, value in (*initializer.values, *([("bias", initializer.bias)] if initializer.bias else [])):
        yield WordTerm(key, value if isinstance(value, str) else _number(value))


def _unlike(column: program.Column, plain: program.Column) -> dict[str, Any]:
    """The keys of a column that differ from those of a `plain` one."""
    return {key: value for key, value in column._asdict().items() if value != getattr(plain, key)}


def as_term(body: Body) -> Term:
    """A body in the layer algebra; `1 of [...]` keeps what the algebra would flatten (a join in a join)."""
    match body:
        case Layer((Scale(factor),)):
            return Scaled(_number(factor), PASS)
        case Layer(ops, tensors):
            layer = _layer(ops)
            return replace(layer, words=(*layer.words, *_passed(tensors)))
        case Call(template, args, tensors):
            widths = (WordTerm(param, _value(width)) for param, width in args if param != "classes")
            return Use(template, words=(*widths, *_passed(tensors)))
        case Reference(name, kind):
            return Use(Name(name)) if kind == "argument" else terms.Reference(name)
        case Again(label):
            return Use("again", words=(WordTerm(label),))
        case Sequence(parts):
            return _sequence(parts)
        case Join(_, (only,)):
            return _part(only)
        case Join(op, branches):
            return Branches(SIGNS[type(op)], tuple(_branch(part, op) for part in branches))
        case Repeat(count, inner):
            return Repeated(Number(count), as_term(inner))
        case Dropped():
            return DROPPED
        case _:
            raise TypeError(body)


def print_layer(ops: tuple[Op, ...]) -> str:
    """The ops of a layer as the language writes them, `conv 3x3 64 same bn relu`; a join by its name."""
    return ops[0].name if type(ops[0]) in SIGNS else spell_term(as_term(Layer(ops)))


def _passed(tensors: Collection[tuple[str, Reference]]) -> Iterator[WordTerm]:
    """The words that name values given before."""
    for name, reference in tensors:
        yield WordTerm(name, Name(reference.name) if reference.kind == "argument" else f"@{reference.name}")


def _part(part: Part) -> Term:
    return Labelled(part.label, as_term(part.body)) if part.label else as_term(part.body)


def _branch(part: Part, join: Op) -> Term:
    match part.body:
        case Join(op, (_, _, *_)) if op == join and not part.label:
            return Repeated(Number(1), as_term(part.body))
        case Sequence((Part(label=label),)) if label and not part.label:  # its label is not the branch's
            return Repeated(Number(1), as_term(part.body))
        case _:
            return _part(part)


def _sequence(parts: tuple[Part, ...]) -> Term:
    """Steps; a factor is that of all before it: `0.17 * [a -> b]`."""
    steps: list[Term] = []
    for part in parts:
        match part:
            case Part("", Layer((Scale(factor),))):
                steps = [Scaled(_number(factor), _chain(steps))]
            case _:
                steps.append(_part(part))
    return _chain(steps)


def _chain(steps: list[Term]) -> Term:
    return Chain(tuple(steps)) if len(steps) > 1 else steps[0] if steps else PASS


def _layer(ops: tuple[Op, ...]) -> Use:
    """The layer of the language with these ops: the first gives its name, the others are words on it."""
    if isinstance(ops[0], Flatten) and len(ops) > 1:
        ops = ops[1:]  # `fc` flattens what it reads
    first, *rest = ops
    use = _use(first)
    after = (word for op in rest for word in (WordTerm(op.name, _use(op).width), *_use(op).words))
    return replace(use, words=(*use.words, *after))


def _use(op: Op) -> Use:
    """An op as a layer: its kernel, its number, and a word for each other field that differs from its default."""
    entry = LAYERS.get(op.name)
    window = getattr(op, "window", None)
    kernel, stride = _size(window) if window else (None, None)
    words, printed = list(_padding(window)) if window else [], {"window"}
    if entry and "global" in entry.words and window is None and getattr(op, "to", (1, 1)) == (1, 1):
        words.append(WordTerm("global"))
    width = fraction = None
    if entry and entry.number and (number := getattr(op, entry.number.field)) is not None:  # a word may stand for it
        printed.add(entry.number.field)
        if entry.number.kind == "fraction":
            fraction = Fraction(*_pair(number))
        elif isinstance(op, ChannelConv):
            size, step = _pair((op.kernel, op.stride))
            width, fraction = (size, None) if op.stride == 1 else (None, Fraction(size, step))
            words, printed = [*_beside(op)], {*printed, "stride", "pad"}
        elif isinstance(number, tuple) and number[0] != number[1]:
            kernel = _pair(number)
        else:
            number = number[0] if isinstance(number, tuple) else number
            width = number if isinstance(number, Value) else Number(number)
    return Use(op.name, kernel, stride, width, (*words, *_others(op, printed)), fraction)


def _others(op: Op, printed: Collection[str]) -> Iterator[WordTerm]:
    """The fields of an op that are not `printed` yet, where they differ from their defaults."""
    for field in fields(op):
        name, value = field.name, getattr(op, field.name)
        if name in printed or value == field.default:
            continue
        match value:
            case bool():
                yield WordTerm(name, None if value else "none")
            case int() | float():
                yield WordTerm(name, _number(value))
            case (int() as height, int() as width):
                yield WordTerm(name, _pair((height, width)))
            case str() if value in WORDS:  # a word of the slot that has the field's name
                yield WordTerm(value)
            case Value() | str():
                yield WordTerm(name, value)
            case _:
                raise TypeError(f"`{op.name}` has a field that cannot be printed: {name}={value!r}")


def _size(window: Window) -> tuple[Dimensions, Dimensions | None]:
    return _pair(window.kernel), _pair(window.stride) if window.stride != (1, 1) else None


def _padding(window: Window) -> Iterator[WordTerm]:
    """How a window pads, and its dilation."""
    padding = window.padding
    if padding.kind != "pad":
        yield WordTerm(padding.kind)
    elif padding.amount != (0, 0):
        yield WordTerm("pad", _amount(padding.amount))
    elif not padding.ceil:
        yield WordTerm("valid")
    if padding.ceil:
        yield WordTerm("ceil")
    if window.dilation != (1, 1):
        yield WordTerm("dilation", _amount(window.dilation))


def _beside(conv: ChannelConv) -> Iterator[WordTerm]:
    """How a convolution along the channels pads."""
    if conv.pad and 2 * conv.pad == conv.kernel - 1:
        yield WordTerm("same")
    elif conv.pad:
        yield WordTerm("pad", Number(conv.pad))
    elif conv.kernel > 1:
        yield WordTerm("valid")


def _amount(pair: Pair) -> Value | Dimensions:
    return Number(pair[0]) if pair[0] == pair[1] else _pair(pair)


def _pair(pair: Pair) -> Dimensions:
    return Number(pair[0]), Number(pair[1])


def _value(width: Width) -> Value:
    return Number(width) if isinstance(width, int) else width


def _number(number: float) -> Value:
    """A number as the language writes it: without a sign of its own."""
    return Number(number) if number >= 0 else Operation("-", Number(0), Number(-number))
