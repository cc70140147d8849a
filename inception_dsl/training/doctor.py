"""Whether training works here: what is installed, and a short run on each device."""

from __future__ import annotations

import hashlib
import io
import json
import math
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import start_processes

from inception_dsl.datasets.builtin import builtin
from inception_dsl.runner.base.config import Augment, Average, Config, Data, NetworkInfo, Optim, Run, Schedule
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.loop.engine import train
from inception_dsl.runner.machine.devices import RankContext, set_deterministic
from inception_dsl.runner.machine.precision import supports_bf16
from inception_dsl.runner.record.checkpoint import load_checkpoint
from inception_dsl.training.installation import (
    ABSENT,
    FAILED,
    OK,
    SPEED,
    CheckResult,
    installation_checks,
    run_check,
)
from inception_dsl.training.speed import auto_precision, describe_speeds, measure_speeds

STEPS: Final = 20
RENDEZVOUS_TIMEOUT: Final = 60.0
"""Seconds that processes may take to find each other."""


class Small(nn.Module):
    """Two batch-normalised Inception modules: grey images of 28x28 -> logits."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem, self.branches, width = _conv(1, 16, 3, 2), nn.ModuleList(), 16
        for _ in range(2):
            wide = nn.Sequential(_conv(width, 8, 1), _conv(8, 16, 3))
            pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), _conv(width, 8, 1))
            self.branches.append(nn.ModuleList([_conv(width, 8, 1), wide, pooled]))
            width = 32
        self.fc = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        x = self.stem(x)
        for module in self.branches:
            assert isinstance(module, nn.ModuleList)
            x = torch.cat([branch(x) for branch in module], 1)
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


def short_run() -> Config:
    """The settings of the short run: small images, every part of a checkpoint, reproducible bit for bit."""
    return Config(
        data=Data(f"idx:{builtin('fashion-mini')}", 1, 28, 28, mean=(0.286,), std=(0.353,), batch=64, workers=0),
        augment=Augment(crop="shift", padding=2, evaluation="whole"),
        optim=Optim(lr=0.2),
        schedule=Schedule(name="constant", epochs=1),
        average=Average(name="ema"),
        run=Run(log_every=1, deterministic=True),
    )


def checks_data(checks: Sequence[CheckResult]) -> dict[str, Any]:
    """Return the checks for machines; they name no user, no folder and no machine."""
    counts = {result: sum(check.result == result for check in checks) for result in (OK, FAILED, ABSENT)}
    found = [{key: value for key, value in asdict(check).items() if key not in SPEED or value} for check in checks]
    return {"system": platform.platform(), "summary": counts, "checks": found}


def devices(name: str = "") -> list[torch.device]:
    """The accelerators and the CPU, or the one named. Raises `RunError` for an unknown one."""
    found = torch.accelerator.current_accelerator(check_available=True)
    here = [torch.device(found.type, index) for index in range(torch.accelerator.device_count())] if found else []
    here.append(torch.device("cpu"))
    named = [device for device in here if name in ("", str(device), device.type)]
    if not named:
        raise RunError(f"--device {name}: not available; available are {', '.join(map(str, here))}")
    return named


def run_checks(
    places: Sequence[torch.device], network: Callable[[int], nn.Module] | None = None, config: Config | None = None
) -> Iterator[CheckResult]:
    """Check the installation and some devices, one thing after the other."""
    network, config = network or Small, config or short_run()
    yield from installation_checks()
    for kind in dict.fromkeys(place.type for place in places):
        count = sum(place.type == kind for place in places)
        for world in sorted({1, count}) if kind != "cpu" else (2,):
            yield run_check("collectives", kind, partial(_check_collectives, kind, world))
    for place in places:
        yield from training_checks(place, network, config)


def training_checks(place: torch.device, network: Callable[[int], nn.Module], config: Config) -> Iterator[CheckResult]:
    """Short runs on a device: the loss falls, a resumed run is identical, bf16 agrees with fp32; and its speeds."""
    device = str(place)
    half = replace(config, run=replace(config.run, precision="bf16"))
    reader = replace(config, data=replace(config.data, workers=1))
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        uninterrupted = run_check(
            "training", device, lambda: _check_loss_falls(_run(place, network, config, at / "uninterrupted", STEPS))
        )
        yield uninterrupted
        if uninterrupted.result == FAILED:
            for name in ("resume", "bf16", "speed"):
                yield CheckResult(name, ABSENT, "needs training", device=device)
            return

        def resumed() -> str:
            _run(place, network, config, at / "resumed", STEPS // 2)
            _run(place, network, reader, at / "resumed", STEPS)
            last = Path("checkpoints", f"step_{STEPS:08d}.pt")
            expected, actual = (state_sha256(at / run / last) for run in ("uninterrupted", "resumed"))
            assert actual == expected, f"{STEPS // 2} + {STEPS // 2} steps give {actual}, {STEPS} give {expected}"
            return f"{STEPS // 2} + {STEPS // 2} steps give the bits of {STEPS}: {expected}"

        def halved() -> str:
            fp32 = statistics.fmean(_logged(at / "uninterrupted", "loss"))
            bf16 = statistics.fmean(_run(place, network, half, at / "half", STEPS))
            assert abs(bf16 / fp32 - 1) <= 0.02, f"the mean loss is {bf16:.4f}, in fp32 {fp32:.4f}: more than 2% away"
            return f"the mean loss is {bf16:.4f}, in fp32 {fp32:.4f}; {supports_bf16(place)[1]}"

        yield run_check("resume", device, resumed)
        able, why = supports_bf16(place)
        yield (
            run_check("bf16", device, halved)
            if able
            else CheckResult("bf16", ABSENT, f"{why}: fp32 is faster", device=device)
        )
        yield speed_check(place)


def speed_check(place: torch.device) -> CheckResult:
    """Measure the speed of every precision on a device."""
    speeds, chosen = dict[str, float](), auto_precision(place)

    def measured() -> str:
        speeds.update(measure_speeds(place))
        return describe_speeds(speeds, chosen)

    found = run_check("speed", str(place), measured)
    return replace(found, images_per_second=speeds, auto=chosen) if speeds else found


def _run(
    place: torch.device, network: Callable[[int], nn.Module], config: Config, out: Path, steps: int
) -> list[float]:
    """Train silently to a step, resuming from `out`; returns the losses of all steps so far."""
    about = NetworkInfo("doctor", "the doctor's network", "0" * 64)
    flags = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for each other are slow on a busy machine
    quiet = io.StringIO()
    try:
        with warnings.catch_warnings(), redirect_stdout(quiet), redirect_stderr(quiet):
            warnings.simplefilter("ignore")
            train(network, config, about, RankContext(place), out, steps=steps)
    finally:
        set_deterministic(flags[0])
        torch.backends.cudnn.benchmark = flags[1]
        torch.set_num_threads(threads)
    return _logged(out, "loss")


def _check_loss_falls(losses: list[float]) -> str:
    first, last = statistics.fmean(losses[:4]), statistics.fmean(losses[-4:])
    fell = math.isfinite(last) and last < 0.9 * first
    assert fell, f"the loss went from {first:.3f} to {last:.3f} in {STEPS} steps"
    return f"the loss fell from {first:.3f} to {last:.3f} in {STEPS} steps"


def _logged(out: Path, name: str) -> list[float]:
    """A column of a run's log."""
    rows = map(json.loads, (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [row[name] if name in row else row["clock"][name] for row in rows if "loss" in row]


def state_sha256(checkpoint: Path) -> str:
    """The shortened sha256 of the network, the average and the optimiser in a checkpoint."""
    state = load_checkpoint(checkpoint)
    found = hashlib.sha256()

    def add(part: Any) -> None:
        if isinstance(part, dict):
            for key, value in sorted(part.items(), key=lambda pair: str(pair[0])):
                found.update(str(key).encode())
                add(value)
        elif isinstance(part, list | tuple):
            for value in part:
                add(value)
        elif isinstance(part, Tensor):
            found.update(part.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        else:
            found.update(repr(part).encode())

    add({name: value for name, value in state.items() if name != "identity"})
    return found.hexdigest()[:16]


def _check_collectives(kind: str, world: int) -> str:
    """Run an all-reduce over processes with the device's default backend."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        started = start_processes(  # type: ignore[no-untyped-call]
            _collective_process, (world, kind, str(Path(folder, "meeting"))), world, join=False, start_method="spawn"
        )
        while not started.join(1):
            if time.monotonic() - begun > RENDEZVOUS_TIMEOUT:
                for process in started.processes:
                    process.kill()
                raise TimeoutError(f"{world} processes did not find each other within {RENDEZVOUS_TIMEOUT:.0f} s")
    backend = distributed.get_default_backend_for_device(kind)
    return f"{backend}: {world} {'process adds' if world == 1 else 'processes add'} up"


def _collective_process(rank: int, world: int, kind: str, meeting: str) -> None:
    """One of the processes of the all-reduce."""
    device = torch.device(kind, rank) if kind != "cpu" else torch.device(kind)
    backend = distributed.get_default_backend_for_device(device)
    distributed.init_process_group(backend, init_method=f"file://{meeting}", rank=rank, world_size=world)
    numbers = torch.full((1000,), rank + 1.0, device=device)
    distributed.all_reduce(numbers)
    expected = world * (world + 1) / 2
    assert bool((numbers == expected).all()), f"the sum is {numbers[0].item()}, not {expected}"
    distributed.destroy_process_group()
