"""A sweep on a page: its Pareto front, from the JSON that `sweep` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from inception_dsl.diagnostics.spelling import counted
from inception_dsl.diff.wording import NAMES
from inception_dsl.emit.charts.model import SMALL
from inception_dsl.emit.charts.svg import svg
from inception_dsl.emit.page.panel import Drawn, filled
from inception_dsl.emit.templates import markup
from inception_dsl.ir.typed import Typed
from inception_dsl.panels.files import written
from inception_dsl.runner.base.settings import RunError
from inception_dsl.sweeps.plot import front_chart
from inception_dsl.sweeps.table import MOST_ROWS, NUMBERS


def sweep_panel(typed: Typed, file: Path) -> Drawn:
    """The panel of a sweep of this network.

    Raises `RunError` for a file that cannot be read, that `sweep --format json` did not write, or of another network.
    """
    with written(file, "`sweep --format json`") as data:
        result = data.get("result", data)
        network, front = str(result["network"]), result["front"]
        if not front:
            raise RunError(f"{file}: the sweep kept no variant")
        first, *others = [str(objective["formula"]) for objective in result["objectives"]]
        names = [", ".join(f"{name}={value}" for name, value in _settings(variant).items()) for variant in front]
        points = [_point(variant, bool(others)) for variant in front]
        shown = front[:MOST_ROWS]
        lines = [[*_settings(variant).values(), *(_shown(variant[name]) for name in NUMBERS)] for variant in shown]
        axes = [*_settings(front[0])]
        counts = [f"{result[name]:,} {words}" for name, words in (("valid", "valid"), ("kept", "within the limits"))]
        facts = ", ".join([f"{counted(result['combinations'], 'variant')} by {' x '.join(axes)}", *counts])
        drawn = front_chart("Pareto front", facts, (others[0] if others else "ops", first), [], points, names)
        drawn = replace(drawn, panels=[replace(panel, title=drawn.title) for panel in drawn.panels], size=SMALL)
    if network != typed.program.name:
        raise RunError(f"{file}: a sweep of `{network}`, not of `{typed.program.name}`")
    return filled(
        "sweep",
        "Sweep",
        facts=f"{facts}; {len(front):,} on the Pareto front.",
        chart=markup(svg(drawn, styled=False)),
        headings=[*axes, *(NAMES[name] for name in NUMBERS)],
        lines=lines,
        axes=len(axes),
        more=f"and {len(front) - MOST_ROWS:,} more" if len(front) > MOST_ROWS else "",
    )


def _settings(variant: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a variant, and the size of its image where it has its own."""
    settings = {str(name): str(value) for name, value in variant["settings"].items()}
    return settings | ({"size": _shown(variant["size"])} if variant["size"] else {})


def _point(variant: Mapping[str, Any], several: bool) -> tuple[float, float]:
    up, *across = map(float, variant["objectives"])
    return (across[0] if several else float(variant["macs"])), up


def _shown(value: Any) -> str:
    """A number, or that of the height and the width."""
    if isinstance(value, int):
        return f"{value:,}"
    height, width = value
    return f"{height:,}" if height == width else f"{height:,}x{width:,}"
