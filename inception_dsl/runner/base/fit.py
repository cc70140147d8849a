"""Settings that do not fit each other or the network."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import RunError


class Misfit(NamedTuple):
    """A setting that does not fit: its name, what is wrong, what to do, and the settings that it depends on."""

    key: str
    problem: str
    advice: str
    others: tuple[str, ...] = ()


def find_misfits(config: Config) -> Iterator[Misfit]:
    """The settings that do not fit the network's input or each other."""
    data, augment, schedule = config.data, config.augment, config.schedule
    longer, shorter = max(data.height, data.width), min(data.height, data.width)
    if augment.resize < longer and (augment.crop == "window" or augment.evaluation == "centre"):
        problem = f"is {augment.resize}, but the input has {longer} pixels"
        yield Misfit("augment.resize", problem, f"set {longer} or more", ("augment.evaluation", "augment.crop"))
    if augment.padding >= shorter and augment.crop == "shift":
        problem = f"is {augment.padding}, but the input has {shorter} pixels"
        yield Misfit("augment.padding", problem, f"set less than {shorter}", ("augment.crop",))
    for name, numbers in (("mean", data.mean), ("std", data.std)):
        if len(numbers) not in {1, data.channels}:
            problem = f"has {len(numbers)} numbers for {data.channels} channels"
            yield Misfit(f"data.{name}", problem, "give one per channel")
    if schedule.warmup >= schedule.epochs:
        problem = f"is {schedule.warmup:g}, of {schedule.epochs:g} epochs"
        yield Misfit("schedule.warmup", problem, "set less", ("schedule.epochs",))


def find_head_misfits(weights: dict[str, float], heads: Collection[str]) -> Iterator[Misfit]:
    """The weights of losses that no head has, and the heads without a weight."""
    if extra := [name for name in weights if name not in heads]:
        given = f"the heads are {', '.join(heads)}" if heads else "the network has no heads"
        yield Misfit("loss.heads", f"has {', '.join(extra)}, but {given}", "leave it out")
    if missing := [name for name in heads if name not in weights]:
        known = {name: weight for name, weight in weights.items() if name in heads}
        advice = f"set {known | dict.fromkeys(missing, 0.3)}, or 0 for none"
        yield Misfit("loss.heads", f"has no weight for the head {', '.join(missing)}", advice)


def check_fit(misfits: Iterator[Misfit]) -> None:
    """Raise `RunError` for the first misfit."""
    for misfit in misfits:
        raise RunError(f"{misfit.key} {misfit.problem}; {misfit.advice}")
