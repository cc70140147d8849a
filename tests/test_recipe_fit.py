"""A recipe fits its network: what the checker finds is what a run could not do, for the same rule serves both."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl import compilation, compiler
from inception_dsl.analysis.recipe_fit import NEEDS, check_recipe, unused_settings
from inception_dsl.cli.main import main
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.options import Options
from inception_dsl.recipes.recipe import named, recipe, with_input
from inception_dsl.runner.base.config import Augment, Config, Data, Schedule
from inception_dsl.runner.base.fit import find_misfits
from inception_dsl.runner.base.settings import CHOICES, RunError
from inception_dsl.runner.images.augment import evaluation_transform, training_transform
from inception_dsl.runner.loop.preflight import check_run
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.spec import discovery
from inception_dsl.spec.training_model import RECIPES
from inception_dsl.training.plan import plan

SPECS = Path(__file__).parent.parent / "specs"
ALONE = """\
network: tiny
input: {input}
classes: 4
layers: |
  name | layer
  conv | conv 3x3 {{classes}} same
  pool | avgpool global -> flatten
training: {{{training}}}
"""


def spec(folder: Path, training: str, size: str = "3x40x40") -> Path:
    path = folder / "tiny.yaml"
    path.write_text(ALONE.format(input=size, training=f"source: ours, {training}"))
    return path


configs = st.builds(
    lambda size, mean, std, **augment: Config(
        Data(channels=size[0], height=size[1], width=size[2], mean=(0.5,) * mean, std=(0.5,) * std, batch=4),
        Augment(**augment),
    ),
    size=st.tuples(st.sampled_from([1, 3]), st.integers(1, 40), st.integers(1, 40)),
    mean=st.integers(1, 4),
    std=st.integers(1, 4),
    crop=st.sampled_from(CHOICES["augment.crop"]),
    evaluation=st.sampled_from(CHOICES["augment.evaluation"]),
    resize=st.integers(1, 50),
    padding=st.integers(0, 50),
)


@given(configs)
def test_settings_that_fit_transform_an_image(config: Config) -> None:
    misfits = [*find_misfits(config)]
    if misfits:
        with pytest.raises(RunError, match=misfits[0].key):
            check_run(config, RankContext(torch.device("cpu")))
        return
    check_run(config, RankContext(torch.device("cpu")))
    image = torch.zeros(config.data.channels, 30, 20, dtype=torch.uint8)
    for transform in (training_transform(config), evaluation_transform(config)):
        transform(lambda _: image, torch.Generator())


@pytest.mark.parametrize("path", discovery.find_specs([SPECS]), ids=lambda path: path.stem)
def test_every_spec_has_a_recipe_that_fits(path: Path) -> None:
    check_recipe(compiler.compile_file(path))


@pytest.mark.parametrize(
    ("training", "message", "at"),
    [
        ("augment: {resize: 32}", "`augment.resize` is 32, but the input has 40 pixels", "32"),
        ("augment: {evaluation: centre, crop: window, resize: 39}", "`augment.resize` is 39", "39"),
        ("augment: {crop: shift, padding: 40}", "`augment.padding` is 40, but the input has 40 pixels", "40"),
        ("data: {std: [1, 1]}", "`data.std` has 2 numbers for 3 channels", "[1, 1]"),
        ("data: {width: 41}", "`data.width` is 41, but the input has 40", "41"),
        ("schedule: {epochs: 4, warmup: 4}", "`schedule.warmup` is 4, of 4 epochs", "4"),
        ("recipe: modern, schedule: {epochs: 4}", "`schedule.warmup` is 5, of 4 epochs", "4"),
        ("loss: {heads: {aux: 0.3}}", "`loss.heads` has aux, but the network has no heads", "{aux: 0.3}"),
    ],
)
def test_a_recipe_that_does_not_fit_is_found_at_its_setting(
    training: str, message: str, at: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError) as raised:
        compiler.at_size(compiler.compile_file(spec(tmp_path, training)))
    (found,) = raised.value.diagnostics
    assert found.code == "E222" and found.message.startswith(message) and found.help
    assert found.span and found.span.source.lines[found.span.line - 1][found.span.column - 1 :].startswith(at)


@pytest.mark.parametrize("verb", ["check", "compile"])
def test_the_commands_find_it(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path, "augment: {resize: 32}")
    options = ["--out", str(tmp_path / "out")] if verb == "compile" else []
    with pytest.raises(SystemExit) as stopped:
        main([verb, str(path), *options])
    assert stopped.value.code == 1
    assert f"{path}:8:" in (text := capsys.readouterr().err) and "error[E222]" in text
    assert not (tmp_path / "out").exists()


def test_a_setting_of_the_command_line_is_held_against_the_network_before_a_run(tmp_path: Path) -> None:
    read = compiler.load(spec(tmp_path, "recipe: modern"))
    with pytest.raises(RunError, match=r"^augment\.padding is 60, but the input has 40 pixels; set less than 40$"):
        plan(read, {"augment.crop": "shift", "augment.padding": "60"}, "fake:8x4")
    with pytest.raises(RunError, match=r"^loss\.heads has aux, but the network has no heads; leave it out$"):
        plan(read, {"loss.heads": "{'aux': 0.3}"}, "fake:8x4")


@pytest.mark.parametrize(
    ("training", "message", "advice"),
    [
        ("augment: {central: 0.9}", "`augment.central` has no effect beside `augment.evaluation: centre`", "central"),
        (
            "augment: {resize: 50, evaluation: whole}",
            "`augment.resize` has no effect beside `augment.crop: area` and `augment.evaluation: whole`",
            "window` or `augment.evaluation: centre",
        ),
        ("recipe: inception-v3-paper, optim: {nesterov: true}", "`optim.nesterov` has no effect beside", "sgd"),
    ],
)
def test_a_setting_without_effect_is_warned_of(training: str, message: str, advice: str, tmp_path: Path) -> None:
    (found,) = compilation.Build(compiler.compile_file(spec(tmp_path, training))).findings
    assert found.code == "W205" and found.message.startswith(message) and found.help.endswith(f"{advice}`")
    assert found.span and found.span.line == 8


@pytest.mark.parametrize("path", discovery.find_specs([SPECS]), ids=lambda path: path.stem)
def test_no_spec_has_a_setting_without_effect(path: Path) -> None:
    assert unused_settings(compiler.compile_file(path)) == []


@pytest.mark.parametrize("name", RECIPES)
def test_no_recipe_has_a_setting_without_effect(name: str) -> None:
    stated = named(name)
    config = stated.config()
    values = {f"{group}.{key}" for group, keys in stated.values.items() for key in keys}
    for key in values & NEEDS.keys():
        assert any(attrgetter(other)(config) in words for other, words in NEEDS[key].items()), key


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("size", [(3, 40, 40), (1, 288, 300), (3, 512, 512)], ids=str)
def test_every_recipe_shows_images_to_any_input(name: str, size: tuple[int, int, int], tmp_path: Path) -> None:
    values = "" if size[0] == 3 else ", data: {mean: [0.5], std: [0.5]}"
    shape = "x".join(map(str, size))
    program = compiler.compile_file(spec(tmp_path, f"recipe: {name}{values}", shape))
    check_recipe(program)
    stated = recipe(program)
    assert stated
    for transform in (training_transform(stated.config()), evaluation_transform(stated.config())):
        image, _ = transform(lambda _: torch.zeros(3, 375, 500, dtype=torch.uint8), torch.Generator())
        assert image.shape == size


def variant(folder: Path, base: str, name: str, keys: str) -> Config:
    path = folder / f"{name}.yaml"
    path.write_text(f"extends: {base}.yaml\nnetwork: {name}\ntitle: {name}\n{keys}\n")
    stated = recipe(compiler.compile_file(path))
    assert stated
    return stated.config()


def test_a_variant_of_another_size_scales_the_resize_that_it_inherits(tmp_path: Path) -> None:
    """resnet50 states 256 for 224 pixels itself: its variants keep the ratio, those of variants too."""
    assert variant(tmp_path, "builtin:resnet50", "large", "input: 3x448x448").augment.resize == 512
    assert variant(tmp_path, "large", "smaller", "input: 3x112x112").augment.resize == 128
    assert variant(tmp_path, "large", "same", "classes: 10").augment.resize == 512
    own = "input: 3x100x100\ntraining: {source: ours, augment: {resize: 120}}"
    assert variant(tmp_path, "large", "own", own).augment.resize == 120


def test_a_network_compiled_for_another_size_scales_its_resize(tmp_path: Path) -> None:
    program = compiler.compile_file(SPECS / "resnet50.yaml")
    build = compilation.Build(program, Options(size=(448, 448)))
    assert "resize=512," in build.files["resnet50/train.py"].decode()
    assert with_input(program, program.input) == program


def test_a_warm_up_that_is_as_long_as_the_run_does_not_fit() -> None:
    config = Config(schedule=Schedule(epochs=5, warmup=5.0))
    assert [misfit.key for misfit in find_misfits(config)] == ["schedule.warmup"]
    assert not [*find_misfits(replace(config, schedule=Schedule(epochs=5, warmup=4.9)))]
    assert not [*find_misfits(replace(config, schedule=Schedule(epochs=0.1)))]
