"""Scores, files and cards of networks that predict several labels or numbers."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from inception_dsl.evaluation.cache import Predictions, read_predictions, to_npz
from inception_dsl.evaluation.ensemble import ensemble
from inception_dsl.evaluation.evaluate import ensemble_files, evaluate_file
from inception_dsl.evaluation.output_scores import measure_labels, measure_numbers
from inception_dsl.runner.base.config import Augment, Config, Data, Loss, NetworkInfo
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.record.export import write_model
from inception_dsl.runner.record.scores import TALLIES, Score
from inception_dsl.training.card import write_card
from inception_dsl.weights.deploy import onnx_metadata
from inception_dsl.weights.files import WeightFile, read_weights

HERE = RankContext(torch.device("cpu"))
NAMES = ["dark", "light", "any"]


class Shades:
    """Grey images; an image has the labels of its shade, or the numbers of it."""

    classes = NAMES
    fingerprint = "shades"

    def __init__(self, loss: str, count: int = 12) -> None:
        self.loss, self.count = loss, count

    def __len__(self) -> int:
        return self.count

    def shade(self, index: int) -> float:
        return (index % 5) / 4

    def label(self, index: int) -> Tensor:
        shade = self.shade(index)
        numbers = torch.tensor([1 - shade, shade, 2.0])
        return numbers if self.loss == "mse" else torch.tensor([shade < 0.4, shade > 0.6, 0]).float()

    def name(self, index: int) -> str:
        return f"shade {index}"

    def read(self, index: int, reduction: object = None) -> Tensor:
        return torch.full((1, 9, 9), round(255 * self.shade(index)), dtype=torch.uint8)


class Meter(nn.Module):
    """Knows the first output, and is wrong about the second by a number."""

    def __init__(self, wrong: float = 0.25) -> None:
        super().__init__()
        self.wrong = nn.Parameter(torch.tensor(wrong))

    def forward(self, image: Tensor) -> Tensor:
        shade = image.mean((1, 2, 3))
        return torch.stack([1 - shade, shade + self.wrong, torch.zeros_like(shade) + 2], 1)


def config(loss: str) -> Config:
    data = Data(channels=1, height=8, width=8, mean=(0.0,), std=(1.0,), workers=0)
    return Config(data=data, augment=Augment(resize=9), loss=Loss(loss))


def test_numbers_are_scored_as_the_network_gives_them(tmp_path: Path) -> None:
    found = evaluate_file(Meter(), Shades("mse"), config("mse"), HERE, protocols=("recipe", "10"), out=tmp_path)
    errors = found.protocols["10"].data
    assert errors["mae"] == pytest.approx(0.25 / 3, abs=0.002) and errors["n"] == 12
    assert "RMSE 0.144" in str(found) and "R2 " in str(found) and not found.confused
    rows = list(csv.DictReader((tmp_path / "classes.csv").read_text().splitlines()))
    assert [row["number"] for row in rows] == NAMES
    assert rows[0]["r2"] > "0.99" and rows[1]["mae"].startswith("0.25") and rows[2]["r2"] == "1.0000"
    assert not (tmp_path / "confusion.svg").exists()
    assert json.loads((tmp_path / "scores.json").read_text())["protocols"]["10"] == errors


def test_labels_are_scored_by_their_sigmoids(tmp_path: Path) -> None:
    class Sure(Meter):
        def forward(self, image: Tensor) -> Tensor:
            shade = image.mean((1, 2, 3))
            return torch.stack([0.5 - shade, shade - 0.6, shade - 2], 1) * 20

    found = evaluate_file(Sure(), Shades("bce"), config("bce"), HERE, out=tmp_path)
    scores = found.protocols["recipe"].data
    # a shade of 1/2 is taken for neither, and the label "any" is on no image
    assert scores["map"] == scores["f1_micro"] == scores["exact"] == 1 and 0 < scores["loss"] < 0.1
    held = read_predictions(tmp_path / "predictions.npz")
    shades = torch.tensor([Shades("bce").shade(i) for i in range(12)])
    logits = torch.stack([0.5 - shades, shades - 0.6, shades - 2], 1) * 20
    torch.testing.assert_close(held.probabilities["recipe"], logits.sigmoid(), atol=0.02, rtol=0)
    assert held.loss == "bce" and held.labels.shape == (12, 3)
    rows = list(csv.DictReader((tmp_path / "classes.csv").read_text().splitlines()))
    assert rows[2] == {"label": "any", "images": "0", "precision": "", "recall": "", "average_precision": ""}
    assert rows[0]["recall"] == rows[0]["average_precision"] == "1.0000"


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_an_evaluation_has_the_scores_of_the_run(loss: str) -> None:
    random = torch.Generator().manual_seed(0)
    outputs, targets = torch.randn(2, 30, 4, generator=random)
    targets = (targets > 0).float() if loss == "bce" else targets
    tally = TALLIES[loss](4)
    tally.add(outputs, targets)
    measure = measure_labels if loss == "bce" else measure_numbers
    values = outputs.sigmoid() if loss == "bce" else outputs
    measured, rows = measure(values, targets, list("abcd"))
    assert measured.numbers == pytest.approx(tally.numbers(HERE), rel=1e-6)
    assert [row.name for row in rows] == list("abcd")


def test_nan_is_wrong_in_an_evaluation_too() -> None:
    measured, rows = measure_labels(torch.tensor([[math.nan], [0.9]]), torch.tensor([[1.0], [0.0]]), ["a"])
    assert measured.numbers["f1_micro"] == measured.numbers["exact"] == 0 and rows[0].average_precision == 0.5
    assert math.isnan(measured.numbers["loss"])


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_predictions_are_kept_and_averaged(loss: str, tmp_path: Path) -> None:
    for name, wrong in (("a", 0.25), ("b", -0.25)):
        evaluate_file(Meter(wrong), Shades(loss), config(loss), HERE, out=tmp_path / name)
    files = [tmp_path / name / "predictions.npz" for name in "ab"]
    found = ensemble_files(files, out=tmp_path / "both")
    assert ("RMSE" if loss == "mse" else "mAP") in found.notes[0]
    if loss == "mse":  # the errors of the members cancel
        alone = read_predictions(files[0])
        assert measure_numbers(alone.probabilities["recipe"], alone.labels, NAMES)[0].numbers["rmse"] > 0.1
        assert found.protocols["recipe"].data["rmse"] < 0.01
    assert read_predictions(tmp_path / "both" / "predictions.npz").loss == loss


def kept(**change: Any) -> Predictions:
    found = Predictions(
        {"recipe": torch.rand(3, 2)}, torch.zeros(3, 2), ["x", "y", "z"], ["a", "b"], ["0"], "data", [], "bce"
    )
    return replace(found, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": torch.zeros(3, dtype=torch.int64)},
        {"labels": torch.zeros(3, 3)},
        {"loss": "hinge"},
        {"loss": "cross_entropy"},
    ],
)
def test_predictions_whose_parts_do_not_match_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "predictions.npz").write_bytes(to_npz(kept(**change)))
    with pytest.raises(RunError, match="its parts do not match"):
        read_predictions(tmp_path / "predictions.npz")


def test_members_of_an_ensemble_have_one_loss() -> None:
    with pytest.raises(RunError, match="a and b were trained with different losses: bce and mse"):
        ensemble({"a": kept(), "b": kept(loss="mse", weights=["1"])})


@pytest.mark.parametrize(
    ("loss", "numbers", "words"),
    [
        (
            "bce",
            {"map": 0.5, "f1_micro": 0.4, "f1_macro": 0.3, "exact": 0.2, "loss": 0.1},
            [
                "| mAP | F1 micro | F1 macro | exact match | bce |",
                "| 9 | 50.00% | 40.00% |",
                ".sigmoid()\n",
                "2 labels, of",
            ],
        ),
        (
            "mse",
            {"rmse": 0.5, "mae": 0.4, "r2": 0.75, "loss": 0.25},
            [
                "| RMSE | MAE | R2 | mse |",
                "| 9 | 0.5 | 0.4 | 0.7500 | 0.2500 | 1 |",
                "numbers = network(",
                "2 numbers:",
            ],
        ),
    ],
)
def test_the_card_and_the_file_say_what_outputs_are(
    loss: str, numbers: dict[str, float], words: list[str], tmp_path: Path
) -> None:
    about = NetworkInfo("tiny", "Tiny", "0f" * 32)
    write_model(
        tmp_path, nn.Linear(3, 2), config(loss), ["a", "b"], Score(9, 1, numbers), about, {"steps": 1, "epochs": 1}
    )
    write_card(tmp_path, "")
    card = (tmp_path / "README.md").read_text()
    assert [word for word in words if word not in card] == []
    assert yaml.safe_load(card.split("---\n")[1])["metrics"] == [{"bce": "f1", "mse": "mse"}[loss]]
    facts = json.loads((tmp_path / "config.json").read_text())
    assert facts["training"]["loss"]["name"] == loss and facts["score"] == {"n": 9, **numbers, "unreadable": 1}
    activation = {"bce": "sigmoid", "mse": "none"}[loss]
    weights = read_weights(tmp_path / "model.safetensors")
    assert onnx_metadata(weights) == {"loss": loss, "activation": activation}
    assert onnx_metadata(WeightFile({}, {})) == {}
