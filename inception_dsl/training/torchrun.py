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
        logger.addHandler(Reporter())
        logger.propagate = False  # to torch's own handlers
    try:
        run.main()
    except api.SignalException as error:
        return 128 + error.sigval
    except errors.ChildFailedError:
        return 1
    return 0


class Reporter(logging.Handler):
    """Prints torchrun's errors, a line for a process that was killed, and no news of other exit codes and signals."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, if it is one of those."""
        if str(record.msg).startswith("failed (exitcode") and isinstance(record.args, tuple):
            code, rank, pid, *_ = record.args
            if isinstance(code, int) and code < 0:  # else it has reported its error itself
                sys.stderr.write(f"process {rank} (pid {pid}) was ended by {signal.Signals(-code).name}\n")
        elif record.levelno >= logging.ERROR:
            sys.stderr.write(f"{self.format(record)}\n")


if __name__ == "__main__":
    sys.exit(main())
