"""What a runner does with a recipe, as values to compare: of the emitted files, or of the modules in them.

`recipe_probe.py FOLDER` writes `emitted.pt`, of the `train.py` of a folder, in which our package cannot be imported.
`recipe_probe.py FOLDER ROOT` imports our package from there, writes `expected.pt`, of the modules of `runner/` with the
settings in `settings.pickle`, and trains by them for two steps in `expected/`.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

EPOCH = 1000
STEPS = (0, 1, 999, 1000, 2500, 5001, 20_000, 50_000, 150_000)
SHAPES = ((3, 40, 40), (3, 47, 81), (1, 90, 33), (3, 300, 20))


def values(runner: Mapping[str, Any], network: Callable[[int], nn.Module], config: Any) -> dict[str, Any]:
    """Of a runner by its names: rates, transformed images, and what two steps on random gradients make of a network."""
    last = runner["total_steps"](config, EPOCH)
    found = {"last": last, "rates": [runner["learning_rate"](config, min(step, last - 1), EPOCH) for step in STEPS]}
    for kind in ("training", "evaluation"):
        transform = runner[f"{kind}_transform"](config)
        for number, shape in enumerate(SHAPES):
            random = torch.Generator().manual_seed(number)
            image = torch.randint(256, shape, dtype=torch.uint8, generator=random)
            pixels, draws = transform(lambda _, image=image: image, random)
            found[f"{kind} {shape}"] = runner["finish_images"](pixels[None], draws[None], config)[0]
    torch.manual_seed(0)
    made = network(4)
    optimiser, average = runner["make_optimiser"](config, made), runner["WeightAverage"](made, config)
    found["optimiser"] = type(optimiser).__name__
    for step in range(2):
        runner["set_learning_rate"](optimiser, runner["learning_rate"](config, step, EPOCH))
        for weight in made.parameters():
            weight.grad = torch.randn_like(weight)
        optimiser.step()
        average.update(step)
    parts = {"state": optimiser, "network": made, "averaged": average.network}
    return found | {name: part.state_dict() for name, part in parts.items()}


def emitted(folder: Path) -> None:
    """Write what `train.py` of a folder does."""
    model, support, train = map(import_module, ("model", "support", "train"))
    torch.save(values(vars(support) | vars(train), model.Tiny, train.CONFIG), folder / "emitted.pt")


def expected(folder: Path) -> None:
    """Write what our modules do, and train by them."""
    from inception_dsl.emit.runner.runner import bundles

    names: dict[str, Any] = {}
    for module in (each for part in bundles() for each in part):
        names |= vars(import_module(f"inception_dsl.runner.{module.name}"))
    config, changes, about = pickle.loads((folder / "settings.pickle").read_bytes())  # noqa: S301 - our own
    network = import_module("model").Tiny
    torch.save(values(names, network, config), folder / "expected.pt")
    for change in changes:
        config = names["with_setting"](config, *change.split("=", 1))
    names["train"](network, config, names["NetworkInfo"](*about), names["rank_context"](), folder / "expected", steps=2)


if __name__ == "__main__":
    there, *root = sys.argv[1:]
    sys.path[:0] = [there, *root]
    (expected if root else emitted)(Path(there))
