"""The doctor: on this machine, and on machines that lack something."""

from __future__ import annotations

import json
import platform
import re
import shutil
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pytest
import torch
from cli_runner import cli
from test_json import enveloped
from torch import Tensor, nn

from inception_dsl.runner.base.settings import RunError
from inception_dsl.training import doctor as surgery
from inception_dsl.training import installation as surroundings
from inception_dsl.training import speed
from inception_dsl.training.doctor import Small, devices, short_run
from inception_dsl.training.installation import ABSENT, FAILED, OK, CheckResult, installation_checks, run_check

CPU = torch.device("cpu")


def results(checks: Sequence[CheckResult]) -> dict[str, str]:
    return {check.name: check.result for check in checks}


def test_training_works_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    checks = list(surgery.training_checks(CPU, Small, short_run()))

    assert results(checks) == dict.fromkeys(("training", "resume", "bf16", "speed"), OK), checks
    assert {check.device for check in checks} == {"cpu"}
    assert not torch.are_deterministic_algorithms_enabled(), "the caller's torch is as it was"


def test_no_speed_is_promised_of_bf16_where_it_is_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    (check,) = [check for check in surgery.training_checks(CPU, Small, short_run()) if check.name == "bf16"]

    assert check == CheckResult("bf16", ABSENT, "this CPU has no bf16 instructions: fp32 is faster", device="cpu")


def test_the_speed_of_every_precision_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    check = surgery.speed_check(CPU)

    assert (check.name, check.result, check.device, check.auto) == ("speed", OK, "cpu", "fp32")
    assert {*check.images_per_second} == {*speed.PRECISIONS} >= {"fp32", "bf16"}
    assert all(number > 0 for number in check.images_per_second.values())
    assert check.found.startswith("images/s: fp32 ") and "run.precision=auto takes fp32, " in check.found
    (shown,) = surgery.checks_data([check])["checks"]
    assert shown["images_per_second"] == check.images_per_second and shown["auto"] == "fp32"


@pytest.mark.parametrize(
    ("speeds", "verdict"),
    [
        ({"fp32": 100.0, "bf16": 200.0}, "the fastest"),
        ({"fp32": 200.0, "bf16": 190.0}, "about as fast as any"),
        ({"fp32": 200.0, "bf16": 100.0}, "but fp32 is 2.0 times as fast: --set run.precision=fp32"),
    ],
)
def test_a_choice_that_is_not_the_fastest_is_told(speeds: dict[str, float], verdict: str) -> None:
    shown = ", ".join(f"{name} {number:.0f}" for name, number in speeds.items())
    expected = f"images/s: {shown}; run.precision=auto takes bf16, {verdict}"
    assert speed.describe_speeds(speeds, "bf16") == expected


def test_a_precision_that_a_device_lacks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(device: torch.device, precision: str) -> float:
        if precision != "fp32":
            raise RuntimeError("not implemented")
        return 12.34

    monkeypatch.setattr(speed, "images_per_second", measured)
    assert speed.measure_speeds(CPU) == {"fp32": 12.3}


class Deaf(nn.Module):
    """A network that does not listen: its loss stays."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.scores.expand(len(x), -1) + 0.0 * x.mean()


def test_a_loss_that_does_not_fall_is_reported_and_the_other_checks_are_not_run() -> None:
    checks = list(surgery.training_checks(CPU, Deaf, short_run()))

    assert results(checks) == {"training": FAILED, "resume": ABSENT, "bf16": ABSENT, "speed": ABSENT}
    assert "the loss went from 2.3" in checks[0].found and "see https://pytorch.org" in checks[0].advice


def test_two_processes_add_up() -> None:
    assert surgery._check_collectives("cpu", 2) == "gloo: 2 processes add up"


def test_the_table_the_file_and_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = (CheckResult("torch", OK, "2.14"), CheckResult("bf16", FAILED, "far off", "train with fp32", "cpu"))
    monkeypatch.setattr(surgery, "run_checks", lambda places: iter(checks))
    done = cli("doctor", "--out", tmp_path / "doctor.json")

    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "torch                  ok             2.14",
        "bf16 (cpu)             failed         far off",
        "                                      -> train with fp32",
        "",
        "1 ok, 1 failed, 0 not available",
        f"wrote {tmp_path / 'doctor.json'}",
    ]
    report = json.loads((tmp_path / "doctor.json").read_text())
    assert report["summary"] == {"ok": 1, "failed": 1, "not available": 0}
    assert report["checks"][1] == {
        "name": "bf16",
        "result": "failed",
        "found": "far off",
        "advice": "train with fp32",
        "device": "cpu",
    }
    machines = cli("doctor", "--format", "json")
    assert machines.exit_code == 1 and enveloped(machines, "doctor")["result"] == report


def test_what_is_not_available_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surgery, "run_checks", lambda places: iter([CheckResult("pyarrow", ABSENT, "optional")]))

    assert cli("doctor").exit_code == 0


def test_a_library_that_is_missing_is_optional_and_an_old_torch_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "pyarrow":
            raise metadata.PackageNotFoundError(name)
        return "2.5.1+cu121"

    monkeypatch.setattr(metadata, "version", version)
    found = {check.name: check for check in installation_checks()}

    assert found["pyarrow"].result == ABSENT and found["pyarrow"].advice == "pip install pyarrow"
    assert found["torch"].result == FAILED and found["torch"].advice == "pip install 'torch>=2.13'"
    assert found["onnx"].result == OK


def test_a_small_shared_memory_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: type("", (), {"free": 64 * 2**20}))
    check = surroundings._shared_memory(str(tmp_path))

    assert check.result == FAILED and check.found == "67 MB" and "--shm-size=2g" in check.advice
    assert surroundings._shared_memory(str(tmp_path / "none")).result == ABSENT


def test_an_action_that_raises_is_a_check_that_failed() -> None:
    def action() -> str:
        raise OSError(f"cannot write '/ho{''}me/alice/secret/run/x.pt' on {platform.node()}")

    check = run_check("write access", "", action)
    assert check.result == FAILED and check.advice == "run in a writable folder"
    assert "alice" not in check.found and "secret" not in check.found and "x.pt" in check.found
    assert len(platform.node()) < 3 or platform.node() not in check.found


def test_a_missing_device_is_reported() -> None:
    assert devices("cpu") == [CPU] and CPU in devices()
    with pytest.raises(RunError, match=r"--device abacus: not available; available are .*cpu"):
        devices("abacus")
    assert "error[E008]: --device abacus" in cli("doctor", "--device", "abacus").stderr


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surgery, "run_checks", lambda places: iter(()))
    (tmp_path / "file").touch()
    done = cli("doctor", "--out", tmp_path / "file" / "doctor.json")

    assert done.exit_code == 2
    assert re.search(r"error\[E006\]: cannot write `.*doctor\.json`: `.*file` is not a folder", done.stderr)


def test_the_file_names_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surgery, "training_checks", lambda place, network, config: iter(()))
    monkeypatch.setattr(surgery, "_check_collectives", lambda kind, world: "gloo")
    cli("doctor", "--device", "cpu", "--out", tmp_path / "doctor.json")

    text = (tmp_path / "doctor.json").read_text()
    assert str(tmp_path) not in text and str(Path.home()) not in text and platform.node() not in text
