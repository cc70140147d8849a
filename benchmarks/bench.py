"""Measure commands as whole processes, together with Python's start, `import torch` and torch's ONNX exporters.

    python benchmarks/bench.py [--rounds N]

Every round runs every case once, so other load on the machine affects all cases alike; the table has medians. CPU time
is the user and system time of the process and its threads, peak memory its largest resident set, as the kernel counts
them for that process (`wait4`). Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
COMMAND = str(Path(sys.executable).parent / "inception-dsl")  # as installed beside this Python
SIZES = (1_000, 3_000, 10_000)

EXPORT = """
import torch, torchvision
network = torchvision.models.googlenet(weights=None, aux_logits=False, init_weights=False).eval()
torch.onnx.export(network, (torch.zeros(1, 3, 224, 224),), {path!r}, dynamo={dynamo})
"""


class Cost(NamedTuple):
    """The cost of one process: CPU time in milliseconds, peak memory in MiB."""

    cpu: float
    memory: float


def measure(command: Sequence[str]) -> Cost:
    """Run a command to its end. Raises `RuntimeError` if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["OMP_NUM_THREADS"] = "1"  # threads that wait for each other would count against torch
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}\n{output.read().decode()}")
    kibibytes = used.ru_maxrss / 1024 if sys.platform == "darwin" else used.ru_maxrss
    return Cost((used.ru_utime + used.ru_stime) * 1000, kibibytes / 1024)


def synthetic(rows: int) -> str:
    """A spec with this many rows, no two alike; every eighth is a module. Every output is printed correctly."""
    lines = ["name | layer | #1x1 | #3x3 reduce | #3x3 | #5x5 reduce | #5x5 | pool proj | output"]
    for row in range(rows):
        a, b, c, d = row % 251 + 1, row % 241 + 1, row % 239 + 1, row % 233 + 1
        if row % 8:
            lines.append(f"row{row} | conv 1x1 {row} | | | | | | | 28x28x{row}")
        else:
            lines.append(f"row{row} | inception | {a} | {b} | {c} | {d} | {a} | {b} | 28x28x{2 * a + b + c}")
    head, _, _ = (ROOT / "specs/googlenet.yaml").read_text(encoding="utf-8").partition("layers: |")
    head = head.replace("input: 3x224x224", "input: 3x28x28").replace("network: googlenet", "network: synthetic")
    return f"{head}layers: |\n  " + "\n  ".join(lines) + "\n"


def cases(folder: Path) -> dict[str, list[str]]:
    """The commands by their names in the table."""
    python = sys.executable
    commands = {
        "python -c pass": [python, "-c", "pass"],
        "python -c pass, again": [python, "-c", "pass"],  # A/A: how far the same thing lies from itself
        "python -c 'import torch'": [python, "-c", "import torch"],
        "check specs/googlenet.yaml": [COMMAND, "check", "specs/googlenet.yaml"],
        "check specs/": [COMMAND, "check", "specs/"],
        "compile specs/googlenet.yaml": [COMMAND, "compile", "specs/googlenet.yaml", "--out", str(folder / "out")],
    }
    for name, dynamo in (("legacy", False), ("dynamo", True)):
        program = EXPORT.format(path=str(folder / f"{name}.onnx"), dynamo=dynamo)
        commands[f"torch.onnx.export, {name}"] = [python, "-c", program]
    for rows in SIZES:
        spec = folder / f"synthetic_{rows}.yaml"
        spec.write_text(synthetic(rows), encoding="utf-8")
        commands[f"check of {rows:,} rows"] = [COMMAND, "check", "--format", "github", str(spec)]
    return commands


def table(costs: Mapping[str, Cost]) -> Iterator[str]:
    """The measured medians, compared with Python's own start."""
    floor = costs["python -c pass"]
    yield f"| {'process':<30} | {'CPU ms':>8} | {'x python':>8} | {'peak MiB':>8} |"
    yield f"|{'-' * 32}|{'-' * 9}:|{'-' * 9}:|{'-' * 9}:|"
    for name, cost in costs.items():
        yield f"| {name:<30} | {cost.cpu:8,.1f} | {cost.cpu / floor.cpu:8,.2f} | {cost.memory:8,.0f} |"


class Goal(NamedTuple):
    """A ratio with an upper or a lower bound."""

    what: str
    measured: float
    bound: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the measured ratio meets the bound."""
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound


def goals(costs: Mapping[str, Cost]) -> list[Goal]:
    """The goals of the project and the measured values."""
    start, torch = costs["python -c pass"], costs["python -c 'import torch'"]
    check, build = costs["check specs/googlenet.yaml"], costs["compile specs/googlenet.yaml"]
    every, specs = costs["check specs/"], len(list((ROOT / "specs").glob("*.yaml"))) - 1  # one of them holds claims
    legacy, dynamo = costs["torch.onnx.export, legacy"], costs["torch.onnx.export, dynamo"]
    small, middle, large = (costs[f"check of {rows:,} rows"].cpu for rows in SIZES)
    early, late = (middle - small) / (SIZES[1] - SIZES[0]), (large - middle) / (SIZES[2] - SIZES[1])
    return [
        Goal("check: CPU over `python -c pass`", check.cpu / start.cpu, 26, at_most=True),
        Goal(
            "check of all specs: CPU over 3 checks + 50 ms a spec",
            every.cpu / (3 * check.cpu + 50 * specs),
            1,
            at_most=True,
        ),
        Goal("`import torch`: CPU over check", torch.cpu / check.cpu, 6),
        Goal("dynamo export: CPU over compile", dynamo.cpu / build.cpu, 12),
        Goal("legacy export: CPU over compile", legacy.cpu / build.cpu, 6),
        Goal("dynamo export: peak memory over compile", dynamo.memory / build.memory, 5),
        Goal("legacy export: peak memory over compile", legacy.memory / build.memory, 5),
        Goal(
            "check: CPU of a row, 3,000 to 10,000 over 1,000 to 3,000", late / early, 1.5, at_most=True
        ),  # quadratic: 3.25
    ]


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each case is run (default: 7)")
    rounds: int = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        commands = cases(Path(folder))
        for command in commands.values():
            measure(command)  # the first run writes the byte code and fills the disk cache
        runs = [{name: measure(command) for name, command in commands.items()} for _ in range(rounds)]
    costs = {
        name: Cost(median(run[name].cpu for run in runs), median(run[name].memory for run in runs)) for name in commands
    }
    print(*table(costs), "", sep="\n")
    judged = goals(costs)
    print(f"| {'goal':<57} | {'measured':>8} | {'bound':>8} |      |\n|{'-' * 59}|{'-' * 9}:|{'-' * 9}:|------|")
    for goal in judged:
        bound = f"{'<=' if goal.at_most else '>='} {goal.bound:g}"
        print(f"| {goal.what:<57} | {goal.measured:8.2f} | {bound:>8} | {'met' if goal.met else 'MISS'} |")
    sys.exit(not all(goal.met for goal in judged))


if __name__ == "__main__":
    main()
