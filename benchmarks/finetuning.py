# ruff: noqa: TID251 - this script trains with torch what the tool then imports
"""Fine-tune torchvision's GoogLeNet on four kinds of clothing from weights for six other kinds, against scratch.

    python benchmarks/finetuning.py [--seeds N] [--out FOLDER]

The weights are those of torchvision's own network, trained by a plain loop of torch on 3,000 images of the first six
classes of Fashion-MNIST that come with the tool, and saved by `torch.save`. The tool imports this file, and tunes it on
ten images of each of the last four classes; all 400 test images of these score it. No image and no class is in both
sets. All variants take 50 steps. Prints a table of top-1 accuracy, by the rate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from inception_dsl.datasets.builtin import builtin
from inception_dsl.runner.readers.readers import open_images

CLASSES = range(6), range(6, 10)
FEW = 10
"""Training images of a class to tune on."""

EPOCHS, BATCH, RATE = 6, 50, 0.1
"""How torchvision's network is trained."""

SPEC = Path(__file__).with_name("googlenet_grey.yaml")
COMMON = ("--recipe", "finetune", "--set", "run.precision=fp32", "--set", "data.workers=0")
SHORT = ("--set", "data.batch=10", "--set", "schedule.epochs=12.5", "--set", "run.evaluate_every=12.5")
"""50 steps on 40 images."""

RATES = (0.1, 0.03, 0.01, 0.003, 0.001)
"""Of what is drawn anew; what comes from the file has a tenth, by the recipe."""

FROZEN = "weights, first rows frozen"
STARTS: Mapping[str, tuple[bool, Sequence[str], Sequence[float]]] = {  # whether from the weights, options, rates
    "scratch": (False, (), RATES),
    "weights": (True, (), RATES),
    FROZEN: (True, ("--freeze", "conv1..inception_3b"), RATES[:2]),
}


def read_images(classes: range, split: str, count: int | None = None) -> tuple[Tensor, Tensor, list[str]]:
    """Some classes of the images that come with the tool, the first `count` of each: N x 1 x 28 x 28, and labels."""
    images = open_images(f"idx:{builtin('fashion-mini')}", split)
    of_class = [[i for i in range(len(images)) if images.label(i) == label] for label in classes]
    kept = [index for found in of_class for index in found[:count]]
    labels = torch.tensor([int(images.label(index)) - classes.start for index in kept])
    return torch.stack([images.read(index) for index in kept]), labels, [images.classes[label] for label in classes]


def write_weights(file: Path) -> None:
    """Train torchvision's network without the tool, on grey images in three channels, and save its weights."""
    images, labels, classes = read_images(CLASSES[0], "train")
    images = ((pad(images / 255, (2, 2, 2, 2)) - 0.5) / 0.5).expand(-1, 3, -1, -1)
    torch.manual_seed(0)
    network = torchvision.models.googlenet(weights=None, num_classes=len(classes), aux_logits=True, init_weights=False)
    network = network.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.SGD(network.parameters(), RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, EPOCHS * len(labels) // BATCH)
    for _ in range(EPOCHS):
        for at in torch.randperm(len(labels)).split(BATCH):  # type: ignore[no-untyped-call]
            mirrored = torch.rand(len(at), 1, 1, 1) < 0.5
            logits, *heads = network(torch.where(mirrored, images[at].flip(3), images[at]))
            loss = cross_entropy(logits, labels[at]) + 0.3 * sum(cross_entropy(head, labels[at]) for head in heads)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    torch.save(network.state_dict(), file)


def write_images(file: Path) -> None:
    """Write the images of the last classes: a few to tune on, and all that score it."""
    arrays: dict[str, Any] = {}
    for split, count in (("train", FEW), ("test", None)):
        images, labels, classes = read_images(CLASSES[1], split, count)
        arrays |= {f"{split}_images": images[:, 0].numpy(), f"{split}_labels": labels.numpy(), "classes": classes}
    np.savez(file, **arrays)


def tune(out: Path, *options: str) -> float:
    """Train the network; gives its top-1 accuracy."""
    command = [sys.executable, "-m", "inception_dsl", "train", str(SPEC), "--out", str(out), *COMMON, *SHORT, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    score: float = json.loads((out / "model" / "config.json").read_text("utf-8"))["score"]["top1"]
    return score


def scores(out: Path, seeds: int, rates: Collection[float] = RATES) -> dict[str, dict[float, list[float]]]:
    """The accuracy of every start, at every rate, by seed."""
    weights, images = out / "googlenet.pth", out / "images.npz"
    write_weights(weights)
    write_images(images)
    found: dict[str, dict[float, list[float]]] = {}
    for number, (name, (started, options, own_rates)) in enumerate(STARTS.items()):
        start = ("--init-from", str(weights)) if started else ()
        for rate in (rate for rate in own_rates if rate in rates):
            words = (*start, *options, "--data", f"npz:{images}", "--set", f"optim.lr={rate}")
            runs = [(out / f"{number}-{rate}-{seed}", f"run.seed={seed}") for seed in range(seeds)]
            found.setdefault(name, {})[rate] = [tune(run, *words, "--set", seed) for run, seed in runs]
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/finetuning"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    print("| start | rate | top-1, mean | by seed |\n|---|---|---|---|")
    for name, by_rate in scores(given.out, given.seeds).items():
        for rate, values in by_rate.items():
            shown = ", ".join(f"{value:.1%}" for value in values)
            print(f"| {name} | {rate:g} | {statistics.mean(values):.1%} | {shown} |")


if __name__ == "__main__":
    main()
