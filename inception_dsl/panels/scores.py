"""The scores of an evaluation on a page, from the folder that `eval --out` wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from inception_dsl.emit.charts.matrix import NAMED, confusion_svg
from inception_dsl.emit.templates import markup
from inception_dsl.panels.files import written
from inception_dsl.runner.base.metrics import METRICS

FILE: Final = "scores.json"

TITLES: Final = {"n": "images", "nll": "negative log-likelihood", "ece": "calibration error"}
"""What the numbers of a score are called that no run logs."""


class Scores(NamedTuple):
    """An evaluation: a line for each protocol, the most confused classes, and the confusion matrix."""

    title: str
    headings: list[str]
    lines: list[list[str]]
    notes: list[str]
    confused: list[list[str]]
    matrix: str


def evaluations(folder: Path) -> list[Scores]:
    """The evaluations in a folder and in those in it. Raises `RunError` for one that is damaged."""
    files = [folder / FILE, *sorted(folder.glob(f"*/{FILE}"))]
    return [_scores(file, folder) for file in files if file.is_file()]


def _scores(file: Path, folder: Path) -> Scores:
    with written(file, "`eval --out`") as data:
        protocols: Mapping[str, Mapping[str, Any]] = data["protocols"]
        names = [*dict.fromkeys(name for scores in protocols.values() for name in scores)]
        shown = [name for name in names if not name.endswith("_interval")]
        lines = [[protocol, *(_number(scores, name) for name in shown)] for protocol, scores in protocols.items()]
        confused = [
            [str(pair["label"]), str(pair["predicted"]), f"{pair['images']:,}", f"{pair['part']:.1%}"]
            for pair in data["confused"]
        ]
        counts, classes = data.get("confusion"), [str(row["name"]) for row in data["classes"]]
        matrix = ""
        if counts and len(classes) <= NAMED:
            cells = {(i, j): int(images) for i, row in enumerate(counts) for j, images in enumerate(row) if images}
            if len(counts) != len(classes) or any(len(row) != len(classes) for row in counts):
                raise ValueError
            matrix = markup(confusion_svg("Confusion matrix", classes, cells, styled=False))
        where = file.parent.relative_to(folder)
        return Scores(
            f"Evaluation{f' in {where}' if where.parts else ''}",
            ["crops", *(TITLES.get(name) or METRICS[name].title for name in shown)],
            lines,
            [f"{data['unreadable']:,} could not be read"] * bool(data["unreadable"]),
            confused,
            matrix,
        )


def _number(scores: Mapping[str, Any], name: str) -> str:
    value = scores.get(name)
    if value is None:
        return "none"
    if name == "n":
        return f"{value:,}"
    text = f"{value:{METRICS[name].form}}" if name in METRICS else f"{value:.4f}"
    if interval := scores.get(f"{name}_interval"):
        low, high = interval
        return f"{text} ({low:.2%} to {high:.2%})"
    return text
