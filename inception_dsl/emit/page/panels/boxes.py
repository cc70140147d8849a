"""The figures of the modules, and which rows call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from inception_dsl.emit.figures.diagram import module_figure
from inception_dsl.emit.figures.svg import svg
from inception_dsl.emit.page.panels.spec import called
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.templates import markup


class DrawnModule(NamedTuple):
    """A module as drawn, and the names of the rows that call it, with blanks between."""

    name: str
    rows: str
    svg: str


def context(subject: Subject) -> Mapping[str, Any] | None:
    """A figure for each module that rows or heads call; None if there is none."""
    program = subject.typed.program
    rows: dict[str, list[str]] = {}
    for entry in program.entries:
        for module in dict.fromkeys(template.module for template in called(program, entry)):
            rows.setdefault(module, []).append(entry.name)
    drawn = [
        DrawnModule(name, " ".join(calls), markup(svg(module_figure(program, name), styled=False)))
        for name, calls in rows.items()
    ]
    return {"modules": drawn} if drawn else None
