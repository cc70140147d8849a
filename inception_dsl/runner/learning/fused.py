"""Steps of optimisers that the device can skip, without telling the host."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def move_towards(means: list[Tensor], values: list[Tensor], fraction: float, skipped: Tensor | None = None) -> None:
    """Move means to values by a fraction of the way, unless `skipped` is 1."""
    descend(means, [*torch._foreach_sub(means, values)], [], fraction, 0.0, skipped)


def descend(
    weights: list[Tensor],
    gradients: list[Tensor],
    velocities: list[Tensor],
    lr: float,
    momentum: float,
    skipped: Tensor | None,
) -> None:
    """SGD in torch's kernel, which reads on the device whether the step is skipped, and then changes nothing."""
    plain = {"weight_decay": 0.0, "dampening": 0.0, "nesterov": False, "maximize": False, "is_first_step": False}
    torch._fused_sgd_(weights, gradients, velocities, lr=lr, momentum=momentum, found_inf=skipped, **plain)  # type: ignore[call-overload]


def load_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Restore an optimiser; its settings stay those of this run, which may be forced on another's checkpoint."""
    groups = optimiser.param_groups
    settings = [{key: value for key, value in group.items() if key != "params"} for group in groups]
    optimiser.load_state_dict(state)
    for group, own in zip(optimiser.param_groups, settings, strict=True):
        group.update(own)
    for weight, values in optimiser.state.items():  # fused kernels take it that all have the weight's layout
        for name, value in values.items():
            if value.shape == weight.shape:
                values[name] = torch.empty_like(weight).copy_(value)


def step_unless(optimiser: torch.optim.Optimizer, skipped: Tensor) -> None:
    """Take a step unless `skipped` is 1, which the kernels read on the device, as with `torch.amp.GradScaler`."""
    optimiser.grad_scale, optimiser.found_inf = None, skipped  # type: ignore[attr-defined]
    optimiser.step()
