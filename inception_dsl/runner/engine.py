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

from inception_dsl.runner.average import WeightAverage
from inception_dsl.runner.checkpoint import FolderLock, save_checkpoint, write_status
from inception_dsl.runner.config import Config, NetworkInfo
from inception_dsl.runner.data import Batch, make_loader, steps_per_epoch
from inception_dsl.runner.devices import (
    RankContext,
    all_reduce_sum,
    any_rank,
    autocast,
    broadcast_tensors,
    resolve_precision,
    set_deterministic,
)
from inception_dsl.runner.evaluate import Score, evaluate
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
from inception_dsl.runner.loss import compute_loss
from inception_dsl.runner.optim import make_optimiser, set_learning_rate
from inception_dsl.runner.preflight import check_run, dry_run, fit_to_memory
from inception_dsl.runner.progress import Log
from inception_dsl.runner.randomness import derive_seed
from inception_dsl.runner.reader import Reader
from inception_dsl.runner.readers import open_images
from inception_dsl.runner.schedule import learning_rate, total_steps
from inception_dsl.runner.settings import RunError, with_setting


def forward_backward(
    model: nn.Module, images: Tensor, labels: Tensor, config: Config, context: RankContext
) -> dict[str, Tensor]:
    """Forward and backward of a micro-batch; its losses, each times its part of the step's images."""
    part = len(labels) / config.data.batch
    with autocast(context, config.run.precision):
        loss, losses = compute_loss(model(images), labels, config)
    torch.autograd.backward(loss * (part * context.world_size))  # DDP takes the mean over the ranks
    return {name: each * part for name, each in losses.items()}


class TrainingState:
    """All that the next step depends on, for the rest is a function of its number: what a checkpoint holds."""

    def __init__(
        self,
        network: Callable[[int], nn.Module],
        config: Config,
        info: NetworkInfo,
        images: Reader,
        context: RankContext,
    ) -> None:
        self.images, self.context, self.identity = images, context, run_identity(config, info, images)
        torch.manual_seed(derive_seed(config.run.seed, "weights"))
        layout = torch.channels_last if config.run.channels_last else torch.contiguous_format
        self.network = network(len(images.classes)).to(context.device).to(memory_format=layout).train()
        self.requested_accumulate, self.config = (
            config.run.accumulate,
            fit_to_memory(self.network, config, context, forward_backward),
        )
        if config.run.sync_bn and context.world_size > 1:
            self.network = nn.SyncBatchNorm.convert_sync_batchnorm(self.network)  # type: ignore[no-untyped-call]
        self.average = WeightAverage(self.network, config)
        self.parts: dict[str, Any] = {"network": self.network, "averaged": self.average.network}
        self.optimiser = self.parts["optimiser"] = make_optimiser(config, self.network)
        self.step = self.last_evaluated_step = self.unreadable = (
            0  # steps done; the one evaluated last; images that had stand-ins
        )
        self.model = self.network
        if config.run.compile:
            self.model.compile()
        if context.world_size > 1:  # batch statistics stay each rank's own: rank 0's are saved, and evaluated by all
            self.model = DistributedDataParallel(self.network, forward_sync_buffers=False, gradient_as_bucket_view=True)
            dry_run(self.model, self.config, context, forward_backward)  # its first pass only tells DDP the buckets

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and words."""
        numbers = {"step": self.step, "scored": self.last_evaluated_step, "unreadable": self.unreadable}
        numbers |= {
            "world": self.context.world_size,
            "accumulate": self.config.run.accumulate,
            "wanted": self.requested_accumulate,
        }
        return {**numbers, "identity": self.identity, **{name: each.state_dict() for name, each in self.parts.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there. Raises `RunError` where a state that is forced on it does not fit."""
        groups = self.optimiser.param_groups
        settings = [{key: each for key, each in group.items() if key != "params"} for group in groups]
        try:
            for name, each in self.parts.items():
                each.load_state_dict(state[name])
            self.step, self.last_evaluated_step, self.unreadable = state["step"], state["scored"], state["unreadable"]
        except (RuntimeError, ValueError, KeyError) as error:
            raise RunError(f"the checkpoint does not fit: {' '.join(str(error).split())[:200]}") from error
        for group, own in zip(self.optimiser.param_groups, settings, strict=True):
            group.update(own)  # a recipe that was forced on the checkpoint is the one that counts
        # Where there was less memory, its micro-batches are kept to: the same sums, the same bits.
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
    """Trains to the end of the schedule, or until `steps` are done: "done", or "preempted" by a signal.

    Raises `RunError` where it cannot start and `Failed` where it cannot go on; STATUS, in the folder, says the same.
    """
    with catch_signals() as asked, FolderLock(out) if context.rank == 0 else nullcontext():
        set_deterministic(config.run.deterministic)
        images, held_out = (open_images(config.data.source, split) for split in ("train", "test"))
        if images.classes != held_out.classes:
            raise RunError(f"{config.data.source}: the images held out have other classes, or these in another order")
        check_run(config, len(images), context)
        if steps is not None and steps < 1:
            raise RunError(f"--steps is {steps}; set 1 or more")
        epoch = steps_per_epoch(len(images), config.data.batch)
        last = total_steps(config, epoch)
        state = resume_state(out, resume, context)
        begun = state["identity"].get("run.precision", "") if state else ""
        config, precision = resolve_precision(config, context, begun)
        training = TrainingState(network, config, info, images, context)
        if state:
            check_resumable(state, training.identity, force, context)
            training.load_state_dict(state)
        last = max(training.step, min(last, steps or last))
        log = Log(out, context, training.config, training.step, last, len(images.classes))
        if context.rank == 0:
            write_run_info(out, training.config, info, images, context, precision)
            log.say(precision)
            log.say(run_summary(training.network, training.config, context, training.step, last))
        with track_status(out, context), closing(log):
            score = train_loop(training, held_out, out, log, asked, last)
            if score and context.rank == 0:
                done = {"steps": training.step, "epochs": training.step / epoch}
                model = training.average.network
                write_model(out / "model", model, training.config, images.classes, score, info, done)
            any_rank(context, False)  # all wait for rank 0: torchrun ends the others when one leaves
        word = "done" if score else "preempted"
        if context.rank == 0:
            write_status(out, word)
        return word


