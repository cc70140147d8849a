"""Batch statistics: the buffers of a network, which its forward passes change."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import lookup
from inception_dsl.runner.machine.devices import RankContext, sum_over_ranks

BATCH_STATISTICS = {  # whether a step ends with the mean over the ranks
    "average": True,
    "first": False,
}


class BatchStatistics:
    """The running means and variances of a network, and its counters."""

    def __init__(self, network: nn.Module, config: Config, context: RankContext) -> None:
        averaged = lookup(BATCH_STATISTICS, config.run.batch_statistics, "run.batch_statistics")
        self.context, self.averaged = context, averaged and context.world_size > 1 and not config.run.sync_bn
        kinds: dict[bool, list[Tensor]] = {}
        for buffer in network.buffers():
            kinds.setdefault(buffer.is_floating_point(), []).append(buffer)
        self.kinds = [*kinds.values()]

    def read(self) -> list[Tensor]:
        """Copy them: one tensor of the floating-point ones, and one of the counters."""
        return [torch.cat([buffer.flatten() for buffer in kind]) for kind in self.kinds]

    def settle(self, before: list[Tensor], skipped: Tensor) -> None:
        """End a step: with the mean over the ranks if they are averaged, or as they were `before` if it is skipped.

        A mean after every step, not only before an evaluation, is the same whenever the run is stopped and resumed.
        """
        for kind, old, new in zip(self.kinds, before, self.read(), strict=True):
            if self.averaged and new.is_floating_point():  # the mean change, so that frozen ones keep their bits
                sum_over_ranks(self.context, new.sub_(old)).div_(self.context.world_size).add_(old)
            parts = torch.where(skipped > 0, old, new).split_with_sizes([buffer.numel() for buffer in kind])
            torch._foreach_copy_(kind, [part.view_as(buffer) for part, buffer in zip(parts, kind, strict=True)])
