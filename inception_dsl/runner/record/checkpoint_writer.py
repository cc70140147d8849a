"""Checkpoints that are written while training goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

import torch

from inception_dsl.runner.machine.host_copy import copy_to_host
from inception_dsl.runner.record.checkpoint import save_checkpoint, write_checkpoint

BEST = "best.pt"


class CheckpointWriter:
    """Writes checkpoints to a folder in a thread, one after the other, from copies of the state.

    A checkpoint that cannot be written is a warning, unless the caller waits for it.
    """

    def __init__(self, folder: Path, keep: int, device: torch.device, warn: Callable[[str], None]) -> None:
        self.folder, self.keep, self.device, self.warn = folder, keep, device, warn
        self.thread: Thread | None = None
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not KeyboardInterrupt:  # the second Ctrl-C, which does not wait
            self.poll(wait=True)

    def save(self, state: Mapping[str, Any], step: int, regular: bool, best: bool, wait: bool) -> None:
        """Start to write a state, as one of the last checkpoints, as the best one, or both.

        Waits for the one before, and, with `wait`, for this one. Raises `OSError` if this one cannot be written then.
        """
        self.poll(wait=True)
        copied, complete = copy_to_host(state, self.device)
        self.thread = Thread(target=self._write, args=(copied, complete, step, regular, best), daemon=True)
        self.thread.start()
        if wait and (error := self._join()):
            raise error

    def poll(self, wait: bool = False) -> None:
        """Warn if the last checkpoint could not be written, if that is known by now; with `wait`, it is."""
        if self.thread and (wait or not self.thread.is_alive()) and (error := self._join()):
            self.warn(f"warning: {error}; the previous checkpoint stays, and training goes on")

    def _join(self) -> OSError | None:
        """Wait for the thread; returns the error of a disk. Raises any other."""
        assert self.thread
        self.thread.join()
        error, self.thread, self.error = self.error, None, None
        if error is None or isinstance(error, OSError):
            return error
        raise error

    def _write(
        self, state: Mapping[str, Any], complete: Callable[[], None], step: int, regular: bool, best: bool
    ) -> None:
        try:
            complete()
            if best:  # first: the other one says which step is the best
                write_checkpoint(self.folder / BEST, state)
            if regular:
                save_checkpoint(self.folder, step, state, self.keep)
        except BaseException as error:  # noqa: BLE001 - for the main thread
            self.error = error
