"""What predictions are worth, kept in files and put together, and the two commands' functions over all of it."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.evaluation import evaluate, scores
from inception_dsl.evaluation.cache import Predictions, read_predictions, to_npz
from inception_dsl.evaluation.ensemble import ensemble
from inception_dsl.evaluation.evaluate import ensemble_files, evaluate_file
from inception_dsl.runner.base.config import Augment, Config, Data
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers.reader import Unreadable

HERE = RankContext(torch.device("cpu"))
NAN = float("nan")


def drawn(n: int = 40, classes: int = 7, seed: int = 0, weights: str = "") -> Predictions:
    """Predictions by chance, by two protocols."""
    chance = torch.Generator().manual_seed(seed)
    both = {each: (3 * torch.randn(n, classes, generator=chance)).softmax(1) for each in ("1", "144")}
    names, words = [f"image {i}" for i in range(n)], [f"class {i}" for i in range(classes)]
    return Predictions(both, torch.arange(n) % classes, names, words, [weights or str(seed)], "data")


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [  # Wilson's interval by hand: (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n), z2 = 3.8414588
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilsons_interval(hits: int, n: int, low: float, high: float) -> None:
    assert scores.wilson(hits, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 12), st.integers(1, 40), st.integers(0, 2**32))
def test_measures_are_those_of_one_image_after_another(classes: int, n: int, seed: int) -> None:
    """Probabilities of few values, so that there are ties."""
    chance = torch.Generator().manual_seed(seed)
    rows = torch.randint(1, 4, (n, classes), generator=chance).double()
    probabilities, labels = (
        (rows / rows.sum(1, keepdim=True)).float(),
        torch.randint(0, classes, (n,), generator=chance),
    )
    orders = [sorted(range(classes), key=lambda each: (-float(row[each]), each)) for row in probabilities]
    ranks = [order.index(int(label)) for order, label in zip(orders, labels, strict=True)]
    found = scores.measure(probabilities, labels)
    assert found.n == n
    assert found.top1 == sum(rank < 1 for rank in ranks) / n and found.top5 == sum(rank < 5 for rank in ranks) / n
    right = [math.log(row[int(label)]) for row, label in zip(probabilities, labels, strict=True)]
    assert found.nll == pytest.approx(-sum(right) / n)
    bins: dict[int, list[float]] = {}
    for row, rank in zip(probabilities.double(), ranks, strict=True):
        bins.setdefault(max(1, math.ceil(float(row.max()) * 15)), []).append(float(row.max()) - (rank < 1))
    assert found.ece == pytest.approx(sum(abs(sum(each)) for each in bins.values()) / n, abs=1e-9)
    matrix = scores.confusion(probabilities, labels)
    assert [int(each) for each in matrix.sum(1)] == [int((labels == each).sum()) for each in range(classes)]
    for label in range(classes):
        named = [order[0] for order, each in zip(orders, labels.tolist(), strict=True) if each == label]
        assert matrix[label].tolist() == [named.count(each) for each in range(classes)]


def test_calibration_by_hand() -> None:
    """Three at 0.9 of which two are right, one at 0.6 that is wrong: (|2.7 - 2| + |0.6 - 0|) / 4."""
    sure, unsure = [0.9, 0.1], [0.4, 0.6]
    assert scores.ece(torch.tensor([sure, sure, sure, unsure]), torch.tensor([0, 0, 1, 0])) == pytest.approx(1.3 / 4)


def test_a_nan_is_wrong_and_reported() -> None:
    found = scores.measure(torch.tensor([[NAN, 1.0], [1.0, 0.0]]), torch.tensor([1, 0]))
    assert found.top1 == found.top5 == 0.5 and math.isnan(found.nll)
    assert scores.confusion(torch.tensor([[NAN, 1.0], [1.0, 0.0]]), torch.tensor([1, 0])).tolist() == [[1, 0], [0, 0]]


def test_a_class_that_is_ruled_out_costs_much_and_not_all() -> None:
    assert scores.nll(torch.tensor([[1.0, 0.0]]), torch.tensor([1])) == pytest.approx(87.33654)


def test_tables_say_what_was_confused() -> None:
    probabilities = torch.eye(3)[[0, 1, 1, 1, 2, 0]]
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    counts = scores.confusion(probabilities, labels)
    assert counts.tolist() == [[1, 2, 0], [1, 1, 1], [0, 0, 0]]
    assert scores.cells(counts) == {(0, 0): 1, (0, 1): 2, (1, 0): 1, (1, 1): 1, (1, 2): 1}
    names = ["cat", 'a "dog", wet', "none"]
    found = [tuple(pair) for pair in scores.confused_pairs(counts, names)]
    third = 1 / 3
    assert found == [("cat", names[1], 2, 2 / 3), (names[1], "cat", 1, third), (names[1], "none", 1, third)]
    assert len(scores.confused_pairs(counts, names, 1)) == 1
    rows = list(csv.DictReader(io.StringIO(scores.to_csv(scores.by_class(probabilities, labels, names)))))
    assert rows[1] == {"class": names[1], "images": "3", "top1": "0.3333", "top5": "1.0000", "precision": "0.3333"}
    assert rows[2]["top1"] == "" and rows[2]["precision"] == "0.0000"


def same(one: Predictions, other: Predictions) -> bool:
    arrays = all(torch.equal(each, other.probabilities[name]) for name, each in one.probabilities.items())
    texts = all(getattr(one, each) == getattr(other, each) for each in ("names", "classes", "weights", "data"))
    return arrays and texts and torch.equal(one.labels, other.labels) and [*one.probabilities] == [*other.probabilities]


def test_predictions_come_back_from_their_file(tmp_path: Path) -> None:
    there = replace(drawn(), names=[f"ä/{i} .jpg" for i in range(40)])
    (tmp_path / "a.npz").write_bytes(to_npz(there))
    assert same(read_predictions(tmp_path / "a.npz"), there) and to_npz(there) == to_npz(
        read_predictions(tmp_path / "a.npz")
    )


DAMAGE = ["text", "short", "empty", "other", "pickle", "lost", "labels", "shape", "version", "packed", "pipe"]


@pytest.mark.parametrize("damage", DAMAGE)
def test_files_without_predictions_are_reported(tmp_path: Path, damage: str) -> None:
    path, there = tmp_path / "a.npz", to_npz(drawn())
    with np.load(io.BytesIO(there)) as held:
        arrays = dict(held)
    match damage:
        case "text" | "short" | "empty":
            path.write_bytes({"text": b"hello", "short": there[: len(there) // 2], "empty": b""}[damage])
        case "other":
            with path.open("wb") as file:
                np.save(file, np.zeros(3))
        case "pickle":
            np.savez(path, **{**arrays, "names": np.array([{}] * 40, dtype=object)})
        case "lost":
            np.savez(path, **{name: each for name, each in arrays.items() if name != "labels"})
        case "labels":
            np.savez(path, **{**arrays, "labels": arrays["labels"] + 1})
        case "shape":
            np.savez(path, **{**arrays, "probabilities/1": arrays["probabilities/1"][1:]})
        case "version":
            np.savez(path, **{**arrays, "format": np.array(2)})
        case "packed":  # of zeros, 100 MB in some kB
            np.savez_compressed(path, **{**arrays, "probabilities/1": np.zeros(10**8, np.uint8)})
        case "pipe":
            os.mkfifo(path)
    with pytest.raises(RunError, match=r"a\.npz: .*(evaluate again|inception-dsl eval)"):
        read_predictions(path)
    with pytest.raises(RunError, match=r"b\.npz: no such file"):
        read_predictions(tmp_path / "b.npz")


def test_an_ensemble_is_the_mean_of_its_members() -> None:
    members = {f"{i}.npz": drawn(seed=i) for i in range(3)}
    together = ensemble(members)
    for protocol, found in together.probabilities.items():
        expected = np.mean([member.probabilities[protocol].double().numpy() for member in members.values()], axis=0)
        assert np.abs(found.numpy() - expected).max() < 1e-7
    assert together.weights == ["0", "1", "2"]
    two = ensemble({"0": members["0.npz"], "1": members["1.npz"]})
    again = ensemble({"two": two, "2": members["2.npz"]})  # an ensemble counts as its members
    assert all((again.probabilities[each] - together.probabilities[each]).abs().max() < 1e-6 for each in ("1", "144"))


def test_an_ensemble_takes_the_protocols_that_all_have() -> None:
    less = drawn(seed=1)
    together = ensemble({"a": drawn(), "b": replace(less, probabilities={"144": less.probabilities["144"]})})
    assert [*together.probabilities] == ["144"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": [f"class {i}" for i in range(6)] + ["dog"]}, "class 6 is 'class 6' and 'dog'"),
        ({"classes": [f"class {i}" for i in range(8)]}, "they have 7 and 8"),
        ({"names": [f"image {i}" for i in range(39)] + ["dog"]}, "the first is 'image 39' and 'dog'"),
        ({"names": [f"image {i}" for i in range(30)]}, "40 and 30"),
        ({"data": "other"}, "are evaluated on different data"),
        ({"labels": torch.zeros(40, dtype=torch.int64)}, "are evaluated on different data"),
        ({"weights": ["0"]}, "a and b have the same weights"),
        ({"probabilities": {"10": torch.ones(40, 7)}}, "no protocol is common to all files: a has 1, 144; b has 10"),
    ],
)
def test_members_that_do_not_fit_together_are_reported(change: dict[str, object], message: str) -> None:
    with pytest.raises(RunError, match=message):
        ensemble({"a": drawn(), "b": replace(drawn(seed=1), **change)})  # type: ignore[arg-type]


class Squares:
    """Grey images of 40 x 48, of as many brightnesses as classes."""

    classes = ["dark", "grey", "bright"]  # noqa: RUF012  as the protocol has it
    fingerprint = "squares"

    def __init__(self, count: int, unreadable: tuple[int, ...] = ()) -> None:
        self.count, self.unreadable = count, unreadable

    def __len__(self) -> int:
        return self.count

    def label(self, index: int) -> Tensor:
        return torch.tensor(index % 3)

    def name(self, index: int) -> str:
        return f"square {index}"

    def read(self, index: int, reduction: object = None) -> Tensor:
        if index in self.unreadable:
            raise Unreadable(self.name(index))
        return torch.full((1, 40, 48), 20 + 100 * (index % 3), dtype=torch.uint8)


class Brightness(nn.Module):
    """Knows dark from bright, and takes grey for dark."""

    def __init__(self, sharp: float = 1.0) -> None:
        super().__init__()
        self.sharp = nn.Parameter(torch.tensor(sharp))

    def forward(self, image: Tensor) -> Tensor:
        level = image.mean((1, 2, 3))
        return self.sharp * torch.stack([1 - level, -level, 2 * level - 1], 1)


SETTINGS = Config(
    data=Data(channels=1, height=8, width=8, mean=(0.0,), std=(1.0,), workers=0), augment=Augment(resize=9)
)


def test_an_evaluation_says_and_writes_what_it_found(tmp_path: Path) -> None:
    out = tmp_path / "eval"
    found = evaluate_file(
        Brightness(), Squares(30, (3,)), SETTINGS, HERE, protocols=("1", "144", "1", "central"), limit=99, out=out
    )
    assert [*found.protocols] == ["1", "144", "central"] and found.unreadable == 1
    assert all(
        (measures.data["n"], measures.data["top1"], measures.data["top5"]) == (29, 19 / 29, 1)
        for measures in found.protocols.values()
    )
    text = str(found)
    assert "29 images, and 1 unreadable" in text and "    144  top-1 65.52% (47.35% to 80.06%)" in text
    assert "100.0%  grey -> dark (10)" in text and "for 8 they are 9, 10, 11, 12, in proportion" in text
    report = json.loads((out / "scores.json").read_text())
    assert report == json.loads(found.json) and report["protocols"]["144"]["top1"] == 19 / 29
    assert report["confused"] == [{"label": "grey", "predicted": "dark", "images": 10, "part": 1.0}]
    assert (out / "classes.csv").read_text().splitlines()[2] == "grey,10,0.0000,1.0000,"
    held = read_predictions(out / "predictions.npz")
    assert [*held.probabilities] == ["1", "144", "central"] and "square 3" not in held.names


def test_images_that_cannot_be_read_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, wrong = tmp_path / "eval", [f"square {i}" for i in range(1, 24)]
    evaluate_file(Brightness(), Squares(30, tuple(range(1, 24))), SETTINGS, HERE, out=out)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:-1] == [f"warning: unreadable: {each}" for each in wrong[:20]]
    assert lines[-1] == "and 3 more; --out writes all to unreadable.txt"
    assert (out / "unreadable.txt").read_text().splitlines() == wrong
    with pytest.raises(RunError, match="none of 3 images could be read"):
        evaluate_file(Brightness(), Squares(3, (0, 1, 2)), SETTINGS, HERE)
    assert "warning: unreadable: square 2\n" in capsys.readouterr().err

    evaluate_file(Brightness(), Squares(30), SETTINGS, HERE, out=out)
    assert not (out / "unreadable.txt").exists() and not capsys.readouterr().err


def test_144_crops_take_a_part_of_the_images_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "CPU_LIMIT_144", 7)
    one, again = (evaluate_file(Brightness(), Squares(30), SETTINGS, HERE, protocols=("144",)) for _ in range(2))
    assert one.protocols["144"].n == 7 and str(one) == str(again)
    assert "note: 144 crops are slow on a CPU: 7 of 30 images, always the same, were taken; use --limit" in str(one)
    assert evaluate_file(Brightness(), Squares(30), SETTINGS, HERE).protocols["recipe"].n == 30
    assert evaluate_file(Brightness(), Squares(30), SETTINGS, HERE, limit=9).protocols["recipe"].n == 9
    some = evaluate_file(Brightness(), Squares(30), SETTINGS, HERE, limit=9).classes
    assert all(row._asdict()["n"] for row in some)  # a sample of all, not the first of a sorted folder


def test_numbers_that_are_none_are_null_in_json() -> None:
    found = evaluate_file(Brightness(NAN), Squares(3), SETTINGS, HERE)
    assert json.loads(found.json)["protocols"]["recipe"]["nll"] is None and found.protocols["recipe"].data["top5"] == 0


def test_files_of_predictions_make_an_ensemble(tmp_path: Path) -> None:
    for name, sharp in (("a", 1.0), ("b", 9.0)):
        evaluate_file(Brightness(sharp), Squares(9), SETTINGS, HERE, protocols=("1", "10"), out=tmp_path / name)
    files = [tmp_path / name / "predictions.npz" for name in "ab"]
    found = ensemble_files(files, out=tmp_path / "both")
    a, b, both = (
        read_predictions(tmp_path / name / "predictions.npz").probabilities["10"] for name in ("a", "b", "both")
    )
    assert (both - (a + b) / 2).abs().max() < 1e-7 and len(found.members) == 2
    assert f"note: {files[1]}, 10: top-1 66.67%" in str(found)
    with pytest.raises(RunError, match="a file is given twice"):
        ensemble_files([files[0], files[0]])
    with pytest.raises(RunError, match="an ensemble needs members"):
        ensemble_files([])


def test_what_cannot_be_evaluated_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="none of 3 images could be read"):
        evaluate_file(Brightness(), Squares(3, (0, 1, 2)), SETTINGS, HERE)
    for wrong in ({"protocols": ()}, {"limit": 0}, {"batch": 0}):
        with pytest.raises(RunError, match="at least 1"):
            evaluate_file(Brightness(), Squares(3), SETTINGS, HERE, **wrong)
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match="cannot write"):
        evaluate_file(Brightness(), Squares(3), SETTINGS, HERE, out=tmp_path / "file")
