"""Heads that learn nothing: their loss stays at that of guessing."""

from __future__ import annotations

import math
from statistics import fmean, stdev

import torch
from torch import Tensor

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.scaling import warmup_epochs
from inception_dsl.runner.readers.reader import Reader

LABELS = 10_000  # enough for the frequencies of 1,000 classes
ROWS = 8  # of the log, at the least, that tell whether a loss falls


def some_targets(images: Reader) -> Tensor:
    """The targets of at most `LABELS` images, evenly spaced."""
    chosen = torch.linspace(0, len(images) - 1, min(len(images), LABELS)).long().tolist()
    return torch.stack([images.label(index) for index in chosen])


def single_class(images: Reader, config: Config) -> str:
    """A warning if images for training have one class only, whose name is then always right; else empty."""
    if config.loss.name != "cross_entropy" or len(found := {*some_targets(images).tolist()}) > 1:
        return ""
    name = f"{config.data.source}: the images for training are all of the class {images.classes[found.pop()]!r}"
    return f"warning: {name}, so the network learns to answer that, whatever it sees"


def guessing_loss(images: Reader, config: Config) -> float:
    """The loss of who answers without looking, and knows how frequent the classes are, or the mean of the numbers."""
    targets, classes = some_targets(images), len(images.classes)
    smoothing, one_label = config.loss.smoothing, not targets.is_floating_point()
    if config.loss.name == "mse":
        return float(targets.double().var(0, correction=0).mean())
    means = torch.bincount(targets, minlength=classes) / len(targets) if one_label else targets.double().mean(0)
    answer = means.double() * (1 - smoothing) + smoothing / means.numel()
    if config.loss.name == "bce":
        return float(torch.nn.functional.binary_cross_entropy(answer, answer))
    return float(torch.special.entr(answer).sum())


class HeadWatch:
    """Finds heads whose losses neither are below that of guessing nor fall, long enough after the warm-up."""

    def __init__(self, guess: float, config: Config, total: int) -> None:
        self.guess, self.config, self.total = guess, config, total
        self.losses: dict[str, list[float]] = {}
        if not guess:
            return
        heads = [name for name, weight in config.loss.heads.items() if weight]
        self.losses = {name: [] for name in ("loss", *heads)}

    def look(self, row: dict[str, float | None]) -> list[tuple[str, float]]:
        """Take a row of the log; returns the heads that are found by it, each with its mean loss."""
        found, step, epoch = list[tuple[str, float]](), row.get("step") or 0, row.get("epoch") or 0
        for name, losses in list(self.losses.items()):
            loss = row.get(name)
            if loss is None or not math.isfinite(loss):
                continue
            losses.append(loss)
            recent, last = losses[len(losses) // 2 :], losses[-ROWS // 2 :]
            mean, due = fmean(recent), epoch and step >= self._patience(step / epoch) and len(recent) >= ROWS
            if len(recent) >= ROWS // 2 and mean + 3 * standard_error(recent) < 0.95 * self.guess:
                del self.losses[name]  # it has learnt something
            elif due and min(mean, fmean(last)) >= 0.99 * self.guess and not falls(recent):
                del self.losses[name]
                found.append((name, mean))
        return found

    def _patience(self, steps_per_epoch: float) -> float:
        """The step from which on a head should have learnt something: 500 after the warm-up, or fewer in short runs."""
        return warmup_epochs(self.config) * steps_per_epoch + min(500, max(steps_per_epoch, self.total / 4))


def falls(losses: list[float]) -> bool:
    """Whether losses fall by more than two standard errors, from their first half to their second."""
    first, second = losses[: len(losses) // 2], losses[len(losses) // 2 :]
    return fmean(first) - fmean(second) > 2 * math.hypot(standard_error(first), standard_error(second))


def standard_error(numbers: list[float]) -> float:
    """The standard error of the mean of at least two numbers."""
    return stdev(numbers) / math.sqrt(len(numbers))
