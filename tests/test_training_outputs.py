"""Networks that learn several labels per image, and numbers, from the images that come with the tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from cli_runner import cli as command
from PIL import Image
from test_json import enveloped
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from inception_dsl.datasets.builtin import builtin
from inception_dsl.network import load
from inception_dsl.runner.readers.readers import open_images

SPEC = """
network: pairs
input: 1x28x28
defaults: {conv: same bn relu, maxpool: valid}
layers: |
  name  | layer
  conv1 | conv 3x3 16
  pool1 | maxpool 2x2/2
  conv2 | conv 3x3 32
  conv3 | conv 3x3 32
  pool2 | maxpool 2x2/2
  conv4 | conv 3x3 64
  pool3 | avgpool global -> flatten
  fc    | fc {classes}
heads:
  aux: {from: pool2, loss_weight: 0.3, graph: "pool: avgpool global -> flatten -> fc: fc {classes}"}
training:
  loss: LOSS
  data: {mean: [0.286], std: [0.353], batch: 50, workers: 0}
  augment: {crop: whole, evaluation: whole, flip: true}
  optim: {name: adamw, lr: 0.01, eps: 1.0e-8, weight_decay: 0.01}
  schedule: {name: cosine}
  run: {evaluate_every: 5, log_every: 10}
"""


def items(split: str, count: int) -> tuple[Tensor, list[str]]:
    """Items of clothing of 14x14, and their names."""
    reader = open_images(f"idx:{builtin('fashion-mini')}", split)
    pixels = torch.stack([reader.read(i) for i in range(count)]).float()
    return avg_pool2d(pixels, 2), [reader.classes[int(reader.label(i))] for i in range(count)]


def pairs(folder: Path) -> str:
    """Two items side by side, one, or none: an image has the names of what it shows, in a csv."""
    rows, random = ["path,label,split\n"], torch.Generator().manual_seed(0)
    for split, count in (("train", 1200), ("test", 400)):
        pixels, names = items(split, count)
        chosen = torch.randint(0, count, (count, 2), generator=random).tolist()
        blank = (torch.rand(count, 2, generator=random) < 0.15).tolist()
        (folder / split).mkdir()
        for number, (pair, hidden) in enumerate(zip(chosen, blank, strict=True)):
            halves = [pixels[i] * (not hide) for i, hide in zip(pair, hidden, strict=True)]
            labels = {names[i] for i, hide in zip(pair, hidden, strict=True) if not hide}
            image = pad(torch.cat(halves, 2), (0, 0, 7, 7))
            Image.fromarray(image[0].byte().numpy()).save(folder / split / f"{number}.png")
            rows.append(f"{split}/{number}.png,{'|'.join(sorted(labels))},{split}\n")
    (folder / "pairs.csv").write_text("".join(rows))
    return f"csv:{folder / 'pairs.csv'}"


def shades(folder: Path) -> str:
    """Items of several brightnesses; the numbers are the mean and the standard deviation of an image's pixels."""
    arrays: dict[str, Any] = {"classes": ["mean", "deviation"]}
    for split, count in (("train", 1200), ("test", 400)):
        pixels, _ = items(split, count)
        images = (
            pad(torch.cat([pixels, pixels.flip(0)], 3), (0, 0, 7, 7))
            * torch.linspace(0.3, 1, count)[:, None, None, None]
        )
        arrays[f"{split}_images"] = images[:, 0].byte().numpy()
        numbers = torch.stack([images.mean((1, 2, 3)), images.std((1, 2, 3))], 1) / 100
        arrays[f"{split}_labels"] = numbers.numpy()
    np.savez(folder / "shades.npz", **arrays)
    return f"npz:{folder / 'shades.npz'}"


@pytest.mark.parametrize(
    ("loss", "data", "deciding", "least", "activation"),
    [("bce", pairs, "map", 0.6, "sigmoid"), ("mse", shades, "r2", 0.8, "none")],
)
def test_it_learns_and_everything_says_so(
    loss: str, data: Any, deciding: str, least: float, activation: str, tmp_path: Path
) -> None:
    """Clearly above guessing in seconds; without learning, the mAP is the 17% of images of a class, and R2 is 0."""
    spec, source, out = tmp_path / "pairs.yaml", data(tmp_path), tmp_path / "run"
    spec.write_text(SPEC.replace("LOSS", loss))
    epochs = {"bce": 5, "mse": 2}[loss]
    done = command(
        "train", spec, "--data", source, "--out", out, "--set", f"schedule.epochs={epochs}", "--format", "json"
    )
    assert done.exit_code == 0, done.output
    facts = json.loads((out / "model" / "config.json").read_text())
    score = facts["score"]
    assert score[deciding] > least and score["n"] == 400
    assert load(out / "spec.yaml").typed.program.training["loss"]["name"] == loss
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1][f"test_{deciding}"] == score[deciding] and rows[0]["aux"] > 0
    assert "learnt nothing" not in done.stderr
    graph = onnx.load(out / "model" / "model.onnx")
    held = {entry.key: entry.value for entry in graph.metadata_props}
    assert (held["loss"], held["activation"]) == (loss, activation)

    weights = out / "model" / "model.safetensors"
    scored = command("eval", out / "spec.yaml", weights, "--format", "json", "--out", tmp_path / "eval")
    assert scored.exit_code == 0, scored.output
    again = enveloped(scored)["result"]["protocols"]["recipe"]
    assert again == pytest.approx({name: score[name] for name in again}, rel=1e-3)
    refused = command("eval", out / "spec.yaml", weights, "--set", f"loss.name={'mse' if loss == 'bce' else 'bce'}")
    assert refused.exit_code == 2, refused.output
