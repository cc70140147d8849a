"""The training loop."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
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
    synchronise,
    total,
)
from inception_dsl.runner.evaluate import Score, evaluate
from inception_dsl.runner.export import write_model
from inception_dsl.runner.folder import (
    Failed,
    describe,
    identity,
    list_images,
    running,
    signals,
    stored,
    tell_unreadable,
)
from inception_dsl.runner.loss import loss_of
from inception_dsl.runner.optim import make_optimiser, set_rate
from inception_dsl.runner.preflight import check, that_fits
from inception_dsl.runner.progress import Log
from inception_dsl.runner.randomness import mix
from inception_dsl.runner.readers import Reader, open_images
from inception_dsl.runner.schedule import rate, total_steps
from inception_dsl.runner.settings import RunError, setting

EXIT_CODES = {"done": 0, "preempted": 75}  # 75: EX_TEMPFAIL, try again

EPILOG = """\
one process:      python train.py --data folder:imagenet --out runs/first
the GPUs here:    torchrun --nproc-per-node=gpu --max-restarts=3 train.py --data ...
many machines:    export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1     (or restarts may find the addresses of the dead)
                  torchrun --nnodes=4 --nproc-per-node=gpu --rdzv-backend=c10d --rdzv-endpoint=HOST:29500 \\
                    --max-restarts=3 train.py --data ...          (the same line on each; --out on a shared disk)
Slurm:            #SBATCH --nodes=4 --ntasks-per-node=1 --signal=TERM@120 --requeue
                  srun torchrun --nnodes=4 --nproc-per-node=gpu --shutdown-timeout=100 \\
                    --signals-to-handle=SIGTERM,SIGINT,SIGUSR1 --rdzv-backend=c10d \\
                    --rdzv-endpoint=$(scontrol show hostnames | head -n 1):29500 train.py --data ...

The same command again goes on from the last checkpoint, as if nothing had happened. SIGTERM, SIGUSR1 and Ctrl-C save
first; the exit code is then 75 (torchrun's own is 1), and OUT/STATUS says "preempted". 0: done; 1: failed (a loss that
is not finite, a full disk), and torchrun tries again from the checkpoint, but --max-restarts times at most; 2: could
not start."""


def learn(model: nn.Module, images: Tensor, labels: Tensor, config: Config, place: Place) -> dict[str, Tensor]:
    """Forward and backward of a micro-batch; its losses, each times its part of the step's images."""
    part = len(labels) / config.data.batch
    with autocast(place, config.run.precision):
        loss, losses = loss_of(model(images), labels, config)
    torch.autograd.backward(loss * (part * place.world))  # DDP takes the mean over the ranks
    return {name: each * part for name, each in losses.items()}


def rehearse(model: nn.Module, config: Config, place: Place) -> None:
    """Learn from blank images, and forget it. Raises `RunError` where the network cannot."""
    data, before = config.data, [each.clone() for each in model.buffers()]
    micro = data.batch // (place.world * config.run.accumulate)
    images = torch.zeros(micro, data.channels, data.height, data.width, device=place.device)
    try:
        learn(model, images, torch.zeros(micro, dtype=torch.long, device=place.device), config, place)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError) as error:
        why = " ".join(str(error).split())[:300]
        raise RunError(f"the network cannot learn from images of {tuple(images.shape)}: {why}") from error
    finally:
        model.zero_grad()
        for each, old in zip(model.buffers(), before, strict=True):
            each.copy_(old)


class Training:
    """All that the next step depends on, for the rest is a function of its number: what a checkpoint holds."""

    def __init__(
        self, network: Callable[[int], nn.Module], config: Config, about: About, images: Reader, here: Place
    ) -> None:
        self.images, self.here, self.identity = images, here, identity(config, about, images)
        torch.manual_seed(mix(config.run.seed, "weights"))
        layout = torch.channels_last if config.run.channels_last else torch.contiguous_format
        self.network = network(len(images.classes)).to(here.device).to(memory_format=layout).train()
        self.config = that_fits(self.network, config, here, rehearse)
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
            self.model = DistributedDataParallel(self.network, forward_sync_buffers=False)
            rehearse(self.model, self.config, here)  # after its first pass it sums in another order, and keeps to it

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and words."""
        numbers = {"step": self.step, "scored": self.scored, "unreadable": self.unreadable, "world": self.here.world}
        return {**numbers, "identity": self.identity, **{name: each.state_dict() for name, each in self.parts.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there. Raises `RunError` where a state that is forced on it does not fit."""
        try:
            for name, each in self.parts.items():
                each.load_state_dict(state[name])
            self.step, self.scored, self.unreadable = state["step"], state["scored"], state["unreadable"]
        except (RuntimeError, ValueError, KeyError) as error:
            raise RunError(f"the checkpoint is of another network: {' '.join(str(error).split())[:200]}") from error


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
        end = total_steps(config, steps_per_epoch(len(images), config.data.batch))
        training = Training(network, config, about, images, here)
        if state := stored(out, resume, training.identity, force, here):
            training.load_state_dict(state)
        if here.rank == 0:
            describe(out, config, about, images, here)
        with running(out, here):
            score = loop(training, held_out, out, asked, max(training.step, min(end, steps or end)))
            if score and here.rank == 0:
                write_model(out / "model", training.averaged.network, training.config, images.classes, score, about)
            any_rank(here, False)  # all wait for rank 0: torchrun ends the others when one leaves
        word = "done" if score else "preempted"
        if here.rank == 0:
            write_status(out, word)
        return word


def loop(training: Training, held_out: Reader, out: Path, asked: Callable[[], bool], last: int) -> Score | None:
    """Trains, evaluates and saves up to a last step: its score, or nothing where a signal came first."""
    config, here, images, start = training.config, training.here, training.images, training.step
    epoch = steps_per_epoch(len(images), config.data.batch)
    evaluate_every = max(1, round(config.run.evaluate_every * epoch))
    batches = make_loader(images, config, here, start, last)
    log, stop = Log(out, here, config, start, last, len(images.classes)), False
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
            log.close()
            return score if step == last == training.scored else None

        lr = rate(config, step, epoch)
        set_rate(training.optimiser, lr)
        numbers, unreadable, stop = descend(training, batches, asked)
        tell_unreadable(out, unreadable)
        if not all(map(math.isfinite, numbers.values())):
            names = list_images(out, config, images, step, here)
            what = f"step {step}: {numbers}: not finite; {names} lists the images"
            raise RunError(f"{what}; set a lower optim.lr or a clip")
        training.optimiser.step()
        training.averaged.update(step)
        training.step += 1
        log.train(training.step, epoch=training.step / epoch, **numbers, lr=lr, unreadable=training.unreadable)


def descend(
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
            for name, loss in learn(model, images, labels, config, here).items():
                losses[name] = losses[name] + loss if name in losses else loss
    norm = clip_grad_norm_(training.network.parameters(), config.optim.clip or math.inf)
    # All that the host wants to know of the step, in one transfer and one sum.
    numbers = torch.stack([*losses.values(), norm / here.world]).tolist()
    *sums, replaced, stop = total(here, *numbers, len(unreadable), asked())
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
    except (RunError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        code = 1 if isinstance(error, Failed) else 2
    finally:
        leave()
    end(code)
