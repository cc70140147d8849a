"""The training loop."""

from __future__ import annotations

import argparse
import math
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import clip_grad_norm_

from inception_dsl.runner.average import Averaged
from inception_dsl.runner.checkpoint import Lock, save, write_status
from inception_dsl.runner.config import About, Config
from inception_dsl.runner.data import Batch, make_loader, steps_per_epoch
from inception_dsl.runner.devices import (
    Place,
    any_rank,
    autocast,
    be_deterministic,
    end,
    leave,
    place,
    settle_precision,
    summed,
    synchronise,
)
from inception_dsl.runner.evaluate import Score, evaluate
from inception_dsl.runner.export import write_model
from inception_dsl.runner.folder import (
    Failed,
    describe,
    fits,
    identity,
    list_images,
    running,
    signals,
    stored,
    summary,
    tell_unreadable,
)
from inception_dsl.runner.loss import loss_of
from inception_dsl.runner.optim import make_optimiser, set_rate
from inception_dsl.runner.preflight import check, dry_run, fit_to_memory
from inception_dsl.runner.progress import Log
from inception_dsl.runner.randomness import mix
from inception_dsl.runner.reader import Reader
from inception_dsl.runner.readers import open_images
from inception_dsl.runner.schedule import rate, total_steps
from inception_dsl.runner.settings import RunError, setting

EXIT_CODES = {"done": 0, "preempted": 75}  # 75: EX_TEMPFAIL, try again

EPILOG = """\
one process:      python train.py --data folder:imagenet --out runs/first
the GPUs here:    torchrun --nproc-per-node=gpu --max-restarts=3 --shutdown-timeout=100 train.py --data ... \\
                    --set data.batch=256 optim.scale=linear       (of a step, over all processes: 32 each on 8)
many machines:    export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1     (or restarts may find the addresses of the dead)
                  torchrun --nnodes=4 --nproc-per-node=gpu --max-restarts=3 --shutdown-timeout=100 \\
                    --rdzv-backend=c10d --rdzv-id=7 --rdzv-endpoint=HOST:29400 train.py --data ... --out SHARED
Slurm:            #SBATCH --nodes=4 --ntasks-per-node=1 --gpus-per-node=8 --signal=TERM@120 --requeue
                  srun (the same torchrun, --rdzv-id=$SLURM_JOB_ID, and --signals-to-handle=SIGTERM,SIGINT,SIGUSR1)
                  [ "$(cat SHARED/STATUS)" = preempted ] && scontrol requeue $SLURM_JOB_ID

The same command again goes on from the last checkpoint, as if nothing had happened. SIGTERM, SIGUSR1 and Ctrl-C save
first; the exit code is then 75 (torchrun's own is 1), and OUT/STATUS says "preempted". 0: done; 1: failed (a loss that
is not finite, a full disk), and torchrun tries again from the checkpoint, but --max-restarts times at most; 2: could
not start."""


def forward_backward(
    model: nn.Module, images: Tensor, labels: Tensor, config: Config, place: Place
) -> dict[str, Tensor]:
    """Forward and backward of a micro-batch; its losses, each times its part of the step's images."""
    part = len(labels) / config.data.batch
    with autocast(place, config.run.precision):
        loss, losses = loss_of(model(images), labels, config)
    torch.autograd.backward(loss * (part * place.world))  # DDP takes the mean over the ranks
    return {name: each * part for name, each in losses.items()}


