"""The loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss, one_hot

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.fit import check_fit, find_head_misfits
from inception_dsl.runner.base.settings import lookup


def categorical_loss(scores: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Softmax cross-entropy with class indices, or with a probability for each class."""
    return cross_entropy(scores, targets, label_smoothing=smoothing)


def binary_loss(scores: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Independent sigmoids: the mean binary cross-entropy, its targets smoothed as in timm's BinaryCrossEntropy."""
    targets = targets if targets.is_floating_point() else one_hot(targets, scores.shape[1])
    return binary_cross_entropy_with_logits(scores, targets * (1 - smoothing) + smoothing / scores.shape[1])


def squared_loss(scores: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """The mean squared error of numbers."""
    return mse_loss(scores, targets.to(scores.dtype))


LOSSES = {
    "cross_entropy": categorical_loss,
    "bce": binary_loss,
    "mse": squared_loss,
}


def compute_loss(output: Any, targets: Tensor, config: Config) -> tuple[Tensor, dict[str, Tensor]]:
    """The total loss, and its terms, detached: "loss" of the logits, then each head's, unweighted.

    `output` is the logits, or a NamedTuple that starts with them; `targets` are class indices, or a row of numbers for
    each image. Raises `RunError` if heads and weights do not match.
    """
    logits, *heads = output if isinstance(output, tuple) else (output,)
    names = getattr(output, "_fields", ("logits",))[1:]
    weights, criterion = config.loss.heads, lookup(LOSSES, config.loss.name, "loss.name")
    check_fit(find_head_misfits(weights, names))
    wide = [scores.to(torch.promote_types(scores.dtype, torch.float32)) for scores in (logits, *heads)]  # not in bf16
    losses = [criterion(scores, targets, config.loss.smoothing) for scores in wide]
    total = sum((weights[name] * loss for name, loss in zip(names, losses[1:], strict=True)), losses[0])
    return total, {name: loss.detach() for name, loss in zip(("loss", *names), losses, strict=True)}
