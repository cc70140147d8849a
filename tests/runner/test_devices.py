"""One process and its device; what several do together is in test_resume.py."""

from __future__ import annotations

import pytest
import torch

from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.machine.devices import (
    RankContext,
    all_reduce_numbers,
    any_rank,
    broadcast_object,
    broadcast_tensors,
    destroy_distributed,
    pick_device,
    rank_context,
    set_deterministic,
)
from inception_dsl.runner.machine.precision import autocast

HERE = RankContext(torch.device("cpu"))


def test_alone_there_is_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert rank_context() == RankContext(pick_device(0))
    tensor = torch.ones(2)
    broadcast_tensors(HERE, [tensor])
    assert tensor.tolist() == [1, 1]
    assert all_reduce_numbers(HERE, 2.0**53 - 1, True) == [2.0**53 - 1, 1.0]
    assert any_rank(HERE, True) and not any_rank(HERE, False)
    assert broadcast_object(HERE, "here") == "here"
    destroy_distributed()


def test_each_process_has_its_own_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    assert pick_device(1) == torch.device("cuda:1")
    with pytest.raises(RunError, match="local rank 2 has no device: this machine has 2; use --nproc-per-node=2"):
        pick_device(2)


def test_without_an_accelerator_it_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: None)
    assert pick_device(3) == torch.device("cpu")


def test_bf16_is_computed_in_where_it_is_wanted() -> None:
    left = torch.ones(2, 2)
    for precision, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        with autocast(HERE, precision):
            assert (left @ left).dtype == dtype


def test_deterministic_is_a_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    for flag in (True, False):
        set_deterministic(flag)
        assert torch.are_deterministic_algorithms_enabled() == flag
        assert torch.backends.cudnn.benchmark != flag
