"""Fine-tune the small network on five kinds of clothing from weights for five other kinds, against scratch.

    python benchmarks/finetuning.py [--seeds N] [--out FOLDER]

The weights come from a run on the 2,500 training images of the first five classes of Fashion-MNIST that come with the
tool. They are tuned on ten images of each of the last five classes, and scored on all 500 test images of these; no
image and no class is in both sets. All variants take the same steps. Prints a table of top-1 accuracy.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np  # noqa: TID251 - the images are written as arrays

from inception_dsl.datasets.builtin import builtin
from inception_dsl.runner.readers.readers import open_images

SPEC = Path(__file__).parents[1] / "specs" / "googlenet_bn_small.yaml"
CLASSES = range(5), range(5, 10)
FEW = 10
"""Training images of a class to tune on."""

COMMON = ("--set", "run.precision=fp32", "--set", "data.workers=0")
SHORT = ("--set", "data.batch=10", "--set", "schedule.epochs=10", "--set", "run.evaluate_every=10")
"""50 steps on 50 images."""

VARIANTS: dict[str, tuple[bool, Sequence[str]]] = {  # whether it starts from the weights, and its options
    "scratch": (False, ()),
    "scratch, recipe finetune": (False, ("--recipe", "finetune")),
    "weights": (True, ()),
    "weights, recipe finetune": (True, ("--recipe", "finetune")),
    "weights, first rows frozen": (True, ("--freeze", "conv1..inception_3b")),
}


def write_images(file: Path, classes: range, count: int | None = None) -> None:
    """Write some classes of the images that come with the tool; of the training images, the first `count` of each."""
    arrays: dict[str, Any] = {}
    for split in ("train", "test"):
        images = open_images(f"idx:{builtin('fashion-mini')}", split)
        of_class = [[i for i in range(len(images)) if images.label(i) == label] for label in classes]
        kept = [index for found in of_class for index in (found[:count] if split == "train" else found)]
        arrays[f"{split}_images"] = np.stack([images.read(index)[0].numpy() for index in kept])
        arrays[f"{split}_labels"] = np.array([images.label(index) - classes.start for index in kept])
        arrays["classes"] = np.array([images.classes[label] for label in classes])
    np.savez(file, **arrays)


def train(out: Path, *options: str) -> float:
    """Train the small network; gives its top-1 accuracy."""
    command = [sys.executable, "-m", "inception_dsl", "train", str(SPEC), "--out", str(out), *COMMON, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    score: float = json.loads((out / "model" / "config.json").read_text("utf-8"))["score"]["top1"]
    return score


def scores(out: Path, seeds: int) -> dict[str, list[float]]:
    """The accuracy of every variant, by seed."""
    first, second = out / "first.npz", out / "second.npz"
    write_images(first, CLASSES[0])
    write_images(second, CLASSES[1], FEW)
    train(out / "first", "--data", f"npz:{first}")
    found: dict[str, list[float]] = {}
    for number, (name, (started, options)) in enumerate(VARIANTS.items()):
        start = ("--init-from", str(out / "first")) if started else ()
        for seed in range(seeds):
            words = (*SHORT, *start, *options, "--data", f"npz:{second}", "--set", f"run.seed={seed}")
            found.setdefault(name, []).append(train(out / f"{number}-{seed}", *words))
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/finetuning"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    print("| start | top-1, mean | by seed |\n|---|---|---|")
    for name, values in scores(given.out, given.seeds).items():
        print(f"| {name} | {statistics.mean(values):.1%} | {', '.join(f'{value:.1%}' for value in values)} |")


if __name__ == "__main__":
    main()
