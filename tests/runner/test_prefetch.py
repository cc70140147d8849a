"""A batch reaches the device on a stream of its own, and its step waits for it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from inception_dsl.runner.base.config import Config, Data
from inception_dsl.runner.images import prefetch
from inception_dsl.runner.images.augment import finish_images
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.images.prefetch import on_device
from inception_dsl.runner.machine.devices import RankContext

CONFIG = Config(data=Data(height=4, width=4))


def batch(number: int) -> Batch:
    images = torch.full((2, 3, 4, 4), number, dtype=torch.uint8)
    return Batch(images, torch.ones(2, 1), torch.tensor([0, 1]), torch.tensor([number, number]), [])


def test_a_cpu_gets_finished_batches() -> None:
    found = list(on_device(map(batch, range(3)), CONFIG, RankContext(torch.device("cpu"))))
    assert [ready.indices.tolist() for ready in found] == [[0, 0], [1, 1], [2, 2]]
    for number, ready in enumerate(found):
        assert torch.equal(ready.images, finish_images(batch(number).images, torch.ones(2, 1), CONFIG))


def test_a_gpu_copies_on_a_stream_and_the_step_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of the calls, with stand-ins for the streams and for memory of a device."""
    calls: list[Any] = []

    class Stream:
        def __init__(self, device: torch.device) -> None:
            self.device, self.name = device, "copy"

        def __enter__(self) -> None:
            calls.append("enter")

        def __exit__(self, *error: object) -> None:
            calls.append("leave")

        def wait_stream(self, other: Stream) -> None:
            calls.append(f"{self.name} waits for {other.name}")

    def current_stream(device: torch.device) -> Stream:
        stream = Stream(device)
        stream.name = "step"
        return stream

    def moved(context: RankContext, *tensors: Tensor) -> tuple[Tensor, ...]:
        calls.append("move")
        return tensors

    def pinned(tensor: Tensor) -> Tensor:
        calls.append("pin")
        return tensor

    monkeypatch.setattr(torch, "Stream", Stream)
    monkeypatch.setattr(torch.accelerator, "current_stream", current_stream)
    monkeypatch.setattr(prefetch, "move_to_device", moved)
    monkeypatch.setattr(Tensor, "pin_memory", pinned)
    monkeypatch.setattr(Tensor, "record_stream", lambda tensor, stream: calls.append(f"record {stream.name}"))
    found = on_device(map(batch, range(2)), CONFIG, RankContext(torch.device("cuda", 0)))
    expected = ["enter", "pin", "pin", "pin", "move", "leave", "step waits for copy", "record step", "record step"]
    assert next(found).indices.tolist() == [0, 0]
    assert calls == expected
    next(found)
    assert calls == expected * 2
