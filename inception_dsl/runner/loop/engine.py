"""The training loop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path

from torch import nn

from inception_dsl.runner.base.config import Config, NetworkInfo
from inception_dsl.runner.base.scaling import scaling_summary
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.images.data import steps_per_epoch
from inception_dsl.runner.images.loaders import Loaders, make_loader
from inception_dsl.runner.images.prefetch import on_device
from inception_dsl.runner.images.start import announced, start_run
from inception_dsl.runner.learning.initial_weights import transfer_summary, with_weights_sha256
from inception_dsl.runner.learning.schedule import learning_rate, total_steps
from inception_dsl.runner.loop.preflight import check_run
from inception_dsl.runner.loop.state import TrainingState
from inception_dsl.runner.loop.step import train_step
from inception_dsl.runner.machine.devices import RankContext, any_rank, broadcast_tensors, set_deterministic
from inception_dsl.runner.machine.precision import resolve_precision
from inception_dsl.runner.record.checkpoint import FolderLock, write_status
from inception_dsl.runner.record.checkpoint_writer import CheckpointWriter
from inception_dsl.runner.record.evaluate import evaluate
from inception_dsl.runner.record.export import write_model
from inception_dsl.runner.record.folder import (
    catch_signals,
    check_resumable,
    report_unreadable,
    resume_state,
    run_summary,
    track_status,
    write_run_info,
)
from inception_dsl.runner.record.guessing import guessing_loss, single_class
from inception_dsl.runner.record.progress import Log
from inception_dsl.runner.record.scores import Score
from inception_dsl.runner.record.step_numbers import StepReader


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
        with announced("building the network, and trying a step", context):
            training = TrainingState(network, config, info, images, context, resumed=state is not None)
        if state:
            check_resumable(state, training.identity, force, context)
            training.load_state_dict(state)
        last = max(training.step, min(last, steps or last))
        guess = guessing_loss(images, config) if context.rank == 0 else 0.0
        log = Log(out, context, training.config, training.step, last, guess)
        if context.rank == 0:
            write_run_info(out, training.config, info, images, context, precision)
            summary = run_summary(training.network, training.config, context, training.step, last)
            only = single_class(images, config)
            for line in filter(None, (precision, transfer_summary(config), summary, scaling_summary(config), only)):
                log.say(line)
        writer = CheckpointWriter(out / "checkpoints", config.run.keep, context.device, log.say)
        with track_status(out, context, lambda: training.step), closing(log), writer:
            if training.step < last:
                log.start()
            score = train_loop(training, loaders, out, log, writer, stop_requested, last)
            if score and context.rank == 0:
                done = {"steps": training.step, "epochs": training.step / epoch}
                model = training.average.network
                write_model(out / "model", model, training.config, images.classes, score, info, done, training.best)
            any_rank(context, False)  # wait for rank 0: torchrun stops the others when one exits
        word = "done" if score else "preempted"
        if context.rank == 0:
            write_status(out, word)
        return word


def train_loop(
    training: TrainingState,
    loaders: Loaders,
    out: Path,
    log: Log,
    writer: CheckpointWriter,
    stop_requested: Callable[[], bool],
    last: int,
) -> Score | None:
    """Train, evaluate and save up to a last step; returns its score, or None after a signal."""
    config, context, images, start = training.config, training.context, training.images, training.step
    epoch = steps_per_epoch(len(images), config.data.batch)
    evaluate_every = max(1, round(config.run.evaluate_every * epoch))
    batches = on_device(log.waiting(make_loader(loaders.training, config, context, start, last)), config, context)
    numbers = StepReader(images, config, context, training.counts, log, out)
    while True:
        step, score, best = training.step, None, False
        evaluates = step == last or (step % evaluate_every == 0 and step not in {0, training.last_evaluated_step})
        saves = step > start and (step == last or step % config.run.save_every == 0)
        stop = numbers.read(evaluates or saves)
        if evaluates:
            broadcast_tensors(context, training.average.network.buffers())
            show = partial(log.evaluating, len(loaders.evaluation.reader))
            network = training.average.network
            score, unreadable = evaluate(network, loaders.evaluation, config, context, stop_requested, show)
            report_unreadable(out, unreadable)
            stop = any_rank(context, stop or stop_requested())
            if score.n + score.unreadable == len(loaders.evaluation.reader):
                training.last_evaluated_step = step
                log.evaluation(step, score)
                best = training.note_score(score)
        saves |= stop and step > start
        if context.rank == 0 and (saves or best):
            writer.save(training.state_dict(), step, regular=saves, best=best, wait=stop or step == last)
        writer.poll()
        if stop or step == last:
            if training.counts.skipped:
                log.say(f"{training.counts.skipped:,} of {step:,} steps were skipped: a number was not finite")
            if not (done := step == last == training.last_evaluated_step):
                log.say(f"stopped after step {step:,} of {last:,}; the same command resumes")
            elif training.best and training.best[0] != step:
                log.say("the best score was that of step {:,}: {}".format(*training.best))
            return score if done else None

        lr = learning_rate(config, step, epoch)
        queued = train_step(training, batches, lr, stop_requested)
        report_unreadable(out, queued.unreadable)
        numbers.put(step, lr, queued)
