"""`train`, `eval`, `ensemble` and `plot` as a person runs them, on a few small images."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cli_runner import cli as command
from click.testing import Result
from PIL import Image
from test_json import enveloped

from inception_dsl.cli.waiting import Waiting
from inception_dsl.network import load
from inception_dsl.panels.run import run_panel
from inception_dsl.recipes.recipe import recipe
from inception_dsl.runner.base.config import Config, Run
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.machine.precision import resolve_precision
from inception_dsl.runner.record.checkpoint import load_checkpoint
from inception_dsl.weights.files import read_weights

SPEC = "specs/googlenet_bn_small.yaml"
SET = {"data.batch": 8, "data.workers": 0, "run.log_every": 1, "schedule.epochs": 2, "run.precision": "auto"}
FEW = [word for key, value in SET.items() for word in ("--set", f"{key}={value}")]


def train(out: Path, *arguments: str) -> Result:
    """A short run on noise."""
    return command("train", SPEC, "--data", "fake:32x10", "--out", out, *FEW, *arguments)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was ended after two steps."""
    out = tmp_path_factory.mktemp("runs") / "ended"
    done = train(out, "--steps", "2", "--format", "json")
    assert done.exit_code == 0, done.output
    data = enveloped(done, "train")
    assert data["result"]["folder"] == str(out) and data["result"]["comparison"]["apart"] < 1e-4
    assert str(out / "model" / "model.onnx") in {file["path"] for file in data["files"]}
    return out


@pytest.fixture(scope="module")
def run(ended: Path) -> Path:
    """The same, gone on with to its end."""
    out = ended.with_name("first")
    shutil.copytree(ended, out)
    done = train(out, "--deterministic")
    assert done.exit_code == 0, done.output
    return out


def test_a_run_ends_after_the_steps_asked_for(ended: Path) -> None:
    rows = [json.loads(line) for line in (ended / "metrics.jsonl").read_text().splitlines()]

    assert [row["step"] for row in rows if "loss" in row] == [1, 2]
    assert (ended / "STATUS").read_text().strip() == "done"


def test_a_run_leaves_all_that_it_takes_to_use_the_network(run: Path) -> None:
    assert (run / "STATUS").read_text().strip() == "done"
    files = {
        "model.py",
        "train.py",
        "support.py",
        "spec.yaml",
        "config.json",
        "env.json",
        "metrics.jsonl",
        "curves.svg",
    }
    assert files <= {each.name for each in run.iterdir()}
    model = {each.name for each in (run / "model").iterdir()}
    assert {"model.safetensors", "model.onnx", "config.json", "README.md", "model.py"} <= model


def test_a_run_goes_on_where_it_was(run: Path) -> None:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]

    assert [row["step"] for row in rows if "loss" in row] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert json.loads((run / "config.json").read_text())["config"]["run"]["deterministic"] is True


def test_a_run_that_is_finished_says_so(run: Path, launched: list[Sequence[str]]) -> None:
    again = train(run, "--deterministic", "--steps", "3")
    assert again.exit_code == 0 and not launched
    assert f"{run} is finished: it has done its 8 steps; for another run choose a new --out" in again.output


def test_a_run_records_its_best_score(run: Path) -> None:
    facts = json.loads((run / "model" / "config.json").read_text())
    state = load_checkpoint(run / "checkpoints" / "best.pt")
    assert facts["best"] == {**facts["score"], **state["best"]["numbers"], "step": state["step"]}


def test_a_run_records_its_precision(run: Path) -> None:
    word, why = resolve_precision(Config(run=Run(precision="auto")), RankContext(torch.device("cpu")))
    assert json.loads((run / "env.json").read_text())["precision"] == why
    assert f"precision = {word.run.precision}," in (run / "model" / "README.md").read_text()
    assert 'precision="auto"' in (run / "train.py").read_text()
    assert "precision: auto" in (run / "spec.yaml").read_text()


