"""The loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from inception_dsl.runner.config import Config
from inception_dsl.runner.settings import RunError


def compute_loss(output: Any, labels: Tensor, config: Config) -> tuple[Tensor, dict[str, Tensor]]:
    """The total loss, and its terms, detached: "loss" of the logits, then each head's, unweighted.

    `output` is the logits, or a NamedTuple that starts with them. Raises `RunError` if heads and weights do not match.
    """
    logits, *heads = output if isinstance(output, tuple) else (output,)
    names = getattr(output, "_fields", ("logits",))[1:]
    weights = config.loss.heads
    if extra := [name for name in weights if name not in names]:
        given = f"the heads are {', '.join(names)}" if names else "the network has no heads"
        raise RunError(f"loss.heads has {', '.join(extra)}, but {given}; leave it out")
    if missing := [name for name in names if name not in weights]:
        example = weights | dict.fromkeys(missing, 0.3)
        raise RunError(f"loss.heads has no weight for the head {', '.join(missing)}; set {example}, or 0 for none")
    wide = [scores.to(torch.promote_types(scores.dtype, torch.float32)) for scores in (logits, *heads)]  # not in bf16
    losses = [cross_entropy(scores, labels, label_smoothing=config.loss.smoothing) for scores in wide]
    total = sum((weights[name] * loss for name, loss in zip(names, losses[1:], strict=True)), losses[0])
    return total, {name: loss.detach() for name, loss in zip(("loss", *names), losses, strict=True)}
