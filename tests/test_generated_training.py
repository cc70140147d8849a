"""The emitted `train.py` as its users have it: processes of their own, in which `inception_dsl` cannot be imported."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from zygote import Zygote

from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.runner import runner
from inception_dsl.network import load
from inception_dsl.recipes.recipe import Recipe

RECIPE = Recipe(
    "of this test",
    {
        "data": {
            "channels": 1,
            "height": 32,
            "width": 32,
            "mean": [0.5],
            "std": [0.5],
            "batch": 8,
            "workers": 0,
        },
        "augment": {"crop": "shift", "evaluation": "whole"},
        "optim": {"name": "sgd", "lr": 0.05},
        "average": {"name": "ema"},
        "loss": {"heads": {"aux1": 0.3}},
        "run": {"evaluate_every": 1000.0, "log_every": 1},
    },
)
NOISE = ("--data", "fake:64x10x32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three emitted files, and beside them a stand-in for our package that cannot be imported."""
    made = tmp_path_factory.mktemp("generated")
    typed = load("specs/googlenet_bn_small.yaml").typed
    for name, text in {"model.py": pytorch.source(typed), **runner.files(typed, RECIPE)}.items():
        (made / name).write_text(text, "utf-8")
    (made / "blocked").mkdir()
    (made / "blocked" / "inception_dsl.py").write_text('raise ImportError("it is not here")\n')
    return made


