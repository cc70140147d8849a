"""Copies of a device's tensors, as an accelerator would make them: from pinned memory, and read behind an event."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from inception_dsl.runner.machine.host_copy import LateNumbers, copy_to_host, map_tensors

CPU = torch.device("cpu")


class Device:
    """An accelerator in name: what is asked of it, in order."""

    type = "accelerator"

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, empty, copy = list[str](), torch.empty_like, Tensor.copy_

        def empty_like(tensor: Tensor, device: str, pin_memory: bool) -> Tensor:
            self.asked.append(f"{'pinned ' * pin_memory}{device}")
            return empty(tensor, device=device)

        def copy_(into: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
            self.asked.append("copy" if non_blocking else "copy that waits")
            return copy(into, source)

        class Event:
            def __init__(event, device: Any) -> None:  # noqa: N805
                assert device is self
                event.number = self.asked.count("record")

            def record(event) -> None:  # noqa: N805
                self.asked.append("record")

            def synchronize(event) -> None:  # noqa: N805
                self.asked.append(f"wait {event.number}")

        monkeypatch.setattr(torch, "empty_like", empty_like)
        monkeypatch.setattr(Tensor, "copy_", copy_)
        monkeypatch.setattr(torch, "Event", Event)


def test_a_copy_is_pinned_and_complete_after_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    device: Any = Device(monkeypatch)
    weight = torch.arange(3.0)
    copied, wait = copy_to_host({"one": weight, "two": [weight, 7]}, device)
    assert device.asked == ["pinned cpu", "copy", "record"]  # the same tensor once
    wait()
    assert device.asked[3:] == ["wait 0"]
    assert copied["one"] is copied["two"][0] and copied["two"][1] == 7
    assert torch.equal(copied["one"], weight)


def test_numbers_are_read_a_step_late_and_at_once_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = LateNumbers[str](CPU)
    at_once.put("a", torch.tensor([1.0, 2.0]))
    assert at_once.take(flush=False) == ("a", [1.0, 2.0])
    assert at_once.take(flush=True) is None

    device: Any = Device(monkeypatch)
    late = LateNumbers[str](device)
    late.put("a", torch.tensor([1.0]))
    assert late.take(flush=False) is None
    late.put("b", torch.tensor([2.0]))
    assert "wait 0" not in device.asked
    assert late.take(flush=False) == ("a", [1.0])
    assert device.asked[-1] == "wait 0"  # of the first copy, not of the second
    assert late.take(flush=False) is None
    assert late.take(flush=True) == ("b", [2.0])
    assert late.take(flush=True) is None


def test_tensors_are_changed_wherever_they_are() -> None:
    value = {"a": [torch.ones(1), (torch.ones(2), "x")], "b": 3}
    assert repr(map_tensors(value, lambda tensor: tensor * 2)) == repr(
        {"a": [torch.full((1,), 2.0), (torch.full((2,), 2.0), "x")], "b": 3}
    )
