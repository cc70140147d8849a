"""torchrun for processes that report their own errors: it adds a line if one is killed, and no traceback."""

from __future__ import annotations

import logging
import signal
import sys


def main() -> int:
    """Run torchrun's command line; gives the exit code, 1 if a process failed."""
    try:
        from torch.distributed import run
        from torch.distributed.elastic.agent.server import api as agent
        from torch.distributed.elastic.multiprocessing import api, errors
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    for logger in (agent.logger, api.logger):
        logger.addFilter(_is_told)
    try:
        run.main()
    except api.SignalException as error:
        return 128 + error.sigval
    except errors.ChildFailedError:
        return 1
    return 0


def _is_told(record: logging.LogRecord) -> bool:
    """Whether torchrun should log this: no news of signals and exit codes. A process that was killed is reported."""
    if str(record.msg).startswith("failed (exitcode") and isinstance(record.args, tuple):
        code, rank, pid, *_ = record.args
        if isinstance(code, int) and code < 0:
            sys.stderr.write(f"process {rank} (pid {pid}) was ended by {signal.Signals(-code).name}\n")
        return False
    return record.levelno >= logging.ERROR


if __name__ == "__main__":
    sys.exit(main())
