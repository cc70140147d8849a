"""What started this process, as its environment says: torchrun, Slurm's `srun` without torchrun, or neither."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping


def by_torchrun() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_alone() -> bool:
    """Whether this process is the only one of its run, and nothing restarts it."""
    return not by_torchrun() and int(os.environ.get("WORLD_SIZE", "1")) <= 1


def torchrun_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """What torchrun would set for this process of a step with several tasks; nothing for any other process."""
    tasks = int(environ.get("SLURM_STEP_NUM_TASKS") or environ.get("SLURM_NTASKS") or "1")
    if "RANK" in environ or "SLURM_STEP_ID" not in environ or tasks <= 1:
        return {}
    node, nodes = environ.get("SLURM_NODEID", "0"), environ.get("SLURM_STEP_NODELIST", "")
    job, step = int(environ.get("SLURM_JOB_ID", "0")), int(environ["SLURM_STEP_ID"])
    local_tasks = tasks_per_node(environ.get("SLURM_STEP_TASKS_PER_NODE") or str(tasks))
    return {
        "RANK": environ["SLURM_PROCID"],
        "WORLD_SIZE": str(tasks),
        "LOCAL_RANK": environ["SLURM_LOCALID"],
        "LOCAL_WORLD_SIZE": str(local_tasks[int(node)]),
        "GROUP_RANK": node,
        "MASTER_ADDR": first_node(nodes) or environ.get("SLURM_LAUNCH_NODE_IPADDR", "localhost"),
        "MASTER_PORT": str(15_000 + (job + 7919 * step) % 15_000),  # below the ports that systems give out themselves
    }


def first_node(nodes: str) -> str:
    """The first of `node[01-04,07]-a,other`: `node01-a`."""
    name, _, rest = re.split(r",(?![^\[]*\])", nodes)[0].partition("[")
    numbers, _, end = rest.partition("]")
    return name + re.split("[-,]", numbers)[0] + end


def tasks_per_node(counts: str) -> list[int]:
    """The tasks of every node: `4(x2),3` means 4, 4 and 3."""
    found: list[int] = []
    for part in counts.split(","):
        count, _, times = part.rstrip(")").partition("(x")
        found += [int(count)] * int(times or 1)
    return found