def train_loop(
    training: TrainingState, held_out: Reader, out: Path, log: Log, asked: Callable[[], bool], last: int
) -> Score | None:
    """Trains, evaluates and saves up to a last step: its score, or nothing where a signal came first."""
    config, context, images, start = training.config, training.context, training.images, training.step
    epoch = steps_per_epoch(len(images), config.data.batch)
    evaluate_every = max(1, round(config.run.evaluate_every * epoch))
    batches, stop = log.waiting(make_loader(images, config, context, start, last)), False
    while True:
        step, score = training.step, None
        if step == last or (step % evaluate_every == 0 and step not in {0, training.last_evaluated_step}):
            broadcast_tensors(context, training.average.network.buffers())
            score, unreadable = evaluate(training.average.network, held_out, config, context, asked)
            report_unreadable(out, unreadable)
            stop = any_rank(context, stop or asked())
            if score.n + score.unreadable == len(held_out):
                training.last_evaluated_step = step
                log.evaluation(step, score)
        if context.rank == 0 and step > start and (stop or step == last or step % config.run.save_every == 0):
            try:
                save_checkpoint(out / "checkpoints", step, training.state_dict(), config.run.keep)
            except OSError as error:  # the disk may have room again before the next one
                if stop or step == last:
                    raise
                log.say(f"warning: {error}; the checkpoint before it stays, and training goes on")
        if stop or step == last:
            if not (done := step == last == training.last_evaluated_step):
                log.say(f"stopped after step {step:,} of {last:,}; the same command goes on")
            return score if done else None

        lr = learning_rate(config, step, epoch)
        set_learning_rate(training.optimiser, lr)
        numbers, unreadable, stop = accumulate_gradients(training, batches, asked)
        report_unreadable(out, unreadable)
        if not all(map(math.isfinite, numbers.values())):
            names = write_step_images(out, config, images, step, context)
            what = f"step {step}: {numbers}: not finite; {names} lists the images"
            raise RunError(f"{what}; set a lower optim.lr or a clip")
        training.optimiser.step()
        training.average.update(step)
        training.step += 1
        log.train(training.step, epoch=training.step / epoch, **numbers, lr=lr, unreadable=training.unreadable)


def accumulate_gradients(
    training: TrainingState, batches: Iterator[Batch], asked: Callable[[], bool]
) -> tuple[dict[str, float], list[str], bool]:
    """The gradient of one step, clipped; the losses of all ranks, what this one could not read, whether to stop."""
    config, context, model = training.config, training.context, training.model
    losses, unreadable = dict[str, Tensor](), list[str]()
    training.optimiser.zero_grad()
    for micro in range(1, config.run.accumulate + 1):
        batch = next(batches)
        unreadable += batch.unreadable
        images, labels = (each.to(context.device, non_blocking=True) for each in (batch.images, batch.labels))
        torch.manual_seed(derive_seed(config.run.seed, "step", training.step, context.rank, micro))  # of dropout
        more = micro < config.run.accumulate
        with model.no_sync() if more and isinstance(model, DistributedDataParallel) else nullcontext():
            for name, loss in forward_backward(model, images, labels, config, context).items():
                losses[name] = losses[name] + loss if name in losses else loss
    norm = clip_grad_norm_(training.network.parameters(), config.optim.clip or math.inf)
    # All that the host wants to know of the step, in one sum and one transfer.
    told = torch.tensor([len(unreadable), asked()], dtype=torch.float32).to(context.device, non_blocking=True)
    *sums, replaced, stop = all_reduce_sum(
        context, torch.cat([torch.stack([*losses.values(), norm / context.world_size]), told])
    )
    training.unreadable += round(replaced)
    return dict(zip([*losses, "gradient"], sums, strict=True)), unreadable, stop > 0
