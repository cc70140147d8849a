"""A network as one HTML file: its table with printed and computed numbers, its figure, code, graph and spec."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Final

from inception_dsl.emit.citation import citation, command
from inception_dsl.emit.page.document import document
from inception_dsl.emit.page.panel import Drawn, Panel
from inception_dsl.emit.page.panels import (
    boxes,
    claims,
    code,
    costs,
    counting,
    errata,
    figure,
    memory,
    nodes,
    numbers,
    recipe,
    reported,
    spec,
    table,
)
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.report.statements import occurring
from inception_dsl.paper.verdicts import dropped_sentence

MAIN: Final = (
    Panel("table", "Table", table.context),
    Panel("figure", "Figure", figure.context),
)
"""The panels that stand side by side, at the top."""

ROW: Final = (
    Panel("numbers", "Numbers", numbers.context),
    Panel("code", "PyTorch", code.context),
    Panel("spec", "Spec", spec.context),
    Panel("nodes", "ONNX", nodes.context),
    Panel("boxes", "Modules", boxes.context),
)
"""The panels about one row, or about all rows where none is chosen: tabs beside the others."""

CHARTS: Final = (Panel("costs", "Costs of the rows", costs.context),)
"""The panels about all rows, below these; then stand those that were asked for."""

BELOW: Final = (
    Panel("errata", "Errata", errata.context),
    Panel("claims", "Claims", claims.context),
    Panel("memory", "Totals and memory", memory.context),
    Panel("recipe", "Training", recipe.context),
    Panel("reported", "Reported, not checked", reported.context),
    Panel("counting", "How it is counted", counting.context),
)
"""The panels about the whole network, at the end."""


def page(subject: Subject, further: Sequence[Drawn] = (), words: Sequence[str] = ()) -> str:
    """The page of a network, with further panels that some words of the command line ask for.

    It has no clock and no version, makes no request, and is complete without its script.
    """
    program = subject.typed.program
    cited = citation(program.paper._replace(arxiv=""))
    return document(
        "page/page",
        ("page/page.css", "page/layout.css", "page/charts.css"),
        ("page/page.js",),
        source=program.file,
        rebuild=f"{subject.rebuild or command(program.file)} {shlex.join(['--page', *words])}",
        home=subject.home,
        title=program.title or program.name,
        description=". ".join(
            filter(None, (f"{program.title or program.name}: table, figure, code and verdict", cited))
        ),
        paper=cited,
        arxiv=program.paper.arxiv,
        input=str(subject.typed.input),
        counts=occurring(subject.verdicts),
        dropped=dropped_sentence(program.published.dropped) if program.published.dropped else "",
        main=_drawn(MAIN, subject),
        row=_drawn(ROW, subject),
        below=[*_drawn(CHARTS, subject), *further, *_drawn(BELOW, subject)],
    )


def _drawn(panels: Iterable[Panel], subject: Subject) -> list[Drawn]:
    return [drawn for panel in panels if (drawn := panel.drawn(subject))]
