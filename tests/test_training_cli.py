"""`train`, `eval`, `ensemble` and `plot` as a person runs them, on a few small images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from inception_dsl.cli import main
from inception_dsl.network import load
from inception_dsl.recipe import recipe

SPEC = "specs/googlenet_bn_small.yaml"
FEW = ("--set", "data.batch=8", "--set", "data.workers=0", "--set", "run.log_every=1", "--set", "schedule.epochs=2")


def command(*arguments: str | Path) -> Result:
    """What a command gives."""
    return CliRunner().invoke(main, [str(each) for each in arguments])


def train(out: Path, *arguments: str) -> Result:
    """A short run on noise."""
    return command("train", SPEC, "--data", "fake:32x10", "--out", out, *FEW, *arguments)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was ended after two steps, and then gone on with to its end."""
    out = tmp_path_factory.mktemp("runs") / "first"
    first = train(out, "--steps", "2")
    assert first.exit_code == 0, first.output
    done = train(out, "--deterministic")
    assert done.exit_code == 0, done.output
    return out


def test_a_run_leaves_all_that_it_takes_to_use_the_network(run: Path) -> None:
    assert (run / "STATUS").read_text().strip() == "done"
    assert {"model.py", "train.py", "support.py", "spec.yaml", "config.json", "env.json", "metrics.jsonl"} <= {
        each.name for each in run.iterdir()
    }
    model = {each.name for each in (run / "model").iterdir()}
    assert {"model.safetensors", "model.onnx", "config.json", "README.md", "model.py"} <= model


def test_a_run_goes_on_where_it_was(run: Path) -> None:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]

    assert [row["step"] for row in rows if "loss" in row] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert json.loads((run / "config.json").read_text())["config"]["run"]["deterministic"] is True


def test_the_spec_of_a_run_is_whole(run: Path) -> None:
    typed, own = load(run / "spec.yaml").typed, load(SPEC).typed

    assert typed.weights == own.weights
    assert recipe(typed.program) == recipe(own.program)


def test_a_run_is_evaluated_and_joined_with_another(run: Path, tmp_path: Path) -> None:
    weights = run / "model" / "model.safetensors"
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, seed in zip(folders, (1, 2), strict=True):
        exported = tmp_path / f"{seed}.safetensors"
        exported.write_bytes(weights.read_bytes())
        options = ("--data", "fake:32x10", "--protocol", "1,10", "--format", "json")
        done = command("eval", SPEC, exported, "--out", folder, *options)
        assert done.exit_code == 0, done.output
    scores = json.loads(done.output)
    assert scores["protocols"].keys() == {"1", "10"}
    assert scores["protocols"]["1"]["n"] == 32

    twice = command("ensemble", *(folder / "predictions.npz" for folder in folders))
    assert twice.exit_code == 2
    assert "error[E008]" in twice.output


def test_a_run_is_drawn(run: Path, tmp_path: Path) -> None:
    assert command("plot", run, "--out", tmp_path / "curves.svg").exit_code == 0
    assert (tmp_path / "curves.svg").read_text().startswith("<?xml")
    nothing = command("plot", tmp_path, "--out", tmp_path / "other.png")
    assert nothing.exit_code == 2
    assert "error[E008]" in nothing.output


def test_an_edited_runner_is_kept(run: Path) -> None:
    file = run / "train.py"
    text = file.read_text()
    file.write_text(text.replace("nesterov: bool = True", "nesterov: bool = False"))

    assert train(run).exit_code == 1
    assert "nesterov: bool = False" in file.read_text()
    file.write_text(text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "optim.lr=fast"), "optim.lr"),
        (("--set", "optim.speed=1"), "optim.speed"),
        (("--data", "builtin:imagenet"), "fashion-mini"),
        (("--data", ""), "--data"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_written(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = command("train", SPEC if arguments[1] else "specs/googlenet.yaml", "--out", tmp_path / "run", *arguments)

    assert done.exit_code == 2
    assert said in done.output
    assert not (tmp_path / "run").exists()


def test_a_spec_without_a_recipe_is_told(tmp_path: Path) -> None:
    done = command("train", "specs/inception_naive.yaml", "--data", "fake:8x10", "--out", tmp_path / "run")

    assert done.exit_code == 1
    assert "error[E104]" in done.output
    assert "training: {recipe: modern}" in done.output
