"""What `torchrun` does, but that its ranks are forked: `torchrun.py RANKS RESTARTS SCRIPT WORD...`."""

from __future__ import annotations

import os
import runpy
import sys
from uuid import uuid4

from torch.distributed.launcher.api import LaunchConfig, elastic_launch


def rank(*argv: str) -> None:
    """Be the script on one rank."""
    sys.argv = list(argv)
    sys.path[0] = os.path.dirname(argv[0])
    pid, at_once = os.getpid(), os._exit
    # a rank may end itself at once, and the agent waits for the end of this function
    os._exit = lambda status: sys.exit(status) if os.getpid() == pid else at_once(status)
    try:
        runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
    finally:
        os._exit = at_once


if __name__ == "__main__":
    _, ranks, restarts, *argv = sys.argv
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=int(ranks),
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=int(restarts),
        monitor_interval=0.1,
        start_method="fork",
    )
    elastic_launch(config, rank)(*argv)
