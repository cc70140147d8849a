"""Copies of a device's tensors on the host, for which the device does not wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic

import torch
from torch import Tensor

from inception_dsl.runner.base.settings import T


def map_tensors(value: Any, act: Callable[[Tensor], Tensor]) -> Any:
    """Rebuild dicts, lists and tuples with another tensor for each of theirs."""
    if isinstance(value, Tensor):
        return act(value)
    if isinstance(value, dict):
        return {key: map_tensors(item, act) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map_tensors(item, act) for item in value)
    return value


def copy_to_host(value: Any, device: torch.device) -> tuple[Any, Callable[[], None]]:
    """Copy the tensors of a state; returns the copies, and a function that waits until they are complete.

    Later changes of the tensors do not reach the copies. Tensors that are the same one stay so.
    """
    copies: dict[Any, Tensor] = {}

    def copy(tensor: Tensor) -> Tensor:
        tensor = tensor.detach()
        key = tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()
        if key not in copies:
            # From pinned memory, or the host would wait.
            host = torch.empty_like(tensor, device="cpu", pin_memory=device.type != "cpu")
            copies[key] = host.copy_(tensor, non_blocking=True)
        return copies[key]

    copied = map_tensors(value, copy)
    if device.type == "cpu":
        return copied, lambda: None
    event = torch.Event(device)
    event.record()
    return copied, event.synchronize


class LateNumbers(Generic[T]):
    """Numbers that a device computes in a step, each with a note of the host's.

    They are read one step late, so that the device always has work; on a CPU, which computes them at once, in time.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.lag = device, 0 if device.type == "cpu" else 1
        self.pending: deque[tuple[T, Tensor, Callable[[], None]]] = deque()

    def put(self, note: T, numbers: Tensor) -> None:
        """Start to copy the numbers of a step to the host."""
        self.pending.append((note, *copy_to_host(numbers, self.device)))

    def take(self, flush: bool) -> tuple[T, list[float]] | None:
        """The next numbers if they are due, or, with `flush`, if there are any."""
        if len(self.pending) <= (0 if flush else self.lag):
            return None
        note, numbers, wait = self.pending.popleft()
        wait()
        return note, [float(number) for number in numbers.tolist()]
