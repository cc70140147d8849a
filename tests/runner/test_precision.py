"""What `run.precision=auto` comes to, on devices that this machine may lack, and how a run keeps to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import CONFIG, Tiny, fingerprint, run, with_run

from inception_dsl.evaluation.evaluate import evaluate_file
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.machine import precision as module
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.machine.precision import autocast, resolve_precision, supports_bf16
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.runner.record.checkpoint import latest_checkpoint, load_checkpoint

CPU = RankContext(torch.device("cpu"))
AUTO = with_run(precision="auto")
NONE, AVX512, AMX = {"avx2": True, "avx512_f": True}, {"avx512_bf16": True}, {"amx_bf16": True, "amx_tile": True}


def cpu(monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, Any]) -> None:
    """Have torch find these instructions, and no others."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)


@pytest.mark.parametrize(
    ("capabilities", "line"),
    [
        (NONE, "precision fp32: this CPU has no bf16 instructions"),
        ({}, "precision fp32: this CPU has no bf16 instructions"),
        (AVX512 | {"amx_bf16": False}, "precision bf16: this CPU has AVX512-BF16"),
        (AMX, "precision bf16: this CPU has AMX"),
        (AVX512 | AMX, "precision bf16: this CPU has AVX512-BF16 and AMX"),
    ],
)
def test_a_cpu_takes_bf16_where_it_has_instructions(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, Any], line: str
) -> None:
    cpu(monkeypatch, capabilities)
    config, note = resolve_precision(AUTO, CPU)

    assert note == line
    assert config == with_run(precision=line[10:14])


@pytest.mark.parametrize(
    ("capability", "line"),
    [
        ((7, 5), "fp32: {} 7.5, and bf16 instructions come with 8.0; run.precision=fp16 may be faster"),
        ((8, 0), "bf16: {} 8.0"),
        ((12, 1), "bf16: {} 12.1"),
    ],
)
def test_a_gpu_takes_bf16_from_capability_8_on(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], line: str
) -> None:
    own = torch.device("cuda:1")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability if device == own else None)
    config, note = resolve_precision(AUTO, RankContext(own))

    assert config.run.precision == line[:4]
    assert note == f"precision {line.format('this GPU has compute capability')}"


def test_a_device_of_another_kind_takes_fp32() -> None:
    assert supports_bf16(torch.device("mps")) == (False, "whether mps has bf16 instructions is unknown")


def test_all_processes_take_what_each_of_them_has(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu(monkeypatch, AVX512)
    monkeypatch.setattr(module, "any_rank", lambda place, flag: True)
    config, note = resolve_precision(AUTO, RankContext(CPU.device, 0, 2))

    assert config.run.precision == "fp32"
    assert note == "precision fp32: a device of another process has no bf16 instructions"


@pytest.mark.parametrize("capabilities", [NONE, AVX512])
@pytest.mark.parametrize("stated", ["fp32", "bf16"])
def test_what_is_stated_is_done_and_warned_of_where_it_is_slow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], capabilities: dict[str, Any], stated: str
) -> None:
    cpu(monkeypatch, capabilities)
    config = with_run(precision=stated)

    assert resolve_precision(config, CPU) == (config, f"precision {stated}: set by run.precision")
    warning = "warning: run.precision is bf16, but this CPU has no bf16 instructions: emulated bf16 is"
    assert capsys.readouterr().err.startswith(warning) == (stated == "bf16" and capabilities is NONE)


def test_none_computes_before_it_is_settled() -> None:
    with pytest.raises(AssertionError):
        autocast(CPU, "auto")


