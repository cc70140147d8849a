"""A command as a process of its own: `inception-dsl`, or `python -m inception_dsl`."""

import gc

gc.disable()  # a short process that imports much: the collector would find nothing and look often

import os  # noqa: E402
import sys  # noqa: E402
from contextlib import suppress  # noqa: E402


def run() -> None:
    """Run a command; the process then ends without taking its modules apart one by one."""
    from inception_dsl.cli import main

    try:
        main(prog_name="inception-dsl")
    except SystemExit as end:
        with suppress(BrokenPipeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1 if end.code else 0)


if __name__ == "__main__":
    run()
