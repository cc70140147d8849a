"""Checks of the installation and the machine that need no run."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from inception_dsl.runner.machine.devices import MIN_TORCH
from inception_dsl.text.aligned import wrap

OK: Final = "ok"
FAILED: Final = "failed"
ABSENT: Final = "not available"

PURPOSES: Final = {
    "torch": "everything",
    "torchvision": "images in files, and its data sets",
    "onnx": "`compile --check`",
    "onnxruntime": "`export`",
    "safetensors": "`weights`",
    "pyarrow": "images in parquet files",
    "resvg_py": "pictures as PNG",
    "tensorboard": "watching a run in TensorBoard",
}
"""What each library is for; only the first is required."""

SHARED_MEMORY: Final = 256 * 2**20
"""Bytes that two loader processes may need at once: 2 batches each of 64 images of 3x299x299 float32."""

ADVICE: Final = {
    "collectives": "try NCCL_DEBUG=INFO or GLOO_SOCKET_IFNAME=lo; processes of one machine must reach each other",
    "write access": "run in a writable folder",
    "training": "the installation of torch does not fit the device or its driver: see https://pytorch.org/get-started",
    "resume": "resumed runs continue, but with other bits: report it with this file",
    "bf16": "train with --set run.precision=fp32",
    "speed": "the installation of torch does not fit the device or its driver: see https://pytorch.org/get-started",
}
"""What to do if a check fails."""

SPEED: Final = ("images_per_second", "auto")
"""The fields of a check of speed; other checks leave them out."""


@dataclass(frozen=True)
class CheckResult:
    """One check: its device, its result, what was found, and what to do if it failed.

    `images_per_second` by precision, and the precision that `auto` takes, are those of the check of speed.
    """

    name: str
    result: str
    found: str
    advice: str = ""
    device: str = ""
    images_per_second: Mapping[str, float] = field(default_factory=dict)
    auto: str = ""

    def text(self, room: int | None = None) -> str:
        """Format as a row of a table in the `room` there is, with the advice below it."""
        name = f"{self.name} ({self.device})" if self.device else self.name
        rows = [(f"{name:21}", f"{self.result:13}", self.found)]
        rows += [("", "", f"-> {self.advice}")] if self.result == FAILED and self.advice else []
        return wrap(rows, room)


def installation_checks() -> Iterator[CheckResult]:
    """Check the installed libraries and the machine."""
    yield CheckResult("python", OK, platform.python_version())
    for library, use in PURPOSES.items():
        try:
            version = metadata.version(library)
        except metadata.PackageNotFoundError:
            yield CheckResult(library, ABSENT, f"optional: for {use}", f"pip install {library}")
            continue
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
        old = library == "torch" and numbers < MIN_TORCH
        advice = f"pip install 'torch>={'.'.join(map(str, MIN_TORCH))}'" if old else ""
        yield CheckResult(library, FAILED if old else OK, version, advice)
    beside = Path(sys.executable).with_name("torchrun").exists() or shutil.which("torchrun")
    run = "torchrun" if beside else "python -m torch.distributed.run" if find_spec("torch.distributed.run") else ""
    yield CheckResult("launcher", OK if run else FAILED, run or "no torchrun", "" if run else "install torch again")
    yield run_check("write access", "", _check_write_access)
    yield _shared_memory()


def run_check(name: str, device: str, action: Callable[[], str]) -> CheckResult:
    """Run a check; an exception is a failure."""
    try:
        return CheckResult(name, OK, redact(action()), device=device)
    except Exception as error:  # noqa: BLE001 - any exception is a result
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return CheckResult(name, FAILED, redact(lines[-1])[:200], ADVICE[name], device)


def redact(text: str) -> str:
    """Remove folders, which name users, and the machine's name from a text."""
    text = re.sub(r"(?<![\w.])(?:[A-Z]:)?(?:[/\\][^/\\\s:'\"]+)+[/\\]", ".../", text)
    return text.replace(platform.node(), "HOST") if len(platform.node()) > 2 else text


def _check_write_access() -> str:
    with tempfile.NamedTemporaryFile(dir=".") as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())
    return f"{shutil.disk_usage('.').free / 1e9:,.1f} GB are free here"


def _shared_memory(folder: str = "/dev/shm") -> CheckResult:  # noqa: S108 - the folder that torch uses
    """Check that loader processes have enough shared memory."""
    name = "shared memory"
    if not Path(folder).is_dir():
        return CheckResult(name, ABSENT, "this system does not show it")
    free = shutil.disk_usage(folder).free
    if free >= SHARED_MEMORY:
        return CheckResult(name, OK, f"{free / 1e9:.1f} GB")
    advice = "start the container with --shm-size=2g, or train with --set data.workers=0"
    return CheckResult(name, FAILED, f"{free / 1e6:.0f} MB", advice)
