"""Torch's meta device: tensors without numbers. Who asks for one fails, which a step of training never does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

META = torch.device("meta")


class OnlyQueued(TorchFunctionMode):
    """Fails where a tensor of the host is copied to the device in a way that waits; a batch is not copied in tests."""

    def __torch_function__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        """Look at a call before torch has it."""
        named = named or {}
        others = [value for value in given[1:] if isinstance(value, Tensor) and value.device.type == "cpu"]
        own = isinstance(first := given[0] if given else None, Tensor) and first.device.type
        made = function in {torch.tensor, torch.as_tensor, torch.asarray} and torch.device(named.get("device", "cpu"))
        assert not made or made.type == "cpu", f"{function} waits: it copies from memory that is not pinned"
        moved = getattr(function, "__name__", "") in {"to", "type", "cuda"} and own == "cpu" and META in given
        assert not moved or named.get("non_blocking"), f"{function} waits, without non_blocking"
        assert not (getattr(function, "__name__", "") == "copy_" and own == "meta" and others), f"{function} waits"
        return function(*given, **named)


@contextmanager
def optimisers_on_meta() -> Iterator[None]:
    """Torch's fused optimisers take meta tensors, which some of their kernels lack; so they do nothing."""
    supported = patch.object(
        sys.modules["torch.optim.optimizer"], "_get_fused_kernels_supported_devices", lambda: [META.type]
    )
    with supported, torch.library._scoped_library("aten", "IMPL") as library:
        library.impl("_fused_sgd_", lambda *_, **__: None, "Meta")
        library.impl("_amp_update_scale_", lambda scale, *_: scale, "Meta")
        yield