@pytest.mark.parametrize(("capabilities", "precision"), [(NONE, "fp32"), (AVX512, "bf16")])
def test_a_run_says_and_records_what_it_computes_in(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    capabilities: dict[str, Any],
    precision: str,
) -> None:
    found = set()
    monkeypatch.setattr(Tiny, "at", staticmethod(lambda *_: found.add(torch.is_autocast_enabled("cpu"))))
    cpu(monkeypatch, capabilities)
    run(tmp_path, AUTO, steps=2)
    first, *_ = capsys.readouterr().out.splitlines()

    assert first == resolve_precision(AUTO, CPU)[1]
    assert found == {precision == "bf16"}
    assert json.loads((tmp_path / "config.json").read_text())["config"]["run"]["precision"] == precision
    assert json.loads((tmp_path / "env.json").read_text())["precision"] == first
    assert json.loads((tmp_path / "model" / "config.json").read_text())["training"]["run"]["precision"] == precision
    checkpoint = latest_checkpoint(tmp_path / "checkpoints")
    assert checkpoint and load_checkpoint(checkpoint)["identity"]["run.precision"] == precision


def test_a_run_that_was_begun_in_fp32_ends_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cpu(monkeypatch, NONE)
    run(tmp_path / "whole", AUTO, steps=4)
    run(tmp_path / "parts", AUTO, steps=2)
    capsys.readouterr()
    cpu(monkeypatch, AVX512)
    run(tmp_path / "parts", AUTO, steps=4)

    assert capsys.readouterr().out.startswith("precision fp32: the run was begun in it\n")
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")


def test_a_run_that_was_begun_in_bf16_does_not_go_on_in_fp32(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cpu(monkeypatch, AVX512)
    run(tmp_path / "whole", AUTO, steps=4)
    run(tmp_path / "parts", AUTO, steps=2)
    cpu(monkeypatch, NONE)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match=r"begun in bf16, but this CPU has no bf16 instructions: .* run\.precision=bf16"):
        run(tmp_path / "parts", AUTO, steps=4)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    run(tmp_path / "parts", with_run(precision="bf16"), steps=4)
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")
    assert "this CPU has no bf16 instructions" in capsys.readouterr().err


def test_a_run_that_was_begun_in_fp16_goes_on_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cpu(monkeypatch, AVX512)
    run(tmp_path / "whole", with_run(precision="fp16"), steps=5)
    assert "warning: run.precision is fp16, but this is a CPU: it is emulated" in capsys.readouterr().err
    run(tmp_path / "parts", with_run(precision="fp16"), steps=2)
    run(tmp_path / "parts", AUTO, steps=5)

    assert "precision fp16: the run was begun in it\n" in capsys.readouterr().out
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")


@pytest.mark.parametrize(("begun", "stated"), [("fp32", "bf16"), ("bf16", "fp32"), ("fp32", "fp16"), ("fp16", "fp32")])
def test_another_precision_is_refused_and_can_be_forced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, begun: str, stated: str
) -> None:
    cpu(monkeypatch, AVX512)
    run(tmp_path, with_run(precision=begun), steps=2)
    with pytest.raises(RunError, match=f"run.precision was {begun}, is {stated}; .* or force it"):
        run(tmp_path, with_run(precision=stated), steps=3)

    run(tmp_path, with_run(precision=stated), steps=3, force=True)
    assert f"run.precision was {begun}, is {stated}" in capsys.readouterr().err
    assert json.loads((tmp_path / "config.json").read_text())["config"]["run"]["precision"] == stated


@pytest.mark.parametrize(("capabilities", "dtype"), [(NONE, torch.float32), (AVX512, torch.bfloat16)])
def test_an_evaluation_follows_the_same_rule(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, Any], dtype: torch.dtype
) -> None:
    cpu(monkeypatch, capabilities)
    found = set()
    network = Tiny(4)
    network.head.register_forward_hook(lambda module, inputs, output: found.add(output.dtype))
    images = open_images(CONFIG.data.source, "test")
    notes = evaluate_file(network, images, AUTO, CPU, limit=4).notes

    assert found == {dtype}
    assert notes == [resolve_precision(AUTO, CPU)[1]]
    assert evaluate_file(network, images, CONFIG, CPU, limit=4).notes == []
