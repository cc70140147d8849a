"""`benchmarks/gpu.py` whatever its checks do: one that crashes or hangs costs the others nothing.

That the checks themselves pass on a CPU is in nightly/test_gpu_benchmark.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

DRIVER = """
import os, time
import gpu, gpu_common

def right(plan, notes): notes.numbers["pi"] = 3
def wrong(plan, notes):
    notes.numbers["pi"] = 4
    notes.holds(False, "pi is 4")
def raising(plan, notes): raise RuntimeError("first line\\nit does not work")
def crashing(plan, notes): os.abort()
def hanging(plan, notes):
    os.fork()  # what it starts ends with it
    time.sleep(600)
def partly(plan, notes):
    notes.numbers["pi"] = 3
    notes.absent["tf32"] = gpu_common.NEEDS_CUDA

gpu_common.Plan.patience = 1
real = gpu.CHECKS["memory"]
gpu.CHECKS = {each.__name__: (each, 60) for each in (crashing, raising, wrong, right, partly)}
gpu.CHECKS |= {"hanging": (hanging, 1), "memory": real}
gpu.main()
"""


def run(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script with checks of ours."""
    command = [sys.executable, "-c", DRIVER, "--device", "cpu", "--quick", "--out", str(out), *arguments]
    path = os.pathsep.join([str(BENCHMARKS), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False, timeout=120
    )


def test_each_check_has_its_word_whatever_the_others_do(tmp_path: Path) -> None:
    done = run(tmp_path / "new" / "gpu.json")
    assert done.returncode == 1, done.stderr
    report = json.loads((tmp_path / "new" / "gpu.json").read_text())
    found = {name: (each["result"], each["why"]) for name, each in report["checks"].items()}

    assert found == {
        "crashing": ("failed", "the process ended with -6"),
        "raising": ("failed", "RuntimeError: it does not work"),
        "wrong": ("failed", "pi is 4"),
        "right": ("passed", ""),
        "partly": ("passed", "tf32: not run: needs CUDA"),
        "hanging": ("failed", "took longer than 1 s"),
        "memory": ("not run", "memory: not run: needs CUDA"),
    }
    assert report["checks"]["right"]["numbers"] == {"pi": 3}
    assert {"card", "torch", "python", "system", "date", "device", "quick", "seconds"} <= report.keys()
    assert [line.split()[0] for line in done.stdout.splitlines()] == [*found, "wrote"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [(("--only", "right", "partly"), 0, "wrote"), (("--device", "cuda:99"), 1, "cuda:99: ")],
)
def test_it_says_by_its_exit_code_whether_all_holds(
    tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = run(tmp_path / "gpu.json", *arguments)

    assert done.returncode == code, done.stderr
    assert message in done.stdout + done.stderr
    assert (tmp_path / "gpu.json").exists() == (code == 0)
