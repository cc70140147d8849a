"""Checkpoints: files of tensors, numbers and strings, written atomically and checked by their sha256."""

from __future__ import annotations

import fcntl
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch

from inception_dsl.runner.base.files import atomic_write, file_sha256, write_text
from inception_dsl.runner.base.settings import RunError


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state and its sha256. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob("*.tmp"):
        stale.unlink()
    with atomic_write(path) as file:
        torch.save(state, file)
        file.flush()
        # The checksum comes first, so that no checkpoint is ever without one.
        write_text(checksum_path(path), f"{file_sha256(Path(file.name))}  {path.name}\n")


def save_checkpoint(folder: Path, step: int, state: Mapping[str, Any], keep: int) -> Path:
    """Write `step_00001000.pt` and its sha256, then remove all but the last `keep`. Raises `OSError`."""
    path = folder / f"step_{step:08d}.pt"
    write_checkpoint(path, state)
    # Later files were found broken when the run resumed from an earlier one: they must not push this one out.
    for old in [found for found in sorted(folder.glob("step_*.pt")) if found <= path][: -max(keep, 1)]:
        old.unlink()
        checksum_path(old).unlink(missing_ok=True)
    return path


def checksum_path(path: Path) -> Path:
    """The file of a checkpoint's sha256, in the format of `sha256sum --check`."""
    return path.with_name(path.name + ".sha256")


def latest_checkpoint(folder: Path) -> Path | None:
    """The last intact checkpoint; warns about each broken one. Raises `RunError` if all are broken."""
    paths = sorted(folder.glob("step_*.pt"), reverse=True)
    for path in paths:
        if checksum_path(path).exists() and checksum_path(path).read_bytes().startswith(file_sha256(path).encode()):
            return path
        sys.stderr.write(f"warning: {path}: broken (its sha256 does not match); falling back to the one before it\n")
    if paths:
        raise RunError(f"{folder}: every checkpoint is broken; move the folder away to start from scratch")
    return None


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load a checkpoint to the CPU. Raises `RunError` for any other file."""
    if not path.is_file():  # reading a pipe might never end
        problem = "not a file" if path.exists() else "no such file"
        raise RunError(f"{path}: {problem}; give one of a run's checkpoints/step_*.pt")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types
        cause = (str(error) or repr(error)).splitlines()[0]
        if isinstance(error, pickle.UnpicklingError):  # torch's message says how to load it anyway
            cause = "it holds other objects than tensors, numbers and strings"
        raise RunError(f"{path}: cannot be read as a checkpoint: {cause}") from error
    if not isinstance(state, dict) or not {"step", "identity", "network", "optimiser"} <= state.keys():
        raise RunError(f"{path}: not a checkpoint of a run; give one of its checkpoints/step_*.pt")
    return state


def check_identity(stored: Mapping[str, str], own: Mapping[str, str], force: bool) -> None:
    """Raise `RunError` if a checkpoint belongs to another network, data set or recipe; the message names what differs.

    A checkpoint need not list every setting: older runs listed only those that their recipe used.
    """
    names = [name for name in stored if stored[name] != own.get(name)]
    differ = "; ".join(f"{name} was {stored[name]}, is {own.get(name)}" for name in names)
    if names and not force:
        raise RunError(
            f"the checkpoint belongs to another run: {differ}; choose a new --out, or force it with --force of train"
        )
    if names:
        sys.stderr.write(f"warning: resuming from a checkpoint of another run: {differ}\n")


class FolderLock:
    """Lock a folder for one run until the process ends, however it ends. Raises `RunError` if another run holds it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = (folder / ".lock").open("a")
        try:
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock, not inherited by forked workers
        except (BlockingIOError, PermissionError) as error:
            self.file.close()
            raise RunError(f"{folder}: another run writes here; wait until it ends, or choose a new --out") from error
        except OSError as error:  # some network disks do not support locks
            sys.stderr.write(f"warning: {folder}: cannot be locked ({error}); check that no other run writes there\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()


def write_status(folder: Path, word: str) -> None:
    """Write the status of the run: "running", "preempted" (start it again), "done" or "failed"."""
    write_text(folder / "STATUS", word + "\n")
