"""The loop: its folder, its options, and its step on devices that this machine lacks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny import ABOUT, CONFIG, Tiny, fingerprint, run

from inception_dsl.runner.loop.command import main
from inception_dsl.runner.loop.engine import train
from inception_dsl.runner.loop.state import forward_backward
from inception_dsl.runner.machine.devices import RankContext


def test_a_run_leaves_a_folder_that_tells_all(tmp_path: Path) -> None:
    assert run(tmp_path, steps=6) == "done"
    files = {each.name for each in tmp_path.iterdir()}
    assert files >= {"STATUS", "config.json", "env.json", "classes.txt", "metrics.jsonl", "metrics.csv", "model"}
    assert (tmp_path / "model" / "model.safetensors").exists()
    written = json.loads((tmp_path / "config.json").read_text())
    assert written["about"]["name"] == "tiny" and written["config"]["data"]["source"] == "fake:96x4x10"
    assert len((tmp_path / "classes.txt").read_text().splitlines()) == 4
    names = {path.name for path in (tmp_path / "checkpoints").glob("*.pt")}
    assert names == {"step_00000005.pt", "step_00000006.pt", "best.pt"}
    assert [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [
        *range(1, 7),
        6,
    ]


def test_it_goes_on_where_it_stopped_and_the_average_is_another(tmp_path: Path) -> None:
    run(tmp_path / "whole")
    for steps in (3, 11, 24):
        run(tmp_path / "parts", steps=steps)
    assert fingerprint(tmp_path / "whole") == fingerprint(tmp_path / "parts")
    polyak = replace(CONFIG, average=replace(CONFIG.average, name="polyak"))
    run(tmp_path / "polyak", polyak)
    assert fingerprint(tmp_path / "polyak") != fingerprint(tmp_path / "whole")


def test_a_step_stays_on_its_device() -> None:
    where = torch.device("meta")
    with where:
        network = Tiny(4)
        images, labels = torch.zeros(6, 3, 8, 8), torch.zeros(6, dtype=torch.long)
        losses = forward_backward(network, images, labels, CONFIG, RankContext(where))
    assert losses.keys() == {"loss", "aux"}
    assert all(loss.device.type == where.type for loss in losses.values())
    assert all(
        parameter.grad is not None and parameter.grad.device.type == where.type for parameter in network.parameters()
    )


def test_micro_batches_add_up_to_the_gradient_of_the_batch() -> None:
    torch.manual_seed(0)
    images, labels, here = torch.randn(12, 3, 8, 8), torch.arange(12) % 4, RankContext(torch.device("cpu"))
    network = Tiny(4).eval()  # neither dropout nor batch statistics
    config = replace(CONFIG, loss=replace(CONFIG.loss, heads={}))
    whole = forward_backward(network, images, labels, config, here)["loss"]
    gradients = [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]
    network.zero_grad()
    parts = [
        forward_backward(network, images[low:high], labels[low:high], config, here)["loss"]
        for low, high in ((0, 5), (5, 12))
    ]
    assert torch.allclose(whole, sum(parts, torch.tensor(0.0)))
    for each, gradient in zip(
        [parameter.grad for parameter in network.parameters() if parameter.grad is not None], gradients, strict=True
    ):
        assert torch.allclose(each, gradient, atol=1e-6)


def test_the_help_tells_how_to_launch_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "--help"])
    with pytest.raises(SystemExit):
        main(train, Tiny, CONFIG, ABOUT)
    output = capsys.readouterr().out
    for words in (
        "torchrun --nproc-per-node=gpu",
        "--rdzv-endpoint",
        "#SBATCH",
        "--signals-to-handle",
        "--shutdown-timeout",
    ):
        assert words in output
    assert max(map(len, output.splitlines())) <= 120
