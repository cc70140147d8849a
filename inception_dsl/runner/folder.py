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

from inception_dsl.runner.checkpoint import encoded, load, newest, put, refuse, write_status
from inception_dsl.runner.config import About, Config
from inception_dsl.runner.devices import Place, shared
from inception_dsl.runner.randomness import permutation
from inception_dsl.runner.reader import Reader
from inception_dsl.runner.settings import RunError


class Failed(RunError):
    """What ends a run that had started."""


def identity(config: Config, about: About, reader: Reader) -> dict[str, str]:
    """What must stay the same for a run to go on: the network, the data and the recipe, but not the machine's side.

    Of that side, the seed and the precision: they change the numbers.
    """
    free = {"data.source", "data.workers", "data.unreadable", *(f"run.{name}" for name in vars(config.run))}
    groups = dataclasses.asdict(config).items()
    recipe = {f"{group}.{name}": repr(each) for group, names in groups for name, each in names.items()}
    kept = {key: each for key, each in recipe.items() if key not in free or key == "run.seed"}
    return {"spec": about.spec, "images": reader.fingerprint, **kept, "run.precision": config.run.precision}


def stored(folder: Path, resume: str, place: Place) -> dict[str, Any] | None:
    """The checkpoint to go on from: the folder's own newest, else the one that is named. Raises `RunError`."""
    return shared(place, _chosen(folder, resume) if place.rank == 0 else None)


def fits(state: dict[str, Any], own: dict[str, str], force: bool, place: Place) -> None:
    """Raises `RunError` where a checkpoint is of another run; tells where only the number of processes is another."""
    refuse(state["identity"], own, force)
    if place.rank == 0 and (world := state.get("world", place.world)) != place.world:
        sys.stderr.write(
            f"note: the checkpoint is of {world} processes, and this run has {place.world}: each step has the same "
            "images, but sums and dropout differ in their bits\n"
        )


def _chosen(folder: Path, resume: str) -> dict[str, Any] | None:
    own = newest(folder / "checkpoints")
    if own and resume == "never":
        raise RunError(f"{folder}: has checkpoints; give a new --out, or --resume auto to go on from {own.name}")
    named = Path(resume) if resume not in {"auto", "never"} else None
    if own and named:
        sys.stderr.write(f"note: goes on from {own}, its own, not from {named}; give a new --out for that\n")
    path = own or named
    return load(path) if path else None


def describe(folder: Path, config: Config, about: About, reader: Reader, place: Place, precision: str) -> None:
    """Writes what the run is of, and on what. Raises `RunError` where the folder's `classes.txt` has another order."""
    classes = "".join(f"{each}\n" for each in reader.classes)
    if (listed := folder / "classes.txt").exists() and listed.read_bytes() != encoded(classes):
        raise RunError(f"{listed}: not the classes of {config.data.source}, or in another order; give a new --out")
    put(listed, classes)
    run = {"about": dataclasses.asdict(about), "config": dataclasses.asdict(config)}
    put(folder / "config.json", json.dumps(run, indent=2) + "\n")
    versions = {"python": platform.python_version(), "torch": torch.__version__, "machine": platform.platform()}
    env = {**versions, "device": str(place.device), "world": place.world, "precision": precision, "command": sys.argv}
    put(folder / "env.json", json.dumps(env, indent=2) + "\n")


def summary(network: nn.Module, config: Config, place: Place, step: int, last: int) -> str:
    """What a run is going to do, in one line."""
    weights = sum(each.numel() for each in network.parameters())
    numbers = {"processes": place.world, "micro-batches": config.run.accumulate}
    shares = " x ".join(f"{number} {name}" for name, number in numbers.items() if number > 1)
    images = f"{config.data.batch} images" + f" ({shares})" * bool(shares)
    return f"{weights:,} parameters on {place.device}; from step {step:,} to {last:,}, of {images} each"


@contextmanager
def running(folder: Path, place: Place) -> Iterator[None]:
    """Within, STATUS says "running"; where an error ends it, "failed". What users can mend is raised as `Failed`."""
    if place.rank == 0:
        write_status(folder, "running")
    try:
        yield
    except BaseException as error:  # whatever it is, the folder says so
        with suppress(OSError):  # the disk may be full
            write_status(folder, "failed")
        if isinstance(error, OSError):
            raise Failed(f"{folder}: {error}; the same command goes on from the last checkpoint") from error
        if isinstance(error, RunError):
            raise Failed(str(error)) from error
        raise


@contextmanager
def signals() -> Iterator[Callable[[], bool]]:
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


def tell_unreadable(folder: Path, found: Sequence[str]) -> None:
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


def list_images(folder: Path, config: Config, images: Reader, step: int, place: Place) -> Path:
    """Writes which images a step has to a file, on rank 0; gives its path."""
    epoch, offset = divmod(step, len(images) // config.data.batch)
    order = permutation(config.run.seed, epoch, len(images))[offset * config.data.batch :][: config.data.batch]
    path = folder / f"not_finite_{step:08d}.txt"
    if place.rank == 0:
        put(path, "".join(f"{images.name(index)}\n" for index in order.tolist()))
    return path