def environment(folder: Path) -> dict[str, str]:
    """That of a process for which our package is not there."""
    return {**os.environ, "PYTHONPATH": str(folder / "blocked"), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def zygote(folder: Path) -> Iterator[Zygote]:
    """A process that has imported torch, to fork others from; our package is not there for it either."""
    made = Zygote("torch._dynamo", path=str(folder / "blocked"))
    yield made
    made.close()


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python on words, from that folder."""
    command, env = [sys.executable, *words], environment(folder)
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def train(zygote: Zygote, folder: Path, out: str, *words: str) -> tuple[int, str]:
    """Run `train.py` on images of noise: its exit code and its output."""
    return zygote.run(folder / "log", folder / "train.py", *NOISE, "--out", out, *words)


def fingerprint(out: Path) -> str:
    """The sha256 of every tensor of the last checkpoint: of the network, of its average and of the optimiser."""
    state = torch.load(max((out / "checkpoints").glob("*.pt")), weights_only=True)
    sha, count = hashlib.sha256(), 0
    for name, each in tensors({key: state[key] for key in ("network", "averaged", "optimiser")}):
        sha.update(name.encode() + each.contiguous().numpy().tobytes())
        count += 1
    assert count > 300
    return sha.hexdigest()


def tensors(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """All tensors in dictionaries and lists, with their place."""
    if isinstance(value, Tensor):
        yield name, value
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from tensors(each, f"{name}/{key}")


def test_our_package_cannot_be_imported(folder: Path, zygote: Zygote) -> None:
    (folder / "importing.py").write_text("import inception_dsl\n")

    assert "it is not here" in python(folder, "importing.py").stderr
    assert "it is not here" in zygote.run(folder / "log", folder / "importing.py")[1]


def test_a_run_that_was_stopped_goes_on_and_is_the_run_that_was_not(folder: Path, zygote: Zygote) -> None:
    process = zygote.start(folder / "log", folder / "train.py", *NOISE, "--out", "stopped")
    metrics, patience = folder / "stopped" / "metrics.jsonl", time.monotonic() + 60
    while not (metrics.exists() and metrics.stat().st_size):
        assert time.monotonic() < patience, process.output
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGTERM)  # hundreds of steps before its end
    assert process.wait() == 75
    assert (folder / "stopped" / "STATUS").read_text() == "preempted\n"
    done = torch.load(max((folder / "stopped" / "checkpoints").glob("*.pt")), weights_only=True)["step"]

    for name in ("stopped", "whole"):
        code, output = train(zygote, folder, name, "--steps", str(done + 4))
        assert code == 0, output
        assert (folder / name / "STATUS").read_text() == "done\n"
    assert fingerprint(folder / "stopped") == fingerprint(folder / "whole")

    code, output = train(zygote, folder, "whole", "--steps", str(done + 5))  # the hash tells one step from the next
    assert code == 0, output
    assert fingerprint(folder / "stopped") != fingerprint(folder / "whole")
    rows = [json.loads(line) for line in (folder / "stopped" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "lr" in row] == list(range(1, done + 5))
    assert {"config.json", "env.json", "classes.txt", "metrics.csv", "model"} <= {
        each.name for each in (folder / "stopped").iterdir()
    }
    assert (folder / "stopped" / "model" / "model.safetensors").stat().st_size > 1_000_000


ALTERNATIVES = (
    (
        "optim.name=adamw",
        "schedule.name=polynomial",
        "augment.crop=area",
        "augment.evaluation=central",
        "average.name=none",
    ),
    (
        "optim.name=rmsprop",
        "schedule.name=exponential",
        "augment.crop=window",
        "augment.resize=40",
        "average.name=polyak",
    ),
    (
        "optim.scale=sqrt",
        "schedule.name=constant",
        "augment.crop=whole",
        "augment.colour=photometric",
        "loss.smoothing=0.1",
    ),
    (
        "optim.bias_lr=2.0",
        "schedule.warmup=1",
        "augment.interpolation=random",
        "augment.colour=tensorflow",
        "optim.clip=1.0",
    ),
)


@pytest.mark.parametrize("settings", ALTERNATIVES, ids=lambda settings: settings[0])
def test_what_the_recipe_does_not_name_can_be_set(folder: Path, zygote: Zygote, settings: tuple[str, ...]) -> None:
    code, output = train(zygote, folder, settings[0], "--steps", "1", "--set", *settings)
    assert code == 0, output
    recorded = json.loads((folder / settings[0] / "config.json").read_text())["config"]
    for key, _, value in (setting.partition("=") for setting in settings):
        group, _, name = key.partition(".")
        assert str(recorded[group][name]) in (value, f"{value}.0")


def test_images_may_come_from_another_reader(folder: Path, zygote: Zygote) -> None:
    pixel = BytesIO()
    Image.new("L", (32, 32), 100).save(pixel, "png")
    for split in ("train", "val"):
        (folder / "shards").mkdir(exist_ok=True)
        with tarfile.open(folder / "shards" / f"{split}-0.tar", "w") as archive:
            for number in range(8):
                for name, data in ((f"{number}.png", pixel.getvalue()), (f"{number}.cls", str(number % 4).encode())):
                    member = tarfile.TarInfo(name)
                    member.size = len(data)
                    archive.addfile(member, BytesIO(data))
    words = ("--data", "wds:shards", "--out", "wds", "--steps", "1")
    code, output = zygote.run(folder / "log", folder / "train.py", *words)

    assert code == 0, output
    assert (folder / "wds" / "classes.txt").read_text() == "0\n1\n2\n3\n"


def test_torchrun_runs_the_same_file(folder: Path) -> None:
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    ended = python(folder, *torchrun, "train.py", *NOISE, "--out", "two", "--steps", "4")

    assert ended.returncode == 0, ended.stderr[-3000:]
    assert (folder / "two" / "STATUS").read_text() == "done\n"
    assert json.loads((folder / "two" / "env.json").read_text())["world"] == 2
    rows = [json.loads(line) for line in (folder / "two" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "lr" in row] == [1, 2, 3, 4]


def test_the_help_tells_how_to_launch_it(folder: Path) -> None:
    result = python(folder, "train.py", "--help")

    assert result.returncode == 0
    assert "torchrun --nproc-per-node=gpu" in result.stdout
    assert "GoogLeNet BN small" in result.stdout


@pytest.mark.parametrize(("words", "wrong"), [("optim.rate=1", "'optim.rate'"), ("optim.lr=fast", "'fast'")])
def test_a_wrong_setting_is_an_error_of_one_line(folder: Path, zygote: Zygote, words: str, wrong: str) -> None:
    code, output = train(zygote, folder, "wrong", "--set", words)

    assert code == 2
    assert output.startswith("error: ") and wrong in output
    assert output.count("\n") == 1
    assert not (folder / "wrong").exists()
