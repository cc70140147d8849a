"""A run's folder: the record of the run, and what it resumes from."""

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

from inception_dsl.runner.base.config import Config, NetworkInfo
from inception_dsl.runner.base.files import encode_text, write_text
from inception_dsl.runner.base.settings import RunError, flat_settings
from inception_dsl.runner.machine.devices import RankContext, broadcast_state
from inception_dsl.runner.machine.failures import forget_failure
from inception_dsl.runner.readers.decode import decoder_versions
from inception_dsl.runner.readers.reader import Reader, epoch_order
from inception_dsl.runner.record.checkpoint import check_identity, latest_checkpoint, load_checkpoint, write_status


class RunFailed(RunError):
    """A run that had started cannot go on."""


def run_identity(config: Config, info: NetworkInfo, reader: Reader) -> dict[str, str]:
    """What must not change when a run resumes: the network, the data, the recipe, the seed and the precision."""
    free = {"data.source", "data.workers", "data.prefetch", "data.timeout", "data.unreadable", "transfer.weights"}
    free |= {f"run.{name}" for name in vars(config.run)}
    settings = flat_settings(config).items()
    kept = {key: repr(value) for key, value in settings if key not in free or key == "run.seed"}
    return {"spec": info.spec, "images": reader.fingerprint, **kept, "run.precision": config.run.precision}


def resume_state(folder: Path, resume: str, context: RankContext) -> dict[str, Any] | None:
    """The checkpoint to resume from: the folder's latest, else the file named by `--resume`. Raises `RunError`."""
    return broadcast_state(context, _load_resume_state(folder, resume) if context.rank == 0 else None)


def check_resumable(state: dict[str, Any], own: dict[str, str], force: bool, context: RankContext) -> None:
    """Raise `RunError` if a checkpoint belongs to another run; note if only the number of processes differs."""
    check_identity({"transfer.sha256": repr(""), **state["identity"]}, own, force)  # older runs started from scratch
    if context.rank == 0 and (world_size := state.get("world", context.world_size)) != context.world_size:
        sys.stderr.write(
            f"note: {world_size} processes wrote the checkpoint and this run has {context.world_size}: each step takes "
            "the same images, but sums and dropout differ in their bits\n"
        )


def _load_resume_state(folder: Path, resume: str) -> dict[str, Any] | None:
    own = latest_checkpoint(folder / "checkpoints")
    if own and resume == "never":
        raise RunError(f"{folder}: holds checkpoints; choose a new --out, or resume from {own.name} with --resume auto")
    named = Path(resume) if resume not in {"auto", "never"} else None
    if own and named:
        sys.stderr.write(f"note: resuming from {own} in --out, not from {named}; choose a new --out for that\n")
    path = own or named
    return load_checkpoint(path) if path else None


def write_run_info(
    folder: Path, config: Config, info: NetworkInfo, reader: Reader, context: RankContext, precision: str
) -> None:
    """Write the run's settings and environment. Raises `RunError` if the folder's `classes.txt` differs."""
    classes = "".join(f"{name}\n" for name in reader.classes)
    if (listed := folder / "classes.txt").exists() and listed.read_bytes() != encode_text(classes):
        raise RunError(f"{listed}: differs from the classes of {config.data.source} or their order; choose a new --out")
    write_text(listed, classes)
    run = {"about": dataclasses.asdict(info), "config": dataclasses.asdict(config)}
    write_text(folder / "config.json", json.dumps(run, indent=2) + "\n")
    versions = {"python": platform.python_version(), "torch": torch.__version__, "machine": platform.platform()}
    env = {
        **versions,
        "decoders": decoder_versions(),
        "device": str(context.device),
        "world": context.world_size,
        "precision": precision,
        "command": sys.argv,
    }
    write_text(folder / "env.json", json.dumps(env, indent=2) + "\n")


def run_summary(network: nn.Module, config: Config, context: RankContext, step: int, last: int) -> str:
    """What a run is about to do, in one line."""
    weights = sum(weight.numel() for weight in network.parameters())
    frozen = sum(weight.numel() for weight in network.parameters() if not weight.requires_grad)
    learn = f" ({frozen:,} of them frozen)" * bool(frozen)
    numbers = {"processes": context.world_size, "micro-batches": config.run.accumulate}
    shares = " x ".join(f"{number} {name}" for name, number in numbers.items() if number > 1)
    batch = "1 image" if config.data.batch == 1 else f"{config.data.batch:,} images"
    images = batch + f" ({shares})" * bool(shares)
    return f"{weights:,} parameters{learn} on {context.device}; from step {step:,} to {last:,}, of {images} each"


@contextmanager
def track_status(folder: Path, context: RankContext, step: Callable[[], int]) -> Iterator[None]:
    """Keep STATUS at "running", and set it to "failed" on an error. Errors that users can fix become `RunFailed`.

    `step` gives the number of steps done, which an error then has as its attribute `step`.
    """
    if context.rank == 0:
        write_status(folder, "running")
        forget_failure(folder, done=False)
    try:
        yield
    except BaseException as error:  # including KeyboardInterrupt
        with suppress(OSError):  # the disk may be full
            write_status(folder, "failed")
        failed: BaseException = error
        if isinstance(error, OSError):
            place = "" if str(folder) in str(error) else f"{folder}: "
            failed = RunFailed(f"{place}{error}; the same command resumes from the last checkpoint, if there is one")
        elif isinstance(error, RunError):
            failed = RunFailed(str(error))
        vars(failed)["step"] = step()
        if failed is error:
            raise
        raise failed from error
    if context.rank == 0:
        forget_failure(folder, done=True)


@contextmanager
def catch_signals() -> Iterator[Callable[[], bool]]:
    """Catch SIGTERM, SIGUSR1, SIGHUP and Ctrl-C (a second Ctrl-C interrupts); yields whether one has arrived."""
    arrived: list[int] = []
    numbers = [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup ignores it
        numbers.append(signal.SIGHUP)

    def note(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and number in arrived:  # the second time, do not wait for a checkpoint
            raise KeyboardInterrupt
        arrived.append(number)

    before = [signal.signal(number, note) for number in numbers]
    try:
        yield lambda: bool(arrived)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def report_unreadable(folder: Path, found: Sequence[str]) -> None:
    """Report unreadable images in `unreadable.txt` and on stderr, once per image, across restarts."""
    if not found:
        return
    listed = folder / "unreadable.txt"
    with suppress(OSError):  # on a full disk the run can still go on
        known = set(listed.read_text(encoding="utf-8", errors="replace").splitlines()) if listed.exists() else set()
        lines = [" ".join(name.split()).encode(errors="backslashreplace").decode() for name in dict.fromkeys(found)]
        new = [line for line in lines if line not in known]
        with listed.open("a", encoding="utf-8") as file:  # other ranks append to it too
            file.write("".join(f"{line}\n" for line in new))
        sys.stderr.write("".join(f"warning: unreadable: {line}\n" for line in new))


def write_step_images(folder: Path, config: Config, images: Reader, step: int, context: RankContext) -> Path:
    """Write the names of a step's images to a file, on rank 0; returns its path."""
    epoch, offset = divmod(step, len(images) // config.data.batch)
    order = epoch_order(images, config.run.seed, epoch, config.augment.repeats)
    order = order[offset * config.data.batch :][: config.data.batch]
    path = folder / f"not_finite_{step + 1:08d}.txt"  # as the log counts
    if context.rank == 0:
        write_text(path, "".join(f"{images.name(index)}\n" for index in dict.fromkeys(order.tolist())))
    return path