class Training:
    """All that the next step depends on, for the rest is a function of its number: what a checkpoint holds."""

    def __init__(
        self, network: Callable[[int], nn.Module], config: Config, about: About, images: Reader, here: Place
    ) -> None:
        self.images, self.here, self.identity = images, here, identity(config, about, images)
        torch.manual_seed(mix(config.run.seed, "weights"))
        layout = torch.channels_last if config.run.channels_last else torch.contiguous_format
        self.network = network(len(images.classes)).to(here.device).to(memory_format=layout).train()
        self.wanted, self.config = config.run.accumulate, fit_to_memory(self.network, config, here, forward_backward)
        if config.run.sync_bn and here.world > 1:
            self.network = nn.SyncBatchNorm.convert_sync_batchnorm(self.network)  # type: ignore[no-untyped-call]
        self.averaged = Averaged(self.network, config)
        self.parts: dict[str, Any] = {"network": self.network, "averaged": self.averaged.network}
        self.optimiser = self.parts["optimiser"] = make_optimiser(config, self.network)
        self.step = self.scored = self.unreadable = 0  # steps done; the one evaluated last; images that had stand-ins
        self.model = self.network
        if config.run.compile:
            self.model.compile()
        if here.world > 1:  # batch statistics stay each rank's own: rank 0's are saved, and evaluated by all
            self.model = DistributedDataParallel(self.network, forward_sync_buffers=False, gradient_as_bucket_view=True)
            dry_run(self.model, self.config, here, forward_backward)  # its first pass only tells DDP the buckets

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and words."""
        numbers = {"step": self.step, "scored": self.scored, "unreadable": self.unreadable}
        numbers |= {"world": self.here.world, "accumulate": self.config.run.accumulate, "wanted": self.wanted}
        return {**numbers, "identity": self.identity, **{name: each.state_dict() for name, each in self.parts.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there. Raises `RunError` where a state that is forced on it does not fit."""
        groups = self.optimiser.param_groups
        settings = [{key: each for key, each in group.items() if key != "params"} for group in groups]
        try:
            for name, each in self.parts.items():
                each.load_state_dict(state[name])
            self.step, self.scored, self.unreadable = state["step"], state["scored"], state["unreadable"]
        except (RuntimeError, ValueError, KeyError) as error:
            raise RunError(f"the checkpoint does not fit: {' '.join(str(error).split())[:200]}") from error
        for group, own in zip(self.optimiser.param_groups, settings, strict=True):
            group.update(own)  # a recipe that was forced on the checkpoint is the one that counts
        # Where there was less memory, its micro-batches are kept to: the same sums, the same bits.
        same = (state["world"], state["wanted"]) == (self.here.world, self.wanted)
        if same and state["accumulate"] > self.config.run.accumulate:
            self.config = setting(self.config, "run.accumulate", str(state["accumulate"]))


def train(
    network: Callable[[int], nn.Module],
    config: Config,
    about: About,
    here: Place,
    out: Path,
    resume: str = "auto",
    force: bool = False,
    steps: int | None = None,
) -> str:
    """Trains to the end of the schedule, or until `steps` are done: "done", or "preempted" by a signal.

    Raises `RunError` where it cannot start and `Failed` where it cannot go on; STATUS, in the folder, says the same.
    """
    with signals() as asked, Lock(out) if here.rank == 0 else nullcontext():
        be_deterministic(config.run.deterministic)
        images, held_out = (open_images(config.data.source, split) for split in ("train", "test"))
        if images.classes != held_out.classes:
            raise RunError(f"{config.data.source}: the images held out have other classes, or these in another order")
        check(config, len(images), here)
        if steps is not None and steps < 1:
            raise RunError(f"--steps is {steps}; set 1 or more")
        epoch = steps_per_epoch(len(images), config.data.batch)
        last = total_steps(config, epoch)
        state = stored(out, resume, here)
        begun = state["identity"].get("run.precision", "") if state else ""
        config, precision = settle_precision(config, here, begun)
        training = Training(network, config, about, images, here)
        if state:
            fits(state, training.identity, force, here)
            training.load_state_dict(state)
        last = max(training.step, min(last, steps or last))
        log = Log(out, here, training.config, training.step, last, len(images.classes))
        if here.rank == 0:
            describe(out, training.config, about, images, here, precision)
            log.say(precision)
            log.say(summary(training.network, training.config, here, training.step, last))
        with running(out, here), closing(log):
            score = loop(training, held_out, out, log, asked, last)
            if score and here.rank == 0:
                done = {"steps": training.step, "epochs": training.step / epoch}
                model = training.averaged.network
                write_model(out / "model", model, training.config, images.classes, score, about, done)
            any_rank(here, False)  # all wait for rank 0: torchrun ends the others when one leaves
        word = "done" if score else "preempted"
        if here.rank == 0:
            write_status(out, word)
        return word


