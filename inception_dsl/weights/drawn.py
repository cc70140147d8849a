"""Weights that a network starts with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inception_dsl.build import build
from inception_dsl.crosscheck.executor import require
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.pytorch.backend import PYTORCH
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array


def draw(typed: Typed, seed: int) -> dict[str, Array]:
    """The weights that the network's `model.py` starts with after `torch.manual_seed(seed)`.

    Weights follow the spec's `init`, or torch's defaults where the spec has none. Raises `SpecError` E005 if torch is
    not installed.
    """
    require(PYTORCH)
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = build(pytorch.source(typed), typed.program.name).state_dict()
    return {name: state[name].numpy() for name in typed.weights}
