"""The emitted `train.py` of each recipe does what the modules do that it is made of: to the bit, on one processor."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from recipe_probe import SHAPES, STEPS
from zygote import Zygote

from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.runner import runner
from inception_dsl.network import loads
from inception_dsl.recipes.recipe import recipe
from inception_dsl.runner.record.checkpoint import load_checkpoint
from inception_dsl.spec.training_model import RECIPES

PROBE, ROOT = Path(__file__).with_name("recipe_probe.py"), Path(__file__).parent.parent
TINY = """
network: tiny
input: 3x32x32
layers: |
  name | layer
  one  | conv 3x3/2 8 same bn relu
  two  | conv 3x3/2 8 same relu
  pool | avgpool global
  drop | dropout 0.4
  fc   | fc {classes}
classes: 4
heads:
  aux: {from: one, loss_weight: 0.3, graph: "avgpool global -> fc {classes}"}
training: {recipe: RECIPE}
"""
DATA = "fake:16x4x40"
RUN = {"precision": "fp32", "log_every": 1, "evaluate_every": 1000}
CHANGES = ["data.batch=4", "data.workers=0", *(f"run.{key}={value}" for key, value in RUN.items())]


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """A process that has imported torch, to fork others from, which cannot import our package."""
    blocked = tmp_path_factory.mktemp("blocked")
    (blocked / "inception_dsl.py").write_text('raise ImportError("it is not here")\n')
    made = Zygote("torch._dynamo", path=str(blocked))
    yield made
    made.close()


@pytest.fixture(scope="module", params=RECIPES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Path:
    """A folder with the emitted files of a recipe, what they do, and what our modules do."""
    made = tmp_path_factory.mktemp(request.param)
    typed = loads(TINY.replace("RECIPE", request.param)).typed
    stated = recipe(typed.program)
    assert stated
    for name, text in {"model.py": pytorch.source(typed), **runner.files(typed, stated)}.items():
        (made / name).write_text(text, "utf-8")
    about = typed.program.name, typed.program.title, runner.fingerprint(typed)
    settings = stated.config(), [f"data.source={DATA}", *CHANGES], about
    (made / "settings.pickle").write_bytes(pickle.dumps(settings))
    for words in ((made,), (made, ROOT)):
        code, output = zygote.run(made / "log", PROBE, *map(str, words))
        assert code == 0, output
    return made


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, their tensors to the bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def test_rates_transforms_optimiser_and_average_are_those_of_the_modules(folder: Path) -> None:
    emitted, expected = (torch.load(folder / f"{name}.pt") for name in ("emitted", "expected"))

    assert len(emitted["rates"]) == len(STEPS) and len({*emitted["rates"]}) > 1
    for kind in ("training", "evaluation"):
        assert all(emitted[f"{kind} {shape}"].shape == (3, 32, 32) for shape in SHAPES)
    assert [key for key in expected if not same(emitted[key], expected[key])] == []
    assert emitted.keys() == expected.keys()


def test_a_run_that_is_resumed_is_the_run_of_the_modules(folder: Path, zygote: Zygote) -> None:
    for steps in ("1", "2"):
        words = ("--data", DATA, "--out", "resumed", "--steps", steps, "--set", *CHANGES)
        code, output = zygote.run(folder / "log", folder / "train.py", *words)
        assert code == 0, output
        assert "from step 0 to 1" in output if steps == "1" else "from step 1 to 2" in output

    resumed, straight = (
        load_checkpoint(folder / run / "checkpoints" / "step_00000002.pt") for run in ("resumed", "expected")
    )
    assert [key for key in straight if not same(resumed[key], straight[key])] == []
    rows = [
        [json.loads(line) for line in (folder / run / "metrics.jsonl").read_text().splitlines()]
        for run in ("resumed", "expected")
    ]
    losses = [[row | {"clock": 0} for row in run if "loss" in row] for run in rows]
    assert losses[0] == losses[1] and [row["step"] for row in losses[0]] == [1, 2]
    assert rows[0][-1] == rows[1][-1] and rows[0][-1]["test_n"] == 16