def loop(
    training: Training, held_out: Reader, out: Path, log: Log, asked: Callable[[], bool], last: int
) -> Score | None:
    """Trains, evaluates and saves up to a last step: its score, or nothing where a signal came first."""
    config, here, images, start = training.config, training.here, training.images, training.step
    epoch = steps_per_epoch(len(images), config.data.batch)
    evaluate_every = max(1, round(config.run.evaluate_every * epoch))
    batches, stop = log.waiting(make_loader(images, config, here, start, last)), False
    while True:
        step, score = training.step, None
        if step == last or (step % evaluate_every == 0 and step not in {0, training.scored}):
            synchronise(here, training.averaged.network.buffers())
            score, unreadable = evaluate(training.averaged.network, held_out, config, here, asked)
            tell_unreadable(out, unreadable)
            stop = any_rank(here, stop or asked())
            if score.n + score.unreadable == len(held_out):
                training.scored = step
                log.evaluation(step, score)
        if here.rank == 0 and step > start and (stop or step == last or step % config.run.save_every == 0):
            try:
                save(out / "checkpoints", step, training.state_dict(), config.run.keep)
            except OSError as error:  # the disk may have room again before the next one
                if stop or step == last:
                    raise
                log.say(f"warning: {error}; the checkpoint before it stays, and training goes on")
        if stop or step == last:
            if not (done := step == last == training.scored):
                log.say(f"stopped after step {step:,} of {last:,}; the same command goes on")
            return score if done else None

        lr = rate(config, step, epoch)
        set_rate(training.optimiser, lr)
        numbers, unreadable, stop = accumulate_gradients(training, batches, asked)
        tell_unreadable(out, unreadable)
        if not all(map(math.isfinite, numbers.values())):
            names = list_images(out, config, images, step, here)
            what = f"step {step}: {numbers}: not finite; {names} lists the images"
            raise RunError(f"{what}; set a lower optim.lr or a clip")
        training.optimiser.step()
        training.averaged.update(step)
        training.step += 1
        log.train(training.step, epoch=training.step / epoch, **numbers, lr=lr, unreadable=training.unreadable)


def accumulate_gradients(
    training: Training, batches: Iterator[Batch], asked: Callable[[], bool]
) -> tuple[dict[str, float], list[str], bool]:
    """The gradient of one step, clipped; the losses of all ranks, what this one could not read, whether to stop."""
    config, here, model = training.config, training.here, training.model
    losses, unreadable = dict[str, Tensor](), list[str]()
    training.optimiser.zero_grad()
    for micro in range(1, config.run.accumulate + 1):
        batch = next(batches)
        unreadable += batch.unreadable
        images, labels = (each.to(here.device, non_blocking=True) for each in (batch.images, batch.labels))
        torch.manual_seed(mix(config.run.seed, "step", training.step, here.rank, micro))  # of dropout
        more = micro < config.run.accumulate
        with model.no_sync() if more and isinstance(model, DistributedDataParallel) else nullcontext():
            for name, loss in forward_backward(model, images, labels, config, here).items():
                losses[name] = losses[name] + loss if name in losses else loss
    norm = clip_grad_norm_(training.network.parameters(), config.optim.clip or math.inf)
    # All that the host wants to know of the step, in one sum and one transfer.
    told = torch.tensor([len(unreadable), asked()], dtype=torch.float32).to(here.device, non_blocking=True)
    *sums, replaced, stop = summed(here, torch.cat([torch.stack([*losses.values(), norm / here.world]), told]))
    training.unreadable += round(replaced)
    return dict(zip([*losses, "gradient"], sums, strict=True)), unreadable, stop > 0


def main(network: Callable[[int], nn.Module], config: Config, about: About) -> None:
    """The command line of a generated `train.py`."""
    parser = argparse.ArgumentParser(
        description=f"Trains {about.title}.", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data, out = config.data.source, Path("runs", about.name)
    add = parser.add_argument
    add("--data", required=not data, default=data, metavar="KIND:PATH", help="the images, such as folder:imagenet")
    add("--out", type=Path, default=out, metavar="FOLDER", help=f"of the run; {out} if not given")
    add("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="settings, such as optim.lr=0.02")
    resume = "auto: go on from the last checkpoint in --out, if any; FILE: or else from this one, of another run"
    add("--resume", default="auto", metavar="auto|never|FILE", help=resume)
    add("--force", action="store_true", help="go on from it though the network, the data or the recipe differ")
    add("--steps", type=int, metavar="N", help="end when N steps are done, whatever the schedule")
    add("--deterministic", action="store_true", help="the same bits on a GPU each time, slower; run.deterministic")
    given = parser.parse_args()
    flags = ["run.deterministic=true"] if given.deterministic else []
    try:
        for assignment in [f"data.source={given.data}", *given.set, *flags]:
            key, _, value = assignment.partition("=")
            config = setting(config, key, value)
        code = EXIT_CODES[train(network, config, about, place(), given.out, given.resume, given.force, given.steps)]
        leave()  # not after an error of one rank: NCCL would wait for the others, and they for it
    except (RunError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        code = 1 if isinstance(error, Failed) else 2
    except torch.OutOfMemoryError as error:
        said = str(error).partition(".")[0]
        sys.stderr.write(f"error: {said}; --set run.accumulate={2 * config.run.accumulate} takes less\n")
        code = 1
    except Exception:  # noqa: BLE001 - told before the end, which under torchrun is at once
        traceback.print_exc()
        code = 1
    end(code)
