"""The state of training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from inception_dsl.runner.base.config import Config, NetworkInfo
from inception_dsl.runner.base.randomness import derive_seed
from inception_dsl.runner.base.settings import RunError, one_line, with_setting
from inception_dsl.runner.learning.average import WeightAverage
from inception_dsl.runner.learning.batch_statistics import BatchStatistics
from inception_dsl.runner.learning.fused import load_optimiser
from inception_dsl.runner.learning.initial_weights import freeze, load_initial_weights
from inception_dsl.runner.learning.loss import compute_loss
from inception_dsl.runner.learning.loss_scale import LossScale
from inception_dsl.runner.learning.optim import make_optimiser, set_bn_momentum
from inception_dsl.runner.loop.preflight import dry_run, fit_to_memory
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.machine.precision import autocast
from inception_dsl.runner.readers.reader import Reader
from inception_dsl.runner.record.folder import run_identity
from inception_dsl.runner.record.scores import Score
from inception_dsl.runner.record.step_numbers import Counts


def forward_backward(
    model: nn.Module, images: Tensor, labels: Tensor, config: Config, context: RankContext, scale: Tensor | float = 1.0
) -> dict[str, Tensor]:
    """Forward and backward of a micro-batch; returns its losses, weighted by its fraction of the step's images."""
    fraction = len(labels) / config.data.batch
    with autocast(context, config.run.precision):
        loss, losses = compute_loss(model(images), labels, config)
    torch.autograd.backward(loss * (fraction * context.world_size) * scale)  # DDP averages over the ranks
    return {name: loss * fraction for name, loss in losses.items()}


class TrainingState:
    """The state that a checkpoint holds. Everything else that a step depends on is a function of its number."""

    def __init__(
        self,
        network: Callable[[int], nn.Module],
        config: Config,
        info: NetworkInfo,
        images: Reader,
        context: RankContext,
        resumed: bool = False,
    ) -> None:
        self.images, self.context, self.identity = images, context, run_identity(config, info, images)
        torch.manual_seed(derive_seed(config.run.seed, "weights"))
        layout = torch.channels_last if config.run.channels_last else torch.contiguous_format
        self.network = network(len(images.classes)).to(context.device).to(memory_format=layout).train()
        set_bn_momentum(self.network, config.optim.bn_momentum)
        if not resumed:
            load_initial_weights(self.network, config)
        freeze(self.network, config)
        self.requested_accumulate = config.run.accumulate
        self.config = fit_to_memory(self.network, config, context, forward_backward, images.label(0))
        if config.run.sync_bn and context.world_size > 1:
            self.network = nn.SyncBatchNorm.convert_sync_batchnorm(self.network)  # type: ignore[no-untyped-call]
        self.average = WeightAverage(self.network, config)
        self.parts: dict[str, Any] = {"network": self.network, "averaged": self.average.network}
        self.optimiser = make_optimiser(config, self.network)
        self.statistics, self.scale = BatchStatistics(self.network, config, context), LossScale(config, context)
        self.step = self.last_evaluated_step = 0  # steps done
        self.counts = Counts()
        self.best: tuple[int, Score] | None = None  # the step with the best score so far
        self.model = self.network
        if config.run.compile:
            self.model.compile()
        if context.world_size > 1:  # see BatchStatistics for the buffers
            self.model = DistributedDataParallel(self.network, forward_sync_buffers=False, gradient_as_bucket_view=True)
            # The first pass only assigns DDP's buckets.
            dry_run(self.model, self.config, context, forward_backward, images.label(0))

    def state_dict(self) -> dict[str, Any]:
        """The contents of a checkpoint."""
        numbers = {"step": self.step, "scored": self.last_evaluated_step, **asdict(self.counts)}
        numbers |= {
            "world": self.context.world_size,
            "accumulate": self.config.run.accumulate,
            "wanted": self.requested_accumulate,
        }
        parts: dict[str, Any] = {name: part.state_dict() for name, part in self.parts.items()}
        if self.best:
            parts["best"] = {"step": self.best[0], **asdict(self.best[1])}
        parts |= {"optimiser": self.optimiser.state_dict(), "scale": self.scale.state_dict()}
        return {**numbers, "identity": self.identity, **parts}

    def note_score(self, score: Score) -> bool:
        """Whether a score is the best one so far, which it then is."""
        best = self.best and self.best[1]
        better = not best or best.numbers.keys() != score.numbers.keys() or score.better_than(best)
        if better:
            self.best = self.step, score
        return better

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a checkpoint. Raises `RunError` if a forced one does not fit."""
        try:
            for name, part in self.parts.items():
                part.load_state_dict(state[name])
            load_optimiser(self.optimiser, state["optimiser"])
            self.step, self.last_evaluated_step = state["step"], state["scored"]
        except (RuntimeError, ValueError, KeyError) as error:
            raise RunError(f"the checkpoint does not fit: {one_line(error)}") from error
        self.counts = Counts(**{name: state.get(name, 0) for name in vars(self.counts)})
        if best := state.get("best"):
            self.best = best["step"], Score(**{name: best[name] for name in best if name != "step"})
        if "scale" in state:  # an older run has none
            self.scale.load_state_dict(state["scale"])
        # Keep smaller micro-batches that less memory once required: the same sums, bit for bit.
        same = (state["world"], state["wanted"]) == (self.context.world_size, self.requested_accumulate)
        if same and state["accumulate"] > self.config.run.accumulate:
            self.config = with_setting(self.config, "run.accumulate", str(state["accumulate"]))
