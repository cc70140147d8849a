"""The recipes: settings that exist, each with its source, and the learning rates that they come to."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from inception_dsl.runner.base.config import Config, Loss
from inception_dsl.runner.base.scaling import SCALES, scale_name
from inception_dsl.runner.base.settings import with_setting
from inception_dsl.runner.learning.average import AVERAGES
from inception_dsl.runner.learning.optim import OPTIMISERS, make_optimiser
from inception_dsl.runner.learning.rmsprop import RMSPropTF
from inception_dsl.runner.learning.schedule import SCHEDULES, learning_rate, total_steps

FOLDER = Path(__file__).parents[2] / "inception_dsl" / "recipes"
RECIPES = {file.stem: file for file in sorted(FOLDER.glob("*.yaml"))}
GROUPS = [field.name for field in fields(Config)]
IMAGES = 1_281_167  # of ImageNet
each_recipe = pytest.mark.parametrize("name", RECIPES)


def read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(RECIPES[name].read_text())
    return read


def settings(name: str) -> dict[str, Any]:
    """By `group.key`."""
    recipe = read(name)
    return {f"{group}.{key}": value for group in GROUPS for key, value in recipe.get(group, {}).items()}


def config(name: str) -> Config:
    """The recipe as a run has it, by way of `--set`: a wrong name or kind is an error."""
    made = Config()
    for key, value in settings(name).items():
        made = with_setting(made, key, str(value))
    return made


def test_there_are_nine() -> None:
    assert sorted(RECIPES) == sorted(
        "googlenet-paper bvlc bvlc-quick bn-inception inception-v3-paper inception-v3-tfrelease inception-v4-paper "
        "modern finetune".split()
    )


@each_recipe
def test_every_setting_exists_and_is_of_its_kind(name: str) -> None:
    assert set(read(name)) <= {"source", "notes", *GROUPS}
    whole = config(name)
    for key, value in settings(name).items():
        group, _, inner = key.partition(".")
        old = getattr(getattr(Config(), group), inner)
        kept = tuple(value) if isinstance(value, list) else value
        assert type(kept) is type(old), f"{key} is such as {old!r}"
        assert getattr(getattr(whole, group), inner) == kept
    assert whole.loss == Loss(smoothing=whole.loss.smoothing)  # the weights of heads are the spec's
    assert len(whole.data.mean) == len(whole.data.std) == 3


@each_recipe
def test_every_setting_says_where_it_is_from(name: str) -> None:
    notes = read(name)["notes"]
    assert list(notes) == list(settings(name))  # in their order, too
    for key, note in notes.items():
        assert isinstance(note, str), key
        assert 0 < len(note) <= 70, key
        assert note == note.strip().rstrip("."), key
    assert read(name)["source"]
    assert RECIPES[name].read_text().startswith("# ")


@each_recipe
def test_words_are_known(name: str) -> None:
    given, made = settings(name), config(name)
    assert made.optim.name in OPTIMISERS
    assert scale_name(made) in SCALES
    assert made.schedule.name in SCHEDULES
    assert made.average.name in AVERAGES
    for key in ("factor", "every", "staircase"):
        assert (f"schedule.{key}" in given) == (made.schedule.name == "exponential")


RATES: dict[str, dict[float, float]] = {  # by epoch, as the papers and the solvers have them
    "googlenet-paper": {0: 0.01, 7.9: 0.01, 8: 0.0096, 16: 0.009216, 80: 0.01 * 0.96**10, 249: 0.01 * 0.96**31},
    "bvlc": {0: 0.01, 7.99: 0.01, 8: 0.0096, 80: 0.01 * 0.96**10, 249: 0.01 * 0.96**31},
    "bvlc-quick": {0: 0.01, 14.9865: 0.01 * 0.75**0.5, 44.9595: 0.005, 59.3465: 0.001},
    "bn-inception": {0: 0.045, 1.33: 0.045, 1.34: 0.0432, 8: 0.045 * 0.96**6, 40: 0.045 * 0.96**30},
    "inception-v3-paper": {0: 0.045, 1.9: 0.045, 2: 0.0423, 4: 0.039762, 99: 0.045 * 0.94**49},
    "inception-v3-tfrelease": {0: 0.1, 29.9: 0.1, 30: 0.016, 60: 0.00256, 90: 0.0004096},
    "inception-v4-paper": {0: 0.045, 2: 0.0423, 99: 0.045 * 0.94**49},
    "finetune": {0: 0.1 / 25624, 0.5: 0.05, 1: 0.1, 10.5: 0.05, 20 - 19 / 3: 0.025, 19.999: 0.0},
    "modern": {0: 0.125 / (5 * 5004 + 1), 2.5: 0.0625, 5: 0.125, 47.5: 0.0625, 90 - 85 / 3: 0.03125, 89.999: 0.0},
}


@each_recipe
def test_rates_are_those_of_the_source(name: str) -> None:
    made = config(name)
    epoch = IMAGES // made.data.batch
    for at, expected in RATES[name].items():
        assert learning_rate(made, round(at * epoch), epoch) == pytest.approx(
            expected, rel=1e-4, abs=1e-5 * made.optim.lr
        ), at


def test_epochs_of_caffes_solvers_are_their_iterations() -> None:
    epoch = IMAGES // 32
    assert epoch == 40_036
    assert total_steps(config("bvlc"), epoch) == pytest.approx(10_000_000, abs=2)
    assert total_steps(config("bvlc-quick"), epoch) == pytest.approx(2_400_000, abs=2)
    assert learning_rate(config("bvlc"), 320_000 - 2, epoch) == 0.01
    assert learning_rate(config("bvlc"), 320_000, epoch) == pytest.approx(0.0096)
    last = learning_rate(config("bvlc"), 9_999_999, epoch)
    assert last == pytest.approx(0.01 * 0.96**31)


@pytest.mark.parametrize("name", ["inception-v3-paper", "inception-v3-tfrelease", "inception-v4-paper"])
def test_googles_later_networks_take_their_rmsprop(name: str) -> None:
    optimiser = make_optimiser(config(name), nn.Linear(2, 2))
    assert isinstance(optimiser, RMSPropTF)
    assert {(group["decay"], group["momentum"], group["eps"]) for group in optimiser.param_groups} == {(0.9, 0.9, 1.0)}
    assert [group["weight_decay"] for group in optimiser.param_groups] == [4e-5, 0.0]


def test_biases_of_bvlc_learn_twice_as_fast_and_do_not_decay() -> None:
    optimiser = make_optimiser(config("bvlc"), nn.Linear(2, 2))
    assert [(group["weight_decay"], group["lr"]) for group in optimiser.param_groups] == [(2e-4, 0.01), (0.0, 0.02)]


def test_caffes_pixels_are_its_own() -> None:
    data = config("bvlc").data
    values = (torch.tensor([123.0, 117.0, 104.0]) / 255 - torch.tensor(data.mean)) / torch.tensor(data.std)
    assert values.abs().max() < 0.02  # of 255
    assert 1 / data.std[0] == pytest.approx(255, abs=1e-3)
