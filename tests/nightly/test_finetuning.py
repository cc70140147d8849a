"""The example of docs/training.md: fine-tuning beats training from scratch at equal steps. It takes minutes."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import mean

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from finetuning import scores


def test_weights_of_other_classes_are_worth_starting_from(tmp_path: Path) -> None:
    """Under the same recipe, by the mean of two seeds."""
    found = {name: mean(values) for name, values in scores(tmp_path, seeds=2).items()}
    assert min(found.values()) > 0.6  # fair opponents
    assert found["weights"] > found["scratch"] + 0.02
    assert found["weights, recipe finetune"] > found["scratch, recipe finetune"]
