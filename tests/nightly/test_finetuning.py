"""The example of docs/fine-tuning.md: weights of torchvision's network beat scratch. It takes minutes."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import mean

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from finetuning import scores


def test_imported_weights_of_other_classes_are_worth_starting_from(tmp_path: Path) -> None:
    """The mean of two seeds, from either start at the rate that suits it."""
    found = scores(tmp_path, seeds=2, rates=(0.03, 0.003))
    best = {start: max(map(mean, by_rate.values())) for start, by_rate in found.items()}
    assert best["scratch"] > 0.5  # a fair opponent: guessing is a quarter
    assert best["weights"] > best["scratch"] + 0.03
