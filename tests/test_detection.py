"""The example in docs/detection.md: a detector takes a step, and boxes are merged. `nightly/` trains six of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from detection import definitions, mean_average_precision


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    return definitions(tmp_path)


def boxes(*rows: tuple[float, ...]) -> dict[str, torch.Tensor]:
    """Boxes by left, top, right, bottom, score and label."""
    values = torch.tensor(rows, dtype=torch.float32).view(-1, 6)
    return {"boxes": values[:, :4], "scores": values[:, 4], "labels": values[:, 5].long()}


@pytest.mark.parametrize("name", ["GOOGLENET", "INCEPTION_V3"])
def test_a_step_of_training_reaches_the_first_layer(name: str, page: dict[str, Any]) -> None:
    network = page[name]
    torch.manual_seed(0)
    before = page["detector"](**network, classes=3).state_dict()
    model = page["train"](network, 0, steps=1, batch=1)
    changed = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    convs = [key for key in before if key.startswith("backbone.rows") and key.endswith("conv.weight")]
    assert {*convs} <= changed and any(key.startswith("backbone.pyramid") for key in changed)

    image, _ = page["scene"](7, network["size"])
    (found,) = page["detect"](model, [image])
    assert found["boxes"].shape == (len(found["scores"]), 4) and {*found["labels"].tolist()} <= {1, 2, 3}
    maps = model.backbone(image[None])
    assert [*maps] == network["rows"]
    assert [values.shape[1] for values in maps.values()] == [64, 64]


def test_a_scene_has_its_shapes_in_its_boxes(page: dict[str, Any]) -> None:
    counts = set()
    for seed in range(20):
        image, target = page["scene"](seed, 64)
        counts.add(len(target["labels"]))
        for (left, top, right, bottom), label in zip(target["boxes"].int().tolist(), target["labels"], strict=True):
            assert 0 <= left < right <= 64 and 0 <= top < bottom <= 64
            middle = image[:, (top + bottom) // 2, (left + right) // 2]
            assert torch.equal(middle, page["COLOURS"][label - 1])
    assert counts == {1, 2, 3}


def test_what_all_detectors_find_stays(page: dict[str, Any]) -> None:
    one = boxes((0, 0, 10, 10, 0.9, 1), (30, 30, 50, 50, 0.5, 2))
    merged = page["merge"]([one] * 6)
    for key, values in one.items():
        torch.testing.assert_close(merged[key], values)


def test_boxes_that_overlap_are_one_box(page: dict[str, Any]) -> None:
    first, second = boxes((0, 0, 10, 10, 0.9, 1)), boxes((2, 0, 12, 10, 0.3, 1), (0, 0, 10, 10, 0.8, 2))
    merged = page["merge"]([first, second, boxes()])
    torch.testing.assert_close(merged["boxes"], torch.tensor([[0.5, 0, 10.5, 10], [0, 0, 10, 10.0]]))
    torch.testing.assert_close(merged["scores"], torch.tensor([1.2, 0.8]) / 3)
    assert merged["labels"].tolist() == [1, 2]
    assert not len(page["merge"]([boxes(), boxes()])["boxes"])


def test_the_score_is_that_of_a_hand() -> None:
    truth = [boxes((0, 0, 10, 10, 1, 1), (20, 20, 30, 30, 1, 1)), boxes((0, 0, 10, 10, 1, 2))]
    perfect = truth
    assert mean_average_precision(perfect, truth) == 1
    assert mean_average_precision([boxes(), boxes()], truth) == 0
    # label 1: a right box, a second one for the same object, a wrong one, and a right one: 1 and 2/4 at half of it
    found = [
        boxes((0, 0, 10, 9, 0.9, 1), (0, 0, 10, 10, 0.8, 1), (20, 20, 30, 30, 0.6, 1)),
        boxes((0, 0, 10, 10, 0.7, 1)),
    ]
    assert mean_average_precision(found, truth) == pytest.approx((0.5 * 1 + 0.5 * 0.5 + 0) / 2)
