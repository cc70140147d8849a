"""Optimisers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from inception_dsl.runner.config import Config, Optim
from inception_dsl.runner.initial_weights import is_new
from inception_dsl.runner.scaling import base_learning_rate
from inception_dsl.runner.settings import RunError, lookup


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
        """Update the parameters that have a gradient; `weight_decay` is an L2 penalty."""
        assert closure is None
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
            torch._foreach_mul_(squares, group["decay"])
            torch._foreach_addcmul_(squares, grads, grads, 1 - group["decay"])
            roots = torch._foreach_add(squares, group["eps"])
            torch._foreach_sqrt_(roots)
            torch._foreach_mul_(velocities, group["momentum"])
            torch._foreach_addcdiv_(velocities, grads, roots, group["lr"])
            torch._foreach_sub_(weights, velocities)


def sgd(optim: Optim, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
    """SGD whose momentum accumulates gradients; Caffe's accumulates steps, and lags when the rate falls."""
    return torch.optim.SGD(groups, lr, momentum=optim.momentum, nesterov=optim.nesterov)


def rmsprop(optim: Optim, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
    """TensorFlow's RMSProp."""
    return RMSPropTF(groups, lr, optim.decay, optim.momentum, optim.eps)


def adamw(optim: Optim, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
    """AdamW; `momentum` is its first beta."""
    return torch.optim.AdamW(groups, lr, betas=(optim.momentum, 0.999), eps=optim.eps)


OPTIMISERS = {
    "sgd": sgd,
    "rmsprop": rmsprop,
    "adamw": adamw,
}


def make_optimiser(config: Config, network: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a network. Biases and normalisation scales have no weight decay unless `decay_all`."""
    optim = config.optim
    kinds: dict[tuple[float, float], list[Tensor]] = {}  # by weight decay and by the scale of the rate
    for name, weight in network.named_parameters():
        if not weight.requires_grad:  # frozen
            continue
        decay = optim.weight_decay if weight.ndim > 1 or optim.decay_all else 0.0
        scale = (optim.bias_lr if name.endswith("bias") else 1.0) * (1.0 if is_new(name, config) else optim.trunk_lr)
        kinds.setdefault((decay, scale), []).append(weight)
    groups = [{"params": found, "weight_decay": decay, "lr_scale": scale} for (decay, scale), found in kinds.items()]
    try:
        optimiser = lookup(OPTIMISERS, optim.name, "optim.name")(optim, groups, base_learning_rate(config))
    except ValueError as error:
        raise RunError(f"optim: {error}; set another value") from None
    set_learning_rate(optimiser, base_learning_rate(config))
    return optimiser


def set_bn_momentum(network: nn.Module, momentum: float) -> None:
    """Set how far the running statistics of batch normalisation move in a step; 0 leaves them as they are."""
    for layer in network.modules():
        if momentum and isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            layer.momentum = momentum


def set_learning_rate(optimiser: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimiser.param_groups:
        group["lr"] = lr * group["lr_scale"]
