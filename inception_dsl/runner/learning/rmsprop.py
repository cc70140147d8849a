"""TensorFlow's RMSProp."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from inception_dsl.runner.learning.fused import descend, move_towards


class RMSPropTF(torch.optim.Optimizer):
    """RMSProp as `tf.train.RMSPropOptimizer`; torch's differs by up to 38% at an `eps` of 1.

    The mean square starts at 1, `eps` is under the root, and the momentum accumulates steps already scaled by the rate.
    """

    def __init__(
        self, params: Iterable[Any], lr: float, decay: float = 0.9, momentum: float = 0.9, eps: float = 1.0
    ) -> None:
        values = {"lr": lr, "decay": decay, "momentum": momentum, "eps": eps, "weight_decay": 0.0}
        if wrong := [f"{name} {value}" for name, value in values.items() if value < 0]:
            raise ValueError(f"Invalid {', '.join(wrong)}")
        super().__init__(params, values)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update the parameters that have a gradient; `weight_decay` is an L2 penalty.

        As with torch's fused optimisers, nothing changes if the attribute `found_inf` is 1.
        """
        assert closure is None
        skipped = getattr(self, "found_inf", None)
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            for weight in weights:
                if not self.state[weight]:
                    self.state[weight] |= {"square": torch.ones_like(weight), "velocity": torch.zeros_like(weight)}
            squares = [self.state[weight]["square"] for weight in weights]
            velocities = [self.state[weight]["velocity"] for weight in weights]
            grads: Any = [weight.grad for weight in weights]
            if group["weight_decay"]:
                grads = torch._foreach_add(grads, weights, alpha=group["weight_decay"])
            move_towards(squares, [*torch._foreach_mul(grads, grads)], 1 - group["decay"], skipped)
            roots = torch._foreach_add(squares, group["eps"])
            torch._foreach_sqrt_(roots)
            changes = [*torch._foreach_div(grads, roots)]
            torch._foreach_mul_(changes, group["lr"])
            descend(weights, changes, velocities if group["momentum"] else [], 1.0, group["momentum"], skipped)
