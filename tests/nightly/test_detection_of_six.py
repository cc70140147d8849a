"""The detectors of docs/detection.md, trained as it says: six on GoogLeNet with merged boxes, and an Inception-v3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from detection import SIX, definitions, mean_average_precision


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    return definitions(tmp_path)


def test_six_detectors_learn_and_agree(page: dict[str, Any]) -> None:
    exec(SIX, page)  # noqa: S102 - our own page
    scores = [mean_average_precision(found, page["targets"]) for found in page["members"]]
    merged = mean_average_precision(page["merged"], page["targets"])
    assert len(scores) == 6 and min(scores) > 0.5
    assert merged > sum(scores) / 6


def test_an_inception_v3_learns(page: dict[str, Any]) -> None:
    network = page["INCEPTION_V3"]
    images, targets = zip(*(page["scene"](10**6 + at, network["size"]) for at in range(40)), strict=True)
    score = mean_average_precision(page["detect"](page["train"](network, 0), images), targets)
    assert score > 0.5
