"""The entry point of the process: `inception-dsl`, or `python -m inception_dsl`."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # Ctrl-C before `run` prints a traceback: import next to nothing until then
if TYPE_CHECKING:
    from sys import UnraisableHookArgs

WITH_WORKERS = {"multiprocessing", "numpy", "torch"}
"""Libraries that may have threads, processes or files to clean up at exit."""


def run() -> None:
    """Run a command, and end the process with its exit code."""
    sys.unraisablehook = _unraisable
    try:
        code = _code()
    except KeyboardInterrupt:
        code = 130  # `streams.INTERRUPTED`, which may not be loaded yet
    except Exception as error:  # noqa: BLE001 - no command could be loaded: the installation is broken
        if "--traceback" in sys.argv:
            sys.__excepthook__(type(error), error, error.__traceback__)
        sys.stderr.write(f"error[E901]: inception-dsl cannot start: {type(error).__name__}: {error}\n")
        code = 2
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except SystemExit as lost:
            code = int(str(lost.code))
    _end(code)


def _code() -> int:
    import gc

    from inception_dsl.cli import streams

    gc.set_threshold(100_000)  # a network's trees live as long as the command: 1/6 of `check` over 10,000 layers
    try:
        streams.guard()
        from inception_dsl.cli.main import main

        main(prog_name="inception-dsl")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1 if end.code else 0
    return 0


def _end(code: int) -> None:
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the command is over, and nothing is left to clean up
    if not WITH_WORKERS & sys.modules.keys():
        os._exit(code)  # tearing down all modules takes a fifth of the time of `check`
    sys.exit(code)


def _unraisable(what: UnraisableHookArgs) -> None:
    """Exit on Ctrl-C even where Python drops exceptions, as in the callbacks of an import."""
    if what.exc_type is KeyboardInterrupt:
        os._exit(130)
    sys.__unraisablehook__(what)


if __name__ == "__main__":
    run()
