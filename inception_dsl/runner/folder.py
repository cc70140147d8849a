"""A run's folder: what is said there of the run, and what the run goes on from."""

from __future__ import annotations

import dataclasses
import json
import platform
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn

from inception_dsl.runner.checkpoint import (
    check_identity,
    encode_text,
    latest_checkpoint,
    load_checkpoint,
    write_status,
    write_text,
)
from inception_dsl.runner.config import Config, NetworkInfo
from inception_dsl.runner.devices import RankContext, broadcast_object
from inception_dsl.runner.randomness import permutation
from inception_dsl.runner.reader import Reader
from inception_dsl.runner.settings import RunError


class RunFailed(RunError):
    """What ends a run that had started."""


def run_identity(config: Config, info: NetworkInfo, reader: Reader) -> dict[str, str]:
    """What must stay the same for a run to go on: the network, the data and the recipe, but not the machine's side.

    Of that side, the seed and the precision: they change the numbers.
    """
    free = {"data.source", "data.workers", "data.unreadable", *(f"run.{name}" for name in vars(config.run))}
    groups = dataclasses.asdict(config).items()
    recipe = {f"{group}.{name}": repr(each) for group, names in groups for name, each in names.items()}
    kept = {key: each for key, each in recipe.items() if key not in free or key == "run.seed"}
    return {"spec": info.spec, "images": reader.fingerprint, **kept, "run.precision": config.run.precision}


def resume_state(folder: Path, resume: str, context: RankContext) -> dict[str, Any] | None:
    """The checkpoint to go on from: the folder's own newest, else the one that is named. Raises `RunError`."""
    return broadcast_object(context, _load_resume_state(folder, resume) if context.rank == 0 else None)


def check_resumable(state: dict[str, Any], own: dict[str, str], force: bool, context: RankContext) -> None:
    """Raises `RunError` where a checkpoint is of another run; tells where only the number of processes is another."""
    check_identity(state["identity"], own, force)
    if context.rank == 0 and (world_size := state.get("world", context.world_size)) != context.world_size:
        sys.stderr.write(
            f"note: {world_size} processes wrote the checkpoint and this run has {context.world_size}: each step takes "
            "the same images, but sums and dropout differ in their bits\n"
        )


def _load_resume_state(folder: Path, resume: str) -> dict[str, Any] | None:
    own = latest_checkpoint(folder / "checkpoints")
    if own and resume == "never":
        raise RunError(f"{folder}: has checkpoints; give a new --out, or --resume auto to go on from {own.name}")
    named = Path(resume) if resume not in {"auto", "never"} else None
    if own and named:
        sys.stderr.write(f"note: goes on from {own}, its own, not from {named}; give a new --out for that\n")
    path = own or named
    return load_checkpoint(path) if path else None


def write_run_info(
    folder: Path, config: Config, info: NetworkInfo, reader: Reader, context: RankContext, precision: str
) -> None:
    """Writes what the run is of, and on what. Raises `RunError` where the folder's `classes.txt` has another order."""
    classes = "".join(f"{each}\n" for each in reader.classes)
    if (listed := folder / "classes.txt").exists() and listed.read_bytes() != encode_text(classes):
        raise RunError(f"{listed}: not the classes of {config.data.source}, or in another order; give a new --out")
    write_text(listed, classes)
    run = {"about": dataclasses.asdict(info), "config": dataclasses.asdict(config)}
    write_text(folder / "config.json", json.dumps(run, indent=2) + "\n")
    versions = {"python": platform.python_version(), "torch": torch.__version__, "machine": platform.platform()}
    env = {
        **versions,
        "device": str(context.device),
        "world": context.world_size,
        "precision": precision,
        "command": sys.argv,
    }
    write_text(folder / "env.json", json.dumps(env, indent=2) + "\n")


def run_summary(network: nn.Module, config: Config, context: RankContext, step: int, last: int) -> str:
    """What a run is going to do, in one line."""
    weights = sum(each.numel() for each in network.parameters())
    numbers = {"processes": context.world_size, "micro-batches": config.run.accumulate}
    shares = " x ".join(f"{number} {name}" for name, number in numbers.items() if number > 1)
    images = f"{config.data.batch} images" + f" ({shares})" * bool(shares)
    return f"{weights:,} parameters on {context.device}; from step {step:,} to {last:,}, of {images} each"


@contextmanager
def track_status(folder: Path, context: RankContext) -> Iterator[None]:
    """Within, STATUS says "running"; where an error ends it, "failed". What users can mend is raised as `Failed`."""
    if context.rank == 0:
        write_status(folder, "running")
    try:
        yield
    except BaseException as error:  # whatever it is, the folder says so
        with suppress(OSError):  # the disk may be full
            write_status(folder, "failed")
        if isinstance(error, OSError):
            raise RunFailed(f"{folder}: {error}; the same command goes on from the last checkpoint") from error
        if isinstance(error, RunError):
            raise RunFailed(str(error)) from error
        raise


@contextmanager
def catch_signals() -> Iterator[Callable[[], bool]]:
    """Within, SIGTERM, SIGUSR1, SIGHUP and Ctrl-C end nothing, but for a second Ctrl-C: this gives whether one came."""
    came: list[int] = []
    numbers = [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as under nohup
        numbers.append(signal.SIGHUP)

    def note(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and number in came:  # who asks twice does not want to wait for a save
            raise KeyboardInterrupt
        came.append(number)

    before = [signal.signal(number, note) for number in numbers]
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def report_unreadable(folder: Path, found: Sequence[str]) -> None:
    """Names images that cannot be read in `unreadable.txt` and on stderr: each once, over restarts too."""
    if not found:
        return
    listed = folder / "unreadable.txt"
    with suppress(OSError):  # the disk may be full, but the run can go on
        known = set(listed.read_text(encoding="utf-8", errors="replace").splitlines()) if listed.exists() else set()
        lines = [" ".join(each.split()).encode(errors="backslashreplace").decode() for each in dict.fromkeys(found)]
        new = [line for line in lines if line not in known]
        with listed.open("a", encoding="utf-8") as file:  # by all processes
            file.write("".join(f"{line}\n" for line in new))
        sys.stderr.write("".join(f"warning: unreadable: {line}\n" for line in new))


def write_step_images(folder: Path, config: Config, images: Reader, step: int, context: RankContext) -> Path:
    """Writes which images a step has to a file, on rank 0; gives its path."""
    epoch, offset = divmod(step, len(images) // config.data.batch)
    order = permutation(config.run.seed, epoch, len(images))[offset * config.data.batch :][: config.data.batch]
    path = folder / f"not_finite_{step:08d}.txt"
    if context.rank == 0:
        write_text(path, "".join(f"{images.name(index)}\n" for index in order.tolist()))
    return path
