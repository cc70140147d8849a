"""A step of Slurm with several tasks is joined as torchrun would join it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.runner.machine.launcher import first_node, tasks_per_node, torchrun_variables

STEP = {
    "SLURM_JOB_ID": "123456",
    "SLURM_STEP_ID": "0",
    "SLURM_NTASKS": "11",
    "SLURM_STEP_NUM_TASKS": "11",
    "SLURM_STEP_TASKS_PER_NODE": "4(x2),3",
    "SLURM_STEP_NODELIST": "gpu[03-04,11]",
    "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.1",
    "SLURM_PROCID": "9",
    "SLURM_NODEID": "2",
    "SLURM_LOCALID": "1",
}


def without(*names: str, **others: str) -> dict[str, str]:
    return {name: text for name, text in STEP.items() if name not in names} | others


def test_a_task_of_a_step_has_torchruns_variables() -> None:
    assert torchrun_variables(STEP) == {
        "RANK": "9",
        "WORLD_SIZE": "11",
        "LOCAL_RANK": "1",
        "LOCAL_WORLD_SIZE": "3",
        "GROUP_RANK": "2",
        "MASTER_ADDR": "gpu03",
        "MASTER_PORT": str(15_000 + 123_456 % 15_000),
    }


@pytest.mark.parametrize(
    "environ",
    [
        {},
        without("SLURM_STEP_ID"),  # the script of sbatch
        without("SLURM_STEP_NUM_TASKS", SLURM_NTASKS="1"),
        without(SLURM_STEP_NUM_TASKS="1"),  # one task of a job that has more
        without(RANK="0"),  # torchrun
    ],
)
def test_other_processes_are_left_alone(environ: dict[str, str]) -> None:
    assert torchrun_variables(environ) == {}


def test_steps_of_a_job_have_their_own_ports() -> None:
    ports = {torchrun_variables(STEP | {"SLURM_STEP_ID": str(step)})["MASTER_PORT"] for step in range(100)}
    assert len(ports) == 100
    assert all(1024 < int(port) < 32_768 for port in ports)


def test_without_a_list_of_nodes_the_launching_one_is_the_address() -> None:
    assert torchrun_variables(without("SLURM_STEP_NODELIST"))["MASTER_ADDR"] == "10.0.0.1"


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("", ""),
        ("alone", "alone"),
        ("one,two", "one"),
        ("n[001-004]", "n001"),
        ("n[7,9-12],m1", "n7"),
        ("rack[1-2]-gpu,rack9-gpu", "rack1-gpu"),
        ("a,b[1-2]", "a"),
    ],
)
def test_the_first_node(nodes: str, first: str) -> None:
    assert first_node(nodes) == first


@given(st.lists(st.tuples(st.integers(1, 16), st.integers(1, 5)), min_size=1, max_size=5))
def test_tasks_per_node(groups: list[tuple[int, int]]) -> None:
    counts = ",".join(f"{count}(x{times})" if times > 1 else str(count) for count, times in groups)
    assert tasks_per_node(counts) == [count for count, times in groups for _ in range(times)]
