"""Optimisers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from inception_dsl.runner.base.config import Config, Optim
from inception_dsl.runner.base.scaling import base_learning_rate
from inception_dsl.runner.base.settings import RunError, lookup
from inception_dsl.runner.learning.initial_weights import is_new
from inception_dsl.runner.learning.rmsprop import RMSPropTF


def sgd(optim: Optim, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
    """SGD whose momentum accumulates gradients; Caffe's accumulates steps, and lags when the rate falls."""
    optimiser = torch.optim.SGD(groups, lr, momentum=optim.momentum, nesterov=optim.nesterov, fused=True)
    for weight in [weight for group in groups for weight in group["params"] if optim.momentum]:
        optimiser.state[weight]["momentum_buffer"] = torch.zeros_like(weight)  # torch's first step may be a skipped one
    return optimiser


def rmsprop(optim: Optim, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
    """TensorFlow's RMSProp."""
    return RMSPropTF(groups, lr, optim.decay, optim.momentum, optim.eps)


def adamw(optim: Optim, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
    """AdamW; `momentum` is its first beta."""
    return torch.optim.AdamW(groups, lr, betas=(optim.momentum, 0.999), eps=optim.eps, fused=True)


OPTIMISERS = {
    "sgd": sgd,
    "rmsprop": rmsprop,
    "adamw": adamw,
}


def make_optimiser(config: Config, network: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a network. Biases, the scales of norms and learnt slopes have no decay unless `decay_all`."""
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
