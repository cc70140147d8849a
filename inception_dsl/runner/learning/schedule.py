"""The learning rate as a pure function of the step."""

from __future__ import annotations

import math

from inception_dsl.runner.base.config import Config, Schedule
from inception_dsl.runner.base.scaling import base_learning_rate, warmup_epochs
from inception_dsl.runner.base.settings import RunError, lookup


def constant(schedule: Schedule, epoch: float, fraction: float) -> float:
    """A constant rate."""
    return 1.0


def exponential(schedule: Schedule, epoch: float, fraction: float) -> float:
    """Multiply by `factor` every `every` epochs, smoothly or in steps."""
    try:
        falls = epoch / schedule.every  # 0.3 / 0.1 is less than 3
        return float(schedule.factor ** (math.floor(falls + 1e-9) if schedule.staircase else falls))
    except OverflowError:
        setting = f"schedule.factor is {schedule.factor:g}, every {schedule.every:g} epochs"
        raise RunError(f"{setting}: the rate overflows after {epoch:g} epochs; set a smaller factor") from None


def polynomial(schedule: Schedule, epoch: float, fraction: float) -> float:
    """Caffe's "poly": falls to 0 at the end."""
    return float((1 - fraction) ** schedule.power)


def cosine(schedule: Schedule, epoch: float, fraction: float) -> float:
    """Half a cosine wave, from 1 to 0."""
    return (1 + math.cos(math.pi * fraction)) / 2


SCHEDULES = {
    "constant": constant,
    "exponential": exponential,
    "polynomial": polynomial,
    "cosine": cosine,
}


def total_steps(config: Config, steps_per_epoch: int) -> int:
    """The number of steps of a run. Raises `RunError` if it has none, or if it ends during warm-up."""
    schedule = config.schedule
    schedule_rate = lookup(SCHEDULES, schedule.name, "schedule.name")
    steps, warmup = round(schedule.epochs * steps_per_epoch), round(warmup_epochs(config) * steps_per_epoch)
    if steps < 1:
        raise RunError(f"schedule.epochs is {schedule.epochs:g}; set more, for at least one step")
    if warmup >= steps:
        raise RunError(f"schedule.warmup is {schedule.warmup:g}, of {schedule.epochs:g} epochs; set less")
    schedule_rate(schedule, schedule.epochs, 1.0)  # an overflow is reported before the run starts
    return steps


def learning_rate(config: Config, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, counted from 0; the schedule starts after the warm-up."""
    schedule = config.schedule
    warmup = round(warmup_epochs(config) * steps_per_epoch)
    past, left = step - warmup, total_steps(config, steps_per_epoch) - warmup
    if past < 0:
        return base_learning_rate(config) * (step + 1) / (warmup + 1)
    schedule_rate = lookup(SCHEDULES, schedule.name, "schedule.name")
    return base_learning_rate(config) * schedule_rate(schedule, past / steps_per_epoch, min(past / left, 1.0))
