"""A line on the terminal about what takes long: it comes after two seconds of silence, and goes when that is done."""

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
"""Seconds of silence before the line comes, and between two looks at whether it should."""


class Waiting:
    """What a run is at, on stderr where that is a terminal that can take a line back, and no log of a CI service."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._shows = _shows()
        self._lock = Lock()
        self._at = ""
        self._drawn = ""
        self._since = time.monotonic()
        self._thread: Thread | None = None

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Be at something: a file's name, or nothing that is worth a line."""
        before, self._at = self._at, what or self._at
        if self._shows and self._at and self._thread is None:
            self._thread = Thread(target=self._draw, daemon=True)
            self._thread.start()
        try:
            yield
        finally:
            self._at = before
            self._erase()

    def spoken(self) -> None:
        """Make room for other output; silence begins anew."""
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
                    if line != self._drawn:  # other output, if there is any, begins where the line does
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


def _shows() -> bool:
    quiet = os.environ.get("TERM") == "dumb" or os.environ.get("CI")
    return sys.stderr is not None and sys.stderr.isatty() and not quiet
