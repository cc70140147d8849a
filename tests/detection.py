"""The program of docs/detection.md, and a score of what its detectors find: shared code of its tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from test_readme import blocks
from torchvision.ops import box_iou

(SPEC,) = blocks("docs/detection.md", "yaml")
*PROGRAM, SIX = blocks("docs/detection.md", "python")
"""What the page defines, and how it uses that: six detectors, which are trained and merged."""


def definitions(folder: Path) -> dict[str, Any]:
    """What the page defines, after its spec has been written to the working directory `folder`."""
    (folder / "googlenet_bn.yaml").write_text(SPEC)
    values: dict[str, Any] = {}
    exec("\n".join(PROGRAM), values)  # noqa: S102 - our own page
    return values


def mean_average_precision(found: Sequence[Any], truth: Sequence[Any], overlap: float = 0.5) -> float:
    """The mean over the labels of the area under precision and recall, as Pascal VOC counts it since 2010.

    A box is right if it has the label of a true box, overlaps it more than any other, and no box of a higher score took
    it before.
    """
    areas = []
    for label in sorted({int(label) for image in truth for label in image["labels"]}):
        boxes = [image["boxes"][image["labels"] == label] for image in truth]
        claims = [
            (float(score), at, box)
            for at, image in enumerate(found)
            for score, box, own in zip(image["scores"], image["boxes"], image["labels"], strict=True)
            if own == label
        ]
        taken, right = set[tuple[int, int]](), []
        for _, at, box in sorted(claims, key=lambda claim: -claim[0]):
            overlaps = box_iou(box[None], boxes[at])[0]
            best = (at, int(overlaps.argmax())) if len(overlaps) else (at, -1)
            right.append(best not in taken and best[1] >= 0 and float(overlaps[best[1]]) >= overlap)
            taken |= {best} if right[-1] else set()
        hits = torch.tensor(right, dtype=torch.float64)
        precision = (hits.cumsum(0) / torch.arange(1, len(hits) + 1)).flip(0).cummax(0).values.flip(0)
        areas.append(float((precision * hits).sum()) / sum(map(len, boxes)))
    return sum(areas) / len(areas)
