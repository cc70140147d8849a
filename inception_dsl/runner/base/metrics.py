"""The numbers of scores by name."""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """How a number of a score is shown, and whether a higher one is better."""

    title: str
    form: str
    higher: bool = True


METRICS = {
    "top1": Metric("top-1", ".2%"),
    "top5": Metric("top-5", ".2%"),
    "map": Metric("mAP", ".2%"),
    "f1_micro": Metric("F1 micro", ".2%"),
    "f1_macro": Metric("F1 macro", ".2%"),
    "exact": Metric("exact match", ".2%"),
    "rmse": Metric("RMSE", ".4g", higher=False),
    "mae": Metric("MAE", ".4g", higher=False),
    "r2": Metric("R2", ".4f"),
    "loss": Metric("loss", ".4f", higher=False),
}
