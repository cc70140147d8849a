"""All of `benchmarks/gpu.py` that a CPU can do: about a minute of CPU time, in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
ABSENT = {"memory", "compiled loop"}


def test_it_runs_on_a_cpu(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    command = [sys.executable, str(SCRIPT), "--device", "cpu", "--quick", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    checks = json.loads(out.read_text())["checks"]

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(checks) == 13
    assert {name for name, each in checks.items() if each["result"] == "not run"} == ABSENT
    assert {name for name, each in checks.items() if each["result"] == "passed"} == {*checks} - ABSENT
    assert all(each["numbers"] for name, each in checks.items() if name not in ABSENT)
