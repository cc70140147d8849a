"""Devices and processes: one process per device, joined by torch.distributed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import NoReturn

import torch
from torch import Tensor, distributed
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from inception_dsl.runner.base.settings import RunError, T
from inception_dsl.runner.machine.host_copy import map_tensors
from inception_dsl.runner.machine.launcher import is_alone


@dataclass(frozen=True)
class RankContext:
    """A process among others: its device, its rank, and the number of processes."""

    device: torch.device
    rank: int = 0
    world_size: int = 1


MIN_TORCH = (2, 13)
COLLECTIVE_TIMEOUT = timedelta(minutes=10)  # rank 0 may write a checkpoint for minutes while the others wait


def pick_device(local: int) -> torch.device:
    """The accelerator of a local rank, or the CPU if there is none. Raises `RunError` if the rank has no device."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is None:
        return torch.device("cpu")
    count = torch.accelerator.device_count()
    if count == 1 and "SLURM_STEP_ID" in os.environ:  # Slurm may show each task only its own device
        local = 0
    if local >= count:
        raise RunError(f"local rank {local} has no device: this machine has {count}; use --nproc-per-node={count}")
    return torch.device(accelerator.type, local)


def rank_context() -> RankContext:
    """The context of this process, of several or the only one; opens no device and no connection.

    Raises `RunError` if it has no device.
    """
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < MIN_TORCH:
        raise RunError(f"torch {torch.__version__} is too old; install {MIN_TORCH[0]}.{MIN_TORCH[1]} or newer")
    local, rank, world_size = (int(os.environ.get(key, "0")) for key in ("LOCAL_RANK", "RANK", "WORLD_SIZE"))
    return RankContext(pick_device(local), rank, max(world_size, 1))


@lru_cache(maxsize=1)
def rank_store() -> Store:
    """What the processes share before they are connected: texts by key."""
    store: Store = next(iter(rendezvous("env://")))[0]
    # On several machines TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 does this.
    if os.environ.get("LOCAL_WORLD_SIZE") == os.environ["WORLD_SIZE"]:
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        store = PrefixStore(attempt, store)  # torchrun's store still holds the addresses of killed processes
    return store


def connect_ranks(context: RankContext) -> None:
    """Open the device of this process, and connect it with the others."""
    if context.device.index is not None:
        torch.accelerator.set_device_index(context.device.index)
    if context.world_size > 1 and not distributed.is_initialized():
        # With a device, NCCL allocates, or fails, now and not at the first step.
        distributed.init_process_group(
            distributed.get_default_backend_for_device(context.device),
            store=rank_store(),
            rank=context.rank,
            world_size=context.world_size,
            device_id=None if context.device == torch.device("cpu") else context.device,
            timeout=COLLECTIVE_TIMEOUT,
        )


def move_to_device(context: RankContext, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Copy a batch's tensors to the rank's device; from pinned memory, without waiting."""
    return tuple(tensor.to(context.device, non_blocking=True) for tensor in tensors)


def destroy_distributed() -> None:
    """Shut torch.distributed down if it was initialised."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def lost_connection(error: Exception) -> bool:
    """Whether an error says that another process is gone."""
    return isinstance(error, distributed.DistError) or ("gloo" in str(error) and "onnection" in str(error))


def exit_process(code: int) -> NoReturn:
    """Exit; unless it is alone, without interpreter shutdown, in which torch's threads sometimes abort it."""
    if not is_alone():
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, AttributeError):  # there is no stream, or its reader is gone
                stream.flush()
        os._exit(code)
    sys.exit(code)


def sum_over_ranks(context: RankContext, numbers: Tensor) -> Tensor:
    """Sum a device's numbers over all ranks, in place; the host does not wait for them."""
    if context.world_size > 1:
        distributed.all_reduce(numbers)
    return numbers


def all_reduce_numbers(context: RankContext, *numbers: float) -> list[float]:
    """Sum the host's numbers over all ranks, in float64, so that counts stay exact."""
    device = context.device if context.world_size > 1 else "cpu"
    sums = sum_over_ranks(context, torch.tensor(numbers, dtype=torch.float64, device=device))
    return [float(number) for number in sums.tolist()]


def any_rank(context: RankContext, flag: bool) -> bool:
    """Whether a flag is set on any rank; a barrier."""
    return all_reduce_numbers(context, flag)[0] > 0


def all_gather_rows(context: RankContext, rows: Tensor) -> Tensor:
    """The rows of all ranks, in the order of the ranks, which may have different numbers of them; on the host."""
    if context.world_size == 1:
        return rows
    counts = [rank == context.rank and len(rows) for rank in range(context.world_size)]
    lengths = [int(count) for count in all_reduce_numbers(context, *counts)]
    padded = torch.zeros(max(lengths), *rows.shape[1:], dtype=rows.dtype, device=context.device)
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in lengths]
    distributed.all_gather(parts, padded)
    return torch.cat([part[:length].cpu() for part, length in zip(parts, lengths, strict=True)])


def broadcast_tensors(context: RankContext, tensors: Iterable[Tensor]) -> None:
    """Copy the tensors of rank 0 to every rank, in place."""
    for tensor in tensors if context.world_size > 1 else ():
        distributed.broadcast(tensor, src=0)


def broadcast_object(context: RankContext, value: T) -> T:
    """Send an object from rank 0 to every rank."""
    box = [value]
    if context.world_size > 1:
        distributed.broadcast_object_list(box, src=0, device=context.device)
    return box[0]


def broadcast_state(context: RankContext, state: T) -> T:
    """Send a state from rank 0 to every rank: its tensors one by one over the device, and what holds them pickled."""
    if context.world_size == 1:
        return state
    outline = broadcast_object(context, map_tensors(state, lambda tensor: tensor.to("meta")))

    def send(tensor: Tensor) -> Tensor:
        own = context.rank == 0
        copy = tensor.to(context.device) if own else torch.empty_like(tensor, device=context.device)
        distributed.broadcast(copy, src=0)
        return tensor if own else copy.cpu()

    sent: T = map_tensors(state if context.rank == 0 else outline, send)
    return sent


def set_deterministic(flag: bool) -> None:
    """Choose deterministic algorithms, with a warning where torch has none, or the fastest ones."""
    if flag:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required by cuBLAS, which reads it at start-up
    torch.backends.cudnn.benchmark = not flag
    torch.use_deterministic_algorithms(flag, warn_only=True)
