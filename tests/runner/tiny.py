"""A network small enough to be trained in tests, and a `train.py` of it: run as a script, it is launched by torchrun.

`TINY="rank step signal"` has that rank send a signal at that forward pass: to its own process if it is KILL, else to
torchrun. A file marks that it was sent, so that it is not sent again after a restart. RAISE raises, at every restart.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from inception_dsl.runner.base.config import (
    Augment,
    Average,
    Config,
    Data,
    Loss,
    NetworkInfo,
    Optim,
    Run,
    Schedule,
    Transfer,
)
from inception_dsl.runner.loop import command, engine
from inception_dsl.runner.machine.devices import rank_context
from inception_dsl.runner.record.checkpoint import latest_checkpoint, load_checkpoint

ABOUT = NetworkInfo(name="tiny", title="A tiny network", spec="0" * 64)

CONFIG = Config(
    data=Data(source="fake:96x4x10", height=8, width=8, mean=(0.5,), std=(0.5,), batch=12, workers=0),
    augment=Augment(crop="shift", padding=2, resize=8),
    optim=Optim(name="rmsprop", lr=0.01, clip=2.0),
    schedule=Schedule(epochs=3, warmup=0.5),  # 24 steps
    loss=Loss(smoothing=0.1, heads={"aux": 0.3}),
    average=Average(name="ema", decay=0.9),
    run=Run(save_every=5, keep=2, log_every=1, accumulate=2),
)


class Outputs(NamedTuple):
    """What the network gives in training."""

    logits: Tensor
    aux: Tensor


class Tiny(nn.Module):
    """A convolution, batch normalisation, dropout and two classifiers; `at` is called before each training pass."""

    at: Callable[[int, Tensor], Tensor | None] | None = None

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8)
        self.head, self.aux = nn.Linear(8, classes), nn.Linear(8, classes)
        self.passes = 0

    def forward(self, images: Tensor) -> Tensor | Outputs:
        if self.training and Tiny.at is not None and images.any():  # not in the rehearsal
            self.passes += 1
            changed = Tiny.at(self.passes, images)
            images = images if changed is None else changed
        features = self.norm(self.conv(images)).relu().mean((2, 3))
        logits = self.head(nn.functional.dropout(features, 0.5, self.training))
        return Outputs(logits, self.aux(features)) if self.training else logits


def run(out: Path, config: Config = CONFIG, **options: Any) -> str:
    """Train it in this process."""
    return engine.train(Tiny, config, ABOUT, rank_context(), out, **options)


def with_run(config: Config = CONFIG, **values: Any) -> Config:
    """The config with other settings of the group `run`."""
    return replace(config, run=replace(config.run, **values))


def starting_from(weights: Path | str, **values: Any) -> Config:
    """The config of a run that starts from a file, with a new classifier and a frozen convolution and norm."""
    transfer = Transfer(**{"weights": str(weights), "new": "head", "freeze": "conv, norm", **values})
    return replace(CONFIG, transfer=transfer, optim=replace(CONFIG.optim, trunk_lr=0.1, weight_decay=0.01))


def fingerprint(out: Path) -> str:
    """The sha256 of the last checkpoint's network, average and optimiser."""
    path = latest_checkpoint(out / "checkpoints")
    assert path is not None
    state, sha = load_checkpoint(path), hashlib.sha256()
    _hash({name: state[name] for name in ("step", "network", "averaged", "optimiser")}, sha)
    return sha.hexdigest()[:16]


def _hash(value: Any, sha: Any) -> None:
    if isinstance(value, dict):
        for name in value:
            sha.update(repr(name).encode())
            _hash(value[name], sha)
    elif isinstance(value, list):
        for each in value:
            _hash(each, sha)
    elif isinstance(value, Tensor):
        sha.update(value.contiguous().numpy().tobytes())
    else:
        sha.update(repr(value).encode())


def _from_environment() -> None:
    rank, step, name, mark = os.environ["TINY"].split()
    if rank != os.environ.get("RANK", "0"):
        return

    def at(passes: int, images: Tensor) -> None:
        if passes == int(step) and name == "RAISE":
            raise ArithmeticError("in the middle")
        if passes == int(step) and not os.path.exists(mark):
            Path(mark).touch()
            os.kill(os.getpid() if name == "KILL" else os.getppid(), getattr(signal, "SIG" + name))

    Tiny.at = staticmethod(at)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if "TINY" in os.environ:
        _from_environment()
    command.main(engine.train, Tiny, CONFIG, ABOUT)
