"""The learning rate, a pure function of the step."""

from __future__ import annotations

import math

from inception_dsl.runner.config import Config, Schedule
from inception_dsl.runner.optim import base_learning_rate
from inception_dsl.runner.settings import RunError, lookup


def constant(schedule: Schedule, epoch: float, part: float) -> float:
    """The same for all steps."""
    return 1.0


def exponential(schedule: Schedule, epoch: float, part: float) -> float:
    """Times `factor` every so many epochs."""
    try:
        falls = epoch / schedule.every
        return float(schedule.factor ** (math.floor(falls + 1e-9) if schedule.staircase else falls))  # 0.3 / 0.1 < 3
    except OverflowError:
        words = f"schedule.factor is {schedule.factor:g}, every {schedule.every:g} epochs"
        raise RunError(f"{words}: no number can hold that after {epoch:g}; set others") from None


def polynomial(schedule: Schedule, epoch: float, part: float) -> float:
    """Caffe's "poly": to 0 at the end."""
    return float((1 - part) ** schedule.power)


def cosine(schedule: Schedule, epoch: float, part: float) -> float:
    """Half a wave, to 0 at the end."""
    return (1 + math.cos(math.pi * part)) / 2


SCHEDULES = {
    "constant": constant,
    "exponential": exponential,
    "polynomial": polynomial,
    "cosine": cosine,
}


def total_steps(config: Config, steps_per_epoch: int) -> int:
    """How many steps a run takes. Raises `RunError` where it takes none, or ends in its warm-up."""
    schedule = config.schedule
    shape = lookup(SCHEDULES, schedule.name, "schedule.name")
    steps, warmup = round(schedule.epochs * steps_per_epoch), round(schedule.warmup * steps_per_epoch)
    if steps < 1:
        raise RunError(f"schedule.epochs is {schedule.epochs:g}; set more, for at least one step")
    if warmup >= steps:
        raise RunError(f"schedule.warmup is {schedule.warmup:g}, of {schedule.epochs:g} epochs; set less")
    shape(schedule, schedule.epochs, 1.0)  # what it cannot reach is told before it starts
    return steps


def learning_rate(config: Config, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, from 0; a schedule begins where the warm-up ends."""
    schedule = config.schedule
    warmup = round(schedule.warmup * steps_per_epoch)
    past, left = step - warmup, total_steps(config, steps_per_epoch) - warmup
    if past < 0:
        return base_learning_rate(config) * (step + 1) / (warmup + 1)
    shape = lookup(SCHEDULES, schedule.name, "schedule.name")
    return base_learning_rate(config) * shape(schedule, past / steps_per_epoch, min(past / left, 1.0))
