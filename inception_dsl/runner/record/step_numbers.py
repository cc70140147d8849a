"""The numbers of a step: what the device computes, and what the host counts and logs of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.images.data import steps_per_epoch
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.machine.host_copy import LateNumbers
from inception_dsl.runner.readers.reader import Reader
from inception_dsl.runner.record.folder import write_step_images
from inception_dsl.runner.record.progress import Log


class StepNumbers(NamedTuple):
    """The numbers of a step, on the device, by name; and this rank's unreadable images."""

    names: tuple[str, ...]
    values: Tensor
    unreadable: list[str]


@dataclass
class Counts:
    """What a run counts over its steps."""

    unreadable: int = 0  # images that were replaced
    skipped: int = 0  # steps
    skipped_in_a_row: int = 0  # of them the last ones, without those of a loss scale that is too high


class StepReader:
    """Reads the numbers of steps when they have arrived on the host: counts and logs them."""

    def __init__(
        self, images: Reader, config: Config, context: RankContext, counts: Counts, log: Log, out: Path
    ) -> None:
        self.images, self.config, self.context = images, config, context
        self.counts, self.log, self.out = counts, log, out
        self.late = LateNumbers[tuple[int, float, tuple[str, ...]]](context.device)

    def put(self, step: int, lr: float, numbers: StepNumbers) -> None:
        """Take the numbers of a step that is queued on the device."""
        self.late.put((step, lr, numbers.names), numbers.values)

    def read(self, flush: bool) -> bool:
        """Read what has arrived; returns whether a rank asked to stop. Then, and with `flush`, it reads every step.

        Raises `RunError` after too many steps in a row that were skipped.
        """
        counts, stop = self.counts, False
        while arrived := self.late.take(flush or stop):
            (step, lr, names), values = arrived
            numbers = dict(zip(names, values, strict=True))
            counts.unreadable += round(numbers.pop("unreadable"))
            stop = numbers.pop("stop") > 0 or stop
            skipped, scale = numbers.pop("skipped") > 0, numbers.pop("loss_scale")
            losses = [number for name, number in numbers.items() if name != "gradient"]
            counts.skipped += skipped
            if not skipped:
                counts.skipped_in_a_row = 0
            elif scale <= 1 or not all(map(math.isfinite, losses)):  # or a lower scale may help
                counts.skipped_in_a_row += 1
                self._report(step, numbers)
            if self.config.run.precision == "fp16":
                numbers["loss_scale"] = scale
            epochs = (step + 1) / steps_per_epoch(len(self.images), self.config.data.batch)
            counted = {"unreadable": counts.unreadable, "skipped": counts.skipped}
            self.log.train(step + 1, epoch=epochs, **numbers, lr=lr, **counted)
        return stop

    def _report(self, step: int, numbers: dict[str, float]) -> None:
        """Warn of the first of some skipped steps in a row. Raises `RunError` at the last one."""
        in_a_row = self.counts.skipped_in_a_row
        last = in_a_row == self.config.run.skip_limit
        if not last and in_a_row > 1:
            return
        path = write_step_images(self.out, self.config, self.images, step, self.context)
        place = f"step {step + 1}" + f", the last of {in_a_row} in a row" * (in_a_row > 1)
        values = ", ".join(f"{name} {number:.4g}" for name, number in numbers.items())
        problem = f"{place}: not finite: {values}; {path} lists the images"
        if last:
            raise RunError(f"{problem}; set a lower optim.lr, or optim.clip")
        self.log.say(f"warning: {problem}; the step was skipped")
