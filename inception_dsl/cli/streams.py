"""The standard streams: one that is closed, full or cut short ends a command with an exit code, never a traceback."""

from __future__ import annotations

import io
import os
import sys
from typing import IO, Any, Final

INTERRUPTED: Final = 130
CUT: Final = 141
"""Exit codes after Ctrl-C and after a write to a pipe without a reader: 128 plus the number of the signal."""


def guard() -> None:
    """Replace the standard streams of this process by streams that never raise an `OSError`.

    A closed stream (`>&-`) becomes the null device, so that no file opened later gets its descriptor. A failed write
    raises `SystemExit`: 141 if the other end of a pipe is closed, as in `| head -1`; 2 with a diagnostic if stdout
    cannot be written, as on a full disk. Output that stderr cannot take is lost.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream: Any = getattr(sys, name)
        if stream is None:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free descriptor: the closed one
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open as long as the process
        elif mode == "w" and os.name == "posix":
            # names of files that are not UTF-8 hold surrogates, which no encoding has
            text = io.TextIOWrapper(
                io.BufferedWriter(_Stream(stream.fileno(), "w", closefd=False)),
                encoding=stream.encoding,
                errors="backslashreplace",
                line_buffering=stream.line_buffering or stream.write_through,
            )
            setattr(sys, name, text)


def coloured(stream: IO[str]) -> bool:
    """Decide whether a stream gets colour: NO_COLOR, FORCE_COLOR and TERM, else whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if forced := os.environ.get("FORCE_COLOR"):
        return forced != "0"
    return os.environ.get("TERM") != "dumb" and stream.isatty()


class _Stream(io.FileIO):
    """The file behind stdout or stderr."""

    lost = False

    def write(self, data: Any, /) -> int:
        """Write some of the data; after a failure, drop the rest."""
        if self.lost:
            return memoryview(data).nbytes
        try:
            while (written := super().write(data)) is None:  # a pipe that does not block, and is full for now
                import select

                select.select([], [self], [])
        except OSError as error:
            self.lost = True
            if isinstance(error, BrokenPipeError):
                raise SystemExit(CUT) from None
            if self.fileno() == 1:
                from inception_dsl.diagnostics.codes.tool import CANNOT_WRITE_FILE

                reason = (error.strerror or str(error)).lower()
                sys.stderr.write(f"error[{CANNOT_WRITE_FILE}]: cannot write to stdout: {reason}\n")
                raise SystemExit(2) from None
            return memoryview(data).nbytes
        return written
