"""A training run on a page: its curves and its scores, from the folder that `train` and `eval` wrote."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from inception_dsl import compiler
from inception_dsl.diagnostics.spelling import counted
from inception_dsl.emit.charts.model import SMALL, Chart
from inception_dsl.emit.charts.svg import svg
from inception_dsl.emit.page.panel import Drawn, filled
from inception_dsl.emit.templates import markup
from inception_dsl.ir.typed import Typed
from inception_dsl.panels.scores import evaluations
from inception_dsl.runner.base.metrics import METRICS
from inception_dsl.runner.base.settings import RunError
from inception_dsl.training.curves import Curves, read_curves
from inception_dsl.training.launch import status
from inception_dsl.training.plot import HELD_OUT, chart


def run_panel(typed: Typed, folder: Path) -> Drawn:
    """The panel of a run of this network, or of an evaluation alone.

    Raises `RunError` for a folder that holds neither, is damaged, or is of another network, and `SpecError` for a spec
    in it that cannot be compiled.
    """
    evaluated = evaluations(folder)
    logged = (folder / "metrics.jsonl").is_file()
    if not logged and not evaluated:
        raise RunError(f"{folder}: no metrics.jsonl and no scores.json; name a folder that `train` or `eval` wrote")
    if (folder / "spec.yaml").is_file():
        _check_network(typed, folder)
    curves = [read_curves(folder)] if logged else []
    return filled(
        "run",
        "Training run" if logged else "Evaluation",
        facts=", ".join(fact for curve in curves for fact in _facts(curve, folder)),
        charts=[markup(svg(single, styled=False)) for curve in curves for single in _singles(chart([curve]))],
        evaluations=evaluated,
    )


def _facts(curves: Curves, folder: Path) -> Iterator[str]:
    last = curves.rows[-1]
    yield str(folder)
    if state := status(folder):
        yield state
    yield counted(last["step"], "step")
    if epochs := next((row["epoch"] for row in reversed(curves.rows) if row.get("epoch")), 0):
        yield f"{epochs:.3g} epoch{'s' * (epochs != 1)}"
    for first, _ in HELD_OUT.values():
        metric, sign = METRICS[first], 1 if METRICS[first].higher else -1
        scores = zip(*curves.points(f"test_{first}"), strict=True)
        if found := [(sign * score, -step) for step, score in scores if math.isfinite(score)]:
            score, step = max(found)
            yield f"best {metric.title} {sign * score:{metric.form}} on held-out images, at step {-step:,.0f}"


def _singles(whole: Chart) -> list[Chart]:
    """A chart for each panel."""
    return [replace(whole, title=panel.title, panels=[panel], columns=1, size=SMALL) for panel in whole.panels]


def _check_network(typed: Typed, folder: Path) -> None:
    """Fail where the spec in the folder of a run is that of another network, apart from its number of classes."""
    own = compiler.at_size(compiler.compile_file(folder / "spec.yaml"))
    classes = int(typed.program.env["classes"]), int(own.program.env["classes"])
    shapes, others = ({name: weight.shape for name, weight in one.weights.items()} for one in (typed, own))
    if own.program.name != typed.program.name:
        raise RunError(f"{folder}: a run of `{own.program.name}`, not of `{typed.program.name}`")
    pairs = [(shape, others.get(name, ())) for name, shape in shapes.items()]
    alike = all(
        len(one) == len(other) and all(a == b or (a, b) == classes for a, b in zip(one, other, strict=True))
        for one, other in pairs
    )
    if not alike or shapes.keys() != others.keys():
        raise RunError(
            f"{folder}: a run of another `{own.program.name}`, whose weights have other names or shapes; give --set as "
            f"`train` had it, or compile {folder / 'spec.yaml'}"
        )
