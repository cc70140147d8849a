"""Files that are either complete or unchanged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import IO
from uuid import uuid4

import torch


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces `path` once it is complete and on disk. Raises `OSError` if it cannot."""
    part = path.with_name(f"{path.name}.{uuid4().hex}.tmp")  # other processes may write the same path
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)  # makes the new name durable
        os.close(folder)
    except (OSError, RuntimeError) as error:  # torch raises RuntimeError for a file that it cannot write
        part.unlink(missing_ok=True)
        if isinstance(error, torch.AcceleratorError):  # the device failed, not the disk
            raise
        cause = error if isinstance(error, OSError) else error.__context__ or error
        raise OSError(f"{path}: cannot be written: {cause}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic_write(path) as file:
        file.write(encode_text(text))


def encode_text(text: str) -> bytes:
    """Encode as UTF-8; undecodable bytes of file names are escaped."""
    return text.encode(errors="backslashreplace")


def file_sha256(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
