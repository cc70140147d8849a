"""The figures of the modules, and which rows call them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from inception_dsl.emit.figures.diagram import forms_figure
from inception_dsl.emit.figures.svg import svg
from inception_dsl.emit.page.panels.spec import called
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.pytorch.variants import Variants
from inception_dsl.emit.templates import markup


class DrawnModule(NamedTuple):
    """A module as drawn, and the names of the rows that call it, with blanks between.

    `forms` is how many there are that share a class of the generated file: they differ in a factor or the like.
    """

    name: str
    rows: str
    forms: int
    svg: str


def context(subject: Subject) -> Mapping[str, Any] | None:
    """A figure for each class of the generated file that is a module's; None if no row calls a module."""
    program = subject.typed.program
    base = Variants(program.templates).base
    rows: dict[str, dict[str, None]] = {}
    for entry in program.entries:
        for template in called(program, entry):
            rows.setdefault(base[template.name], {})[entry.name] = None
    forms = Counter(base.values())
    drawn = []
    for name in [*program.templates][::-1]:  # a module stands after those that it calls
        if name not in rows:
            continue
        figure = forms_figure(program, name, [program.templates[name]])
        drawn.append(DrawnModule(name, " ".join(rows[name]), forms[name], markup(svg(figure, styled=False))))
    return {"modules": drawn} if drawn else None