def test_the_spec_of_a_run_is_whole(run: Path) -> None:
    typed, own = load(run / "spec.yaml").typed, load(SPEC).typed
    stated, before = recipe(typed.program), recipe(own.program)

    assert typed.weights == own.weights
    assert stated and before and stated.source == before.source
    config, expected = stated.config(), before.config()
    expected.data = replace(expected.data, source="fake:32x10", batch=8, workers=0)
    expected.run.log_every, expected.run.precision, expected.schedule.epochs = 1, "auto", 2.0
    assert config == expected
    assert stated.notes == {**before.notes, "data.source": "--data"} | dict.fromkeys(SET, "--set")


def test_a_run_is_evaluated_and_joined_with_another(run: Path, tmp_path: Path) -> None:
    weights = run / "model" / "model.safetensors"
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, seed in zip(folders, (1, 2), strict=True):
        exported = tmp_path / f"{seed}.safetensors"
        exported.write_bytes(weights.read_bytes())
        options = ("--data", "fake:32x10", "--protocol", "1,10", "--format", "json")
        done = command("eval", SPEC, exported, "--out", folder, *options)
        assert done.exit_code == 0, done.output
    scores = enveloped(done)["result"]
    assert scores == {**json.loads((folder / "scores.json").read_text()), "images": scores["images"]}
    assert scores["protocols"].keys() == {"1", "10"}
    assert scores["protocols"]["1"]["n"] == 32
    page = run_panel(load(SPEC).typed, folder).body
    assert {"Scores", "32", "Confusion matrix"} <= {*re.findall(r">([^<>]+)<", page.replace("\n", ""))}

    twice = command("ensemble", folders[0], folders[1] / "predictions.npz")
    assert twice.exit_code == 2
    assert "have the same weights" in " ".join(twice.output.split())
    none = command("ensemble", folders[0], run)
    assert none.exit_code == 2 and "`inception-dsl eval SPEC WEIGHTS --out FOLDER` writes one" in none.output


