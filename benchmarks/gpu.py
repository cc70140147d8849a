# ruff: noqa: TID251 - this script tests torch
"""Check the training runner on a GPU: thirteen checks in at most six minutes, and one JSON file with every number.

    python benchmarks/gpu.py [--device cuda|cpu] [--quick] [--out FILE] [--only NAME ...]

Each check is a process of its own, so it can fail, crash or hang without affecting the others. Exits with 1 if one
failed. `--device cpu --quick` runs small versions of the checks that a CPU can do, and reports the others as not run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import gpu_checks
import gpu_images
import gpu_ranks
import gpu_speed
import torch
from gpu_common import Notes, Plan

from inception_dsl.training.installation import redact

Check = Callable[[Plan, Notes], None]

CHECKS: dict[str, tuple[Check, float]] = {
    "doctor": (gpu_checks.doctor, 60),
    "accuracy": (gpu_checks.accuracy, 90),
    "agreement with the CPU": (gpu_checks.agreement, 90),
    "images": (gpu_images.images, 60),
    "JPEGs": (gpu_speed.loading, 90),
    "ranks": (gpu_ranks.ranks, 95),
    "resume": (gpu_checks.resuming, 60),
    "memory": (gpu_checks.memory, 60),
    "evaluation": (gpu_checks.evaluation, 60),
    "compiled": (gpu_speed.compiling, 120),
    "saving": (gpu_speed.saving, 60),
    "loop": (gpu_speed.loop, 90),
    "compiled loop": (gpu_speed.compiled_loop, 240),
}
"""By name: the check, and its time limit in seconds. The slowest come last."""

BUDGET = 360.0
"""Seconds for all of them. Both limits are for a GPU; a CPU has five times as long."""
PASSED, FAILED, ABSENT = "passed", "failed", "not run"


def attempt(check: Check, plan: Plan, seconds: float) -> dict[str, Any]:
    """Run a check in a process of its own, and end all processes that it started.

    It is forked before torch has touched the device.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    begun = time.monotonic()
    process = context.Process(target=_child, args=(check, plan, sender))
    process.start()
    sender.close()
    try:
        if receiver.poll(seconds):
            outcome = receiver.recv()
        else:
            outcome = result(Notes(wrong=[f"took longer than {seconds:.0f} s"]))
    except EOFError:
        process.join()
        outcome = result(Notes(wrong=[f"the process ended with {process.exitcode}"]))
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.join()
    return {**outcome, "seconds": round(time.monotonic() - begun, 1)}


def _child(check: Check, plan: Plan, sender: Connection) -> None:
    os.setsid()
    notes = Notes()
    if plan.device.type == "cpu":
        torch.set_num_threads(1)  # threads that wait for each other are slow where others use the machine too
    try:
        check(plan, notes)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this check that failed
        lines = str(error).strip().splitlines() or [""]
        notes.wrong.append(f"{type(error).__name__}: {lines[-1]}")
        traceback.print_exc()
    sender.send(result(notes))


def result(notes: Notes) -> dict[str, Any]:
    """A check's status, the reason and its numbers. Parts that the device cannot do are not failures."""
    word = FAILED if notes.wrong else PASSED if notes.numbers else ABSENT
    why = [redact(reason)[:300] for reason in notes.wrong]
    why += [f"{name}: not run: {reason}" for name, reason in notes.absent.items()]
    return {"result": word, "why": "; ".join(why), "numbers": notes.numbers}


def facts(plan: Plan, notes: Notes) -> None:
    """The card, the driver and the libraries, without which the numbers mean nothing."""
    numbers = notes.numbers
    numbers |= {"torch": torch.__version__, "python": platform.python_version(), "system": platform.platform()}
    numbers |= {"cores": os.cpu_count(), "card": "cpu"}
    if not plan.cuda:
        return
    card = torch.cuda.get_device_properties(plan.device)
    numbers |= {"card": card.name, "capability": f"{card.major}.{card.minor}", "memory GB": card.total_memory / 1e9}
    numbers |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}  # type: ignore[no-untyped-call]
    numbers["nccl"] = ".".join(map(str, torch.cuda.nccl.version()))  # type: ignore[no-untyped-call]
    with suppress(OSError, subprocess.SubprocessError):
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        listing = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
        numbers["driver"] = listing.split()[0]


def examine(plan: Plan, checks: Mapping[str, tuple[Check, float]]) -> dict[str, Any]:
    """Run the checks one after the other within the budget, and report each as it ends."""
    begun = time.monotonic()
    machine = attempt(facts, plan, 60)
    if machine["result"] == FAILED:
        sys.exit(f"{plan.device}: {machine['why']}")
    report = {
        **machine["numbers"],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": str(plan.device),
        "quick": plan.quick,
    }
    report |= {"seconds": 0.0, "checks": {}}
    for name, (check, limit) in checks.items():
        left, seconds = plan.patience * BUDGET - (time.monotonic() - begun), plan.patience * limit
        outcome = {"result": ABSENT, "why": "the time is over", "numbers": {}, "seconds": 0.0}
        if left > 5:
            tried = attempt(check, plan, min(seconds, left))
            outcome = tried if left > seconds or tried["seconds"] < left else {**outcome, "seconds": tried["seconds"]}
        report["checks"][name] = outcome
        print(f"{name:24} {outcome['result']:8} {outcome['seconds']:6.1f} s  {outcome['why']}".rstrip(), flush=True)
    report["seconds"] = round(time.monotonic() - begun, 1)
    return report


def main() -> None:
    """Run the checks and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, or cpu with --quick (default: cuda)")
    parser.add_argument("--quick", action="store_true", help="in a small way, to see that it runs")
    parser.add_argument("--out", type=Path, help="the JSON (default: benchmarks/results/gpu-CARD-DATE.json)")
    parser.add_argument("--only", nargs="+", choices=CHECKS, metavar="NAME", help=f"some of: {', '.join(CHECKS)}")
    given = parser.parse_args()
    device = torch.device("cuda:0" if given.device == "cuda" else given.device)
    if device.type == "cpu" and not given.quick:
        parser.error("a CPU would take hours: add --quick")
    folder = Path(tempfile.mkdtemp())
    try:
        report = examine(Plan(device, given.quick, folder), {name: CHECKS[name] for name in given.only or CHECKS})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(report, given.out)
    sys.exit(any(check["result"] == FAILED for check in report["checks"].values()))


def write(report: Mapping[str, Any], out: Path | None) -> None:
    """Write the JSON; its default name has the card and the date."""
    card = re.sub(r"\W+", "-", str(report.get("card", "unknown"))).strip("-").lower()
    out = out or Path(__file__).parent / "results" / f"gpu-{card}-{str(report.get('date', ''))[:10]}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
