"""The training loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_

from inception_dsl.runner.augment import finish_images
from inception_dsl.runner.average import WeightAverage
from inception_dsl.runner.checkpoint import FolderLock, save_checkpoint, write_status
from inception_dsl.runner.config import Config, NetworkInfo
from inception_dsl.runner.data import Batch, steps_per_epoch
from inception_dsl.runner.devices import (
    RankContext,
    all_reduce_sum,
    any_rank,
    autocast,
    broadcast_tensors,
    move_to_device,
    resolve_precision,
    set_deterministic,
)
from inception_dsl.runner.evaluate import evaluate
from inception_dsl.runner.export import write_model
from inception_dsl.runner.folder import (
    catch_signals,
    check_resumable,
    report_unreadable,
    resume_state,
    run_identity,
    run_summary,
    track_status,
    write_run_info,
    write_step_images,
)
from inception_dsl.runner.initial_weights import (
    freeze,
    load_initial_weights,
    transfer_summary,
    with_weights_sha256,
)
from inception_dsl.runner.loaders import Loaders, make_loader
from inception_dsl.runner.loss import compute_loss
from inception_dsl.runner.optim import make_optimiser, set_bn_momentum, set_learning_rate
from inception_dsl.runner.preflight import check_run, dry_run, fit_to_memory
from inception_dsl.runner.progress import Log
from inception_dsl.runner.randomness import derive_seed
from inception_dsl.runner.reader import Reader
from inception_dsl.runner.scaling import scaling_summary
from inception_dsl.runner.schedule import learning_rate, total_steps
from inception_dsl.runner.scores import Score
from inception_dsl.runner.settings import RunError, with_setting
from inception_dsl.runner.start import start_run


def forward_backward(
    model: nn.Module, images: Tensor, labels: Tensor, config: Config, context: RankContext
) -> dict[str, Tensor]:
    """Forward and backward of a micro-batch; returns its losses, weighted by its fraction of the step's images."""
    fraction = len(labels) / config.data.batch
    with autocast(context, config.run.precision):
        loss, losses = compute_loss(model(images), labels, config)
    torch.autograd.backward(loss * (fraction * context.world_size))  # DDP averages over the ranks
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
        self.optimiser = self.parts["optimiser"] = make_optimiser(config, self.network)
        self.step = self.last_evaluated_step = 0  # steps done
        self.unreadable = 0  # images that were replaced
        self.model = self.network
        if config.run.compile:
            self.model.compile()
        if context.world_size > 1:  # each rank keeps its batch statistics; rank 0's are saved, and evaluated by all
            self.model = DistributedDataParallel(self.network, forward_sync_buffers=False, gradient_as_bucket_view=True)
            # The first pass only assigns DDP's buckets.
            dry_run(self.model, self.config, context, forward_backward, images.label(0))

    def state_dict(self) -> dict[str, Any]:
        """The contents of a checkpoint."""
        numbers = {"step": self.step, "scored": self.last_evaluated_step, "unreadable": self.unreadable}
        numbers |= {
            "world": self.context.world_size,
            "accumulate": self.config.run.accumulate,
            "wanted": self.requested_accumulate,
        }
        return {**numbers, "identity": self.identity, **{name: part.state_dict() for name, part in self.parts.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a checkpoint. Raises `RunError` if a forced one does not fit."""
        groups = self.optimiser.param_groups
        settings = [{key: value for key, value in group.items() if key != "params"} for group in groups]
        try:
            for name, part in self.parts.items():
                part.load_state_dict(state[name])
            self.step, self.last_evaluated_step, self.unreadable = state["step"], state["scored"], state["unreadable"]
        except (RuntimeError, ValueError, KeyError) as error:
            raise RunError(f"the checkpoint does not fit: {' '.join(str(error).split())[:200]}") from error
        for group, own in zip(self.optimiser.param_groups, settings, strict=True):
            group.update(own)  # with --force, the recipe of this run wins
        # Keep smaller micro-batches that less memory once required: the same sums, bit for bit.
        same = (state["world"], state["wanted"]) == (self.context.world_size, self.requested_accumulate)
        if same and state["accumulate"] > self.config.run.accumulate:
            self.config = with_setting(self.config, "run.accumulate", str(state["accumulate"]))


def train(
    network: Callable[[int], nn.Module],
    config: Config,
    info: NetworkInfo,
    context: RankContext,
    out: Path,
    resume: str = "auto",
    force: bool = False,
    steps: int | None = None,
) -> str:
    """Train to the end of the schedule, or to `steps`; returns "done", or "preempted" after a signal.

    Raises `RunError` if it cannot start and `RunFailed` if it cannot go on; STATUS in the folder says the same.
    """
    check_run(config, context)
    if steps is not None and steps < 1:
        raise RunError(f"--steps is {steps}; set 1 or more")
    lock = FolderLock(out) if context.rank == 0 else nullcontext()
    with catch_signals() as stop_requested, lock, start_run(config, context) as loaders:
        images = loaders.training.reader
        set_deterministic(config.run.deterministic)
        epoch = steps_per_epoch(len(images), config.data.batch)
        last = total_steps(config, epoch)
        state = resume_state(out, resume, context)
        started = state["identity"].get("run.precision", "") if state else ""
        config, precision = resolve_precision(with_weights_sha256(config, state), context, started)
        training = TrainingState(network, config, info, images, context, resumed=state is not None)
        if state:
            check_resumable(state, training.identity, force, context)
            training.load_state_dict(state)
        last = max(training.step, min(last, steps or last))
        log = Log(out, context, training.config, training.step, last, len(images.classes))
        if context.rank == 0:
            write_run_info(out, training.config, info, images, context, precision)
            for line in filter(None, (precision, transfer_summary(training.config))):
                log.say(line)
            log.say(run_summary(training.network, training.config, context, training.step, last))
            log.say(scaling_summary(training.config))
        with track_status(out, context, lambda: training.step), closing(log):
            score = train_loop(training, loaders, out, log, stop_requested, last)
            if score and context.rank == 0:
                done = {"steps": training.step, "epochs": training.step / epoch}
                model = training.average.network
                write_model(out / "model", model, training.config, images.classes, score, info, done)
            any_rank(context, False)  # wait for rank 0: torchrun stops the others when one exits
        word = "done" if score else "preempted"
        if context.rank == 0:
            write_status(out, word)
        return word


def train_loop(
    training: TrainingState, loaders: Loaders, out: Path, log: Log, stop_requested: Callable[[], bool], last: int
) -> Score | None:
    """Train, evaluate and save up to a last step; returns its score, or None after a signal."""
    config, context, images, start = training.config, training.context, training.images, training.step
    epoch = steps_per_epoch(len(images), config.data.batch)
    evaluate_every = max(1, round(config.run.evaluate_every * epoch))
    batches, stop = log.waiting(make_loader(loaders.training, config, context, start, last)), False
    while True:
        step, score = training.step, None
        if step == last or (step % evaluate_every == 0 and step not in {0, training.last_evaluated_step}):
            broadcast_tensors(context, training.average.network.buffers())
            score, unreadable = evaluate(training.average.network, loaders.evaluation, config, context, stop_requested)
            report_unreadable(out, unreadable)
            stop = any_rank(context, stop or stop_requested())
            if score.n + score.unreadable == len(loaders.evaluation.reader):
                training.last_evaluated_step = step
                log.evaluation(step, score)
        if context.rank == 0 and step > start and (stop or step == last or step % config.run.save_every == 0):
            try:
                save_checkpoint(out / "checkpoints", step, training.state_dict(), config.run.keep)
            except OSError as error:  # the disk may have room again by the next one
                if stop or step == last:
                    raise
                log.say(f"warning: {error}; the previous checkpoint stays, and training goes on")
        if stop or step == last:
            if not (done := step == last == training.last_evaluated_step):
                log.say(f"stopped after step {step:,} of {last:,}; the same command resumes")
            return score if done else None

        lr = learning_rate(config, step, epoch)
        set_learning_rate(training.optimiser, lr)
        numbers, unreadable, stop = accumulate_gradients(training, batches, stop_requested)
        report_unreadable(out, unreadable)
        if not all(map(math.isfinite, numbers.values())):
            names = write_step_images(out, config, images, step, context)
            problem = f"step {step}: {numbers}: not finite; {names} lists the images"
            raise RunError(f"{problem}; set a lower optim.lr, or optim.clip")
        training.optimiser.step()
        training.average.update(step)
        training.step += 1
        log.train(training.step, epoch=training.step / epoch, **numbers, lr=lr, unreadable=training.unreadable)


def accumulate_gradients(
    training: TrainingState, batches: Iterator[Batch], stop_requested: Callable[[], bool]
) -> tuple[dict[str, float], list[str], bool]:
    """Accumulate and clip a step's gradient; returns the losses, this rank's unreadable images, and whether to stop."""
    config, context, model = training.config, training.context, training.model
    losses, unreadable = dict[str, Tensor](), list[str]()
    training.optimiser.zero_grad()
    for micro in range(1, config.run.accumulate + 1):
        batch = next(batches)
        unreadable += batch.unreadable
        images, draws, labels = move_to_device(context, batch.images, batch.draws, batch.labels)
        images = finish_images(images, draws, config)
        torch.manual_seed(derive_seed(config.run.seed, "step", training.step, context.rank, micro))  # for dropout
        more = micro < config.run.accumulate
        with model.no_sync() if more and isinstance(model, DistributedDataParallel) else nullcontext():
            for name, loss in forward_backward(model, images, labels, config, context).items():
                losses[name] = losses[name] + loss if name in losses else loss
    norm = clip_grad_norm_(training.network.parameters(), config.optim.clip or math.inf)
    # Everything the host needs from the step, in one all-reduce and one transfer.
    counts = torch.tensor([len(unreadable), stop_requested()], dtype=torch.float32).to(
        context.device, non_blocking=True
    )
    *sums, replaced, stop = all_reduce_sum(
        context, torch.cat([torch.stack([*losses.values(), norm / context.world_size]), counts])
    )
    training.unreadable += round(replaced)
    return dict(zip([*losses, "gradient"], sums, strict=True)), unreadable, stop > 0