def test_an_evaluation_tells_how_far_it_is(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(Waiting, "note", lambda _, what: told.append(what))
    assert command("eval", SPEC, run, "--data", "fake:32x10", "--batch", "8", "--limit", "20").exit_code == 0
    assert told[0] == f"{SPEC}: 7 of 20 images" and len(told) == 3


def test_a_checkpoint_is_read_as_the_weights_are(run: Path, tmp_path: Path) -> None:
    checkpoint, weights, out = (
        max((run / "checkpoints").glob("*.pt")),
        run / "model" / "model.safetensors",
        tmp_path / "x",
    )
    note = f"read `averaged` of `{checkpoint.name}`, not `network`"
    scores = []
    for file in (checkpoint, weights):
        done = command("eval", SPEC, file, "--data", "fake:32x10")
        assert done.exit_code == 0, done.output
        scores.append(done.stdout.removeprefix(f"{note}\n"))
    assert scores[0] == scores[1] and "of another network" not in done.output
    done = command("weights", "import", SPEC, checkpoint, "--out", out.with_suffix(".safetensors"))
    assert done.exit_code == 0 and done.stdout.startswith(note), done.output
    own, made = (read_weights(each).tensors for each in (weights, out.with_suffix(".safetensors")))
    assert own.keys() == made.keys() and all((own[name] == made[name]).all() for name in own)
    done = command("export", SPEC, "--weights", checkpoint, "--out", out.with_suffix(".onnx"), "--no-verify")
    assert done.exit_code == 0 and out.with_suffix(".onnx").is_file(), done.output
    refused = command("eval", SPEC, checkpoint, "--data", "fake:32x9")
    assert refused.exit_code == 2 and "names other classes than the data" in " ".join(refused.stderr.split())


@pytest.mark.parametrize("file", ["config.json", "classes.txt"])
def test_other_classes_than_those_beside_the_weights_are_refused(run: Path, tmp_path: Path, file: str) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes((run / "model" / weights.name).read_bytes())
    names = [*"0123456789"]
    for order, code in ((names, 0), ([*names[:3], "4", "3", *names[5:]], 2), (names[:9], 2), ([*names, "x"], 2)):
        text = json.dumps({"label_names": order}) if file == "config.json" else "".join(f"{each}\n" for each in order)
        (tmp_path / file).write_text(text)
        done = command("eval", SPEC, weights, "--data", "fake:8x10", "--out", tmp_path / "out")
        assert done.exit_code == code, done.output
        assert (tmp_path / "out").exists() == (code == 0)
        if code:
            assert "error[E008]" in done.output and file in done.output
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
        else:
            shutil.rmtree(tmp_path / "out")
    assert "class 10 is 'x', and in fake:8x10 it is ''" in " ".join(done.output.split())

    (tmp_path / "config.json").write_text("{")
    assert "error[E008]" in command("eval", SPEC, weights, "--data", "fake:8x10").output
    (tmp_path / "config.json").write_text('{"model_type": "another tool\'s"}')
    assert command("eval", SPEC, weights, "--data", "fake:8x10").exit_code == 2 * (file == "classes.txt")


def test_images_that_cannot_be_read_are_named(run: Path, tmp_path: Path) -> None:
    for label in range(10):
        (tmp_path / "val" / str(label)).mkdir(parents=True)
        Image.new("L", (32, 32)).save(tmp_path / "val" / str(label) / "good.png")
    (tmp_path / "val" / "3" / "broken.png").write_bytes(b"no image")
    options = ("--data", f"folder:{tmp_path}", "--out", tmp_path / "out")
    done = command("eval", SPEC, run / "model" / "model.safetensors", *options)

    assert done.exit_code == 0, done.output
    (named,) = (tmp_path / "out" / "unreadable.txt").read_text().splitlines()
    assert "broken.png" in named
    assert f"warning: unreadable: {named}\n" in done.stderr and "unreadable" not in done.stdout.replace(
        "1 unreadable", ""
    )


def test_a_run_is_shown_on_a_page(run: Path) -> None:
    page = load(SPEC).page(run=run)
    assert '<h2 id="title-run">Training run</h2>' in page
    assert "Throughput, images per second" in page


def test_a_run_is_drawn(run: Path, tmp_path: Path) -> None:
    done = command("plot", run, "--out", tmp_path / "curves.svg", "--format", "json")
    assert enveloped(done)["files"] == [{"path": str(tmp_path / "curves.svg"), "status": "written"}]
    assert (tmp_path / "curves.svg").read_text().startswith("<svg")
    nothing = command("plot", tmp_path, "--out", tmp_path / "other.png")
    assert nothing.exit_code == 2
    assert "error[E008]" in nothing.output


def test_an_edited_runner_is_kept(run: Path) -> None:
    file = run / "train.py"
    text = file.read_text()
    file.write_text(text.replace("nesterov=True", "nesterov=False"))

    assert train(run).exit_code == 1
    assert "nesterov=False" in file.read_text()
    file.write_text(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "optim.lr=fast"), "optim.lr"),
        (("--set", "optim.speed=1"), "optim.speed"),
        (("--data", "builtin:imagenet"), "fashion-mini"),
        (("--data", ""), "--data"),
    ],
)
def test_what_cannot_be_run_is_reported_before_anything_is_written(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = command("train", SPEC if arguments[1] else "specs/googlenet.yaml", "--out", tmp_path / "run", *arguments)

    assert done.exit_code == 2
    assert message in done.output
    assert not (tmp_path / "run").exists()


def test_a_spec_without_a_recipe_is_reported(tmp_path: Path) -> None:
    done = command("train", "specs/inception_naive.yaml", "--data", "fake:8x10", "--out", tmp_path / "run")

    assert done.exit_code == 1
    assert "error[E104]" in done.output
    assert "training: {recipe: modern}" in done.output
