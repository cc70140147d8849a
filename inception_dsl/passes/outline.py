"""Makes a module of every row and head that reads values beside what arrives, or applies a step again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from inception_dsl.ir.dataflow import references, split_source, used_names, within
from inception_dsl.ir.program import Body, Call, Layer, Part, Program, Reference, Sequence, Template
from inception_dsl.ir.values import Name
from inception_dsl.passes.rewrite import bottom_up


def outline(program: Program) -> Program:
    """Outline rows and heads; a row that it reads becomes an argument of the module, and its call passes the row on.

    What only begins with another row's value, or passes values on to a module or a layer, stays as it is.
    """
    templates = dict(program.templates)

    def outlined(name: str, body: Body, is_row: bool) -> Body:
        source, rest = split_source(body)
        if isinstance(rest, Call | Layer) or not any(references(rest)):
            return body
        taken = {*templates, *(template.module for template in templates.values())}
        module = name
        while module in taken:
            module += "_row"
        read = {found.name: found for found in references(rest) if isinstance(found, Reference) and found.kind == "row"}
        used = used_names(rest)
        params = tuple(name for name in program.env if name in used)
        doc = f"The row `{name}`." if is_row else f"The head `{name}`."
        templates[module] = Template(
            module, name, params, bottom_up(_as_argument)(rest), doc, tuple(read), origin=body.origin
        )
        call = Call(module, tuple((param, Name(param)) for param in params), tuple(read.items()), origin=body.origin)
        return Sequence((Part("", source), Part("", call)), origin=body.origin) if source else call

    rows = tuple(replace(row, body=outlined(row.name, row.body, True)) for row in program.rows)
    heads = tuple(replace(head, body=outlined(head.name, head.body, False)) for head in program.heads)
    ordered = _by_first_use(templates, [*(row.body for row in rows), *(head.body for head in heads)])
    return replace(program, templates=ordered, rows=rows, heads=heads)


def _as_argument(body: Body) -> Body:
    """A reference to a row as one to the argument that passes it."""
    match body:
        case Reference(_, "row"):
            return replace(body, kind="argument")
        case Call(tensors=tensors) | Layer(tensors=tensors):
            passed = tuple(
                (name, replace(read, kind="argument") if read.kind == "row" else read) for name, read in tensors
            )
            return replace(body, tensors=passed)
        case _:
            return body


def _by_first_use(templates: Mapping[str, Template], bodies: Iterable[Body]) -> dict[str, Template]:
    """The templates in the order in which some bodies first use them, each after those that it uses itself."""
    order: dict[str, Template] = {}

    def visit(body: Body) -> None:
        for inner in within(body):
            if isinstance(inner, Call) and inner.template not in order:
                visit(templates[inner.template].body)
                order[inner.template] = templates[inner.template]

    for body in bodies:
        visit(body)
    return {**order, **templates}
