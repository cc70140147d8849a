"""The loss scale of fp16, and a gradient's way from it to the optimiser."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.machine.devices import RankContext


class LossScale:
    """A factor of the loss, so that small gradients are not 0 in fp16; 1 in other precisions.

    As `torch.amp.GradScaler` has it: halved after a step whose gradient overflows, doubled after 2,000 others in a row.
    """

    def __init__(self, config: Config, context: RankContext) -> None:
        self.used = config.run.precision == "fp16"
        self.factor = torch.full((), 65_536.0 if self.used else 1.0, device=context.device)
        self.steps = torch.zeros((), dtype=torch.int32, device=context.device)  # without an overflow

    def update(self, skipped: Tensor) -> None:
        """Choose the scale of the next step."""
        if self.used:
            torch._amp_update_scale_(self.factor, self.steps, skipped, 2.0, 0.5, 2000)

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint holds of it."""
        return {"factor": self.factor, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore it."""
        self.factor.copy_(state["factor"])
        self.steps.copy_(state["steps"])


@torch.no_grad()
def clip_gradients(network: nn.Module, scale: LossScale, limit: float) -> Tensor:
    """Take the loss scale out of the gradients, clip them to a norm unless `limit` is 0, and return their norm before.

    The norm is not finite if any gradient is not.
    """
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    norm = get_total_norm(gradients) / scale.factor
    if limit or scale.used:
        factor = (limit / (norm + 1e-6)).clamp(max=1.0) if limit else torch.ones_like(norm)
        torch._foreach_mul_(gradients, factor / scale.factor)
    return norm
