"""A progress line on the terminal: it appears after two seconds without output, and disappears when the step ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Final

from inception_dsl.text.terminal import columns, shortened, visible, width

DELAY: Final = 2.0
PERIOD: Final = 0.25
"""Seconds without output before the line appears, and between two checks."""


class Waiting:
    """The progress line of a run, on stderr if that is a terminal that can erase a line and not a CI log."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._enabled = _enabled()
        self._lock = Lock()
        self._at = ""
        self._drawn = ""
        self._since = time.monotonic()
        self._thread: Thread | None = None

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Show this name while the block runs; "" keeps the one before."""
        before, self._at = self._at, what or self._at
        if self._enabled and self._at and self._thread is None:
            self._thread = Thread(target=self._draw, daemon=True)
            self._thread.start()
        try:
            yield
        finally:
            self._at = before
            self._erase()

    def note(self, what: str) -> None:
        """Show this name from now on, until the block of `on` ends."""
        self._at = what

    def restart(self) -> None:
        """Erase the line before other output, and count the seconds from now."""
        self._since = time.monotonic()
        self._erase()

    def _draw(self) -> None:
        while True:
            time.sleep(PERIOD)
            with self._lock:
                silent = time.monotonic() - self._since
                if (at := self._at) and silent >= DELAY:
                    room = (columns(self._stream) or 80) - 1
                    line = shortened(f"{visible(at)} ... {silent:.0f} s", room)
                    if line != self._drawn:  # the cursor stays at the start, where other output begins
                        self._write(f"\r{line}{' ' * (width(self._drawn) - width(line))}\r")
                        self._drawn = line

    def _erase(self) -> None:
        with self._lock:  # the thread may be drawing just now
            if self._drawn:
                self._write(f"\r{' ' * width(self._drawn)}\r")
                self._drawn = ""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _enabled() -> bool:
    quiet = os.environ.get("TERM") == "dumb" or os.environ.get("CI")
    return sys.stderr is not None and sys.stderr.isatty() and not quiet
