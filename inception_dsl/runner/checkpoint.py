"""Checkpoints: tensors, numbers and words, in files that are whole or not there."""

from __future__ import annotations

import fcntl
import os
import pickle
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any, Self

import torch

from inception_dsl.runner.settings import RunError


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes its place when all of it is on the disk. Raises `OSError`, as for a full one."""
    part = path.with_name(path.name + ".tmp")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)  # its new name too
        os.close(folder)
    except (OSError, RuntimeError) as error:  # torch says RuntimeError of a file that it cannot write
        part.unlink(missing_ok=True)
        if isinstance(error, torch.AcceleratorError):  # it is not the disk that failed
            raise
        why = error if isinstance(error, OSError) else error.__context__ or error
        raise OSError(f"{path}: cannot be written: {why}") from error


def write_text(path: Path, text: str) -> None:
    """Writes a text file that is whole or as it was."""
    with atomic_write(path) as file:
        file.write(encode_text(text))


def encode_text(text: str) -> bytes:
    """UTF-8, but for what a file's name had in another encoding."""
    return text.encode(errors="backslashreplace")


def save_checkpoint(folder: Path, step: int, state: Mapping[str, Any], keep: int) -> Path:
    """Writes `step_00001000.pt` and its sha256, then removes all but `keep`. Raises `OSError`, as for a full disk."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step_{step:08d}.pt"
    for stale in folder.glob("*.tmp"):
        stale.unlink()
    with atomic_write(path) as file:
        torch.save(state, file)
        file.flush()
        write_text(
            checksum_path(path), f"{file_sha256(Path(file.name))}  {path.name}\n"
        )  # before the file: none is ever without
    # A later file is of a future that was given up, because it was broken: it must not push out this one.
    for old in [each for each in sorted(folder.glob("step_*.pt")) if each <= path][: -max(keep, 1)]:
        old.unlink()
        checksum_path(old).unlink(missing_ok=True)
    return path


def checksum_path(path: Path) -> Path:
    """Where a checkpoint's sha256 stands, as `sha256sum --check` reads it."""
    return path.with_name(path.name + ".sha256")


def file_sha256(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def latest_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that is whole; warns of each that is not. Raises `RunError` where there are only such."""
    paths = sorted(folder.glob("step_*.pt"), reverse=True)
    for path in paths:
        if checksum_path(path).exists() and checksum_path(path).read_bytes().startswith(file_sha256(path).encode()):
            return path
        sys.stderr.write(f"warning: {path}: broken (its sha256 is another); the one before it is taken\n")
    if paths:
        raise RunError(f"{folder}: every checkpoint is broken; move the folder away to start from nothing")
    return None


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What `save` wrote, on the CPU. Raises `RunError` for any other file."""
    if path.exists() and not path.is_file():
        raise RunError(f"{path}: not a file; give one of a run's checkpoints/step_*.pt")  # a pipe might never end
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what its parts raise
        unsafe = isinstance(error, pickle.UnpicklingError)  # torch's words are how to load it all the same
        said = "holds other than tensors, numbers and words" if unsafe else (str(error) or repr(error)).splitlines()[0]
        raise RunError(f"{path}: cannot be read as a checkpoint: {said}") from error
    if not isinstance(state, dict) or not {"step", "identity", "network", "optimiser"} <= state.keys():
        raise RunError(f"{path}: not a checkpoint of a run; give one of its checkpoints/step_*.pt")
    return state


def check_identity(stored: Mapping[str, str], own: Mapping[str, str], force: bool) -> None:
    """Raises `RunError` where a checkpoint is of another network, data set or recipe, and names what differs.

    It need not list every setting: once it had only those that its recipe used.
    """
    names = [name for name in stored if stored[name] != own.get(name)]
    differ = "; ".join(f"{name} was {stored[name]}, is {own.get(name)}" for name in names)
    if names and not force:
        raise RunError(f"the checkpoint is of another run: {differ}; give a new --out, or --force to go on with it")
    if names:
        sys.stderr.write(f"warning: goes on from a checkpoint of another run: {differ}\n")


class FolderLock:
    """Holds a folder for one run until the process ends, however it does. Raises `RunError` where another holds it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = (folder / ".lock").open("a")
        try:
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock's, not held on by forked workers
        except (BlockingIOError, PermissionError) as error:
            self.file.close()
            raise RunError(f"{folder}: another run writes here; wait for its end, or give a new --out") from error
        except OSError as error:  # some network disks have no locks
            sys.stderr.write(f"warning: {folder}: cannot be locked ({error}); see that no other run writes there\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()


def write_status(folder: Path, word: str) -> None:
    """Says what the run is: "running", "preempted" (start it again), "done" or "failed"."""
    write_text(folder / "STATUS", word + "\n")
