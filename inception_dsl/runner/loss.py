"""The loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from inception_dsl.runner.config import Config
from inception_dsl.runner.settings import RunError


def compute_loss(output: Any, labels: Tensor, config: Config) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss to go down, and its parts, detached: "loss" of the logits, then each head's, before its weight.

    `output` is the logits, or a NamedTuple that starts with them. Raises `RunError` where heads and weights differ.
    """
    logits, *heads = output if isinstance(output, tuple) else (output,)
    names = getattr(output, "_fields", ("logits",))[1:]
    weights = config.loss.heads
    if extra := [name for name in weights if name not in names]:
        given = f"the heads are {', '.join(names)}" if names else "the network gives no heads"
        raise RunError(f"loss.heads has {', '.join(extra)}, but {given}; leave it out")
    if missing := [name for name in names if name not in weights]:
        example = weights | dict.fromkeys(missing, 0.3)
        raise RunError(f"loss.heads has no weight for the head {', '.join(missing)}; set {example}, or 0 for none")
    wide = [each.to(torch.promote_types(each.dtype, torch.float32)) for each in (logits, *heads)]  # no loss in bf16
    losses = [cross_entropy(each, labels, label_smoothing=config.loss.smoothing) for each in wide]
    total = sum((weights[name] * each for name, each in zip(names, losses[1:], strict=True)), losses[0])
    return total, {name: each.detach() for name, each in zip(("loss", *names), losses, strict=True)}
