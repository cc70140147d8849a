"""How far running statistics move in a step: the network's momentum, or the recipe's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
from torch import Tensor, nn

from inception_dsl.runner.learning.optim import set_bn_momentum
from inception_dsl.runner.record.checkpoint import latest_checkpoint, load_checkpoint


def test_every_batch_normalisation_has_it() -> None:
    network = nn.Sequential(nn.BatchNorm2d(2), nn.Sequential(nn.BatchNorm1d(3, momentum=0.3)), nn.Linear(2, 2))
    set_bn_momentum(network, 0.0)
    assert [layer.momentum for layer in network.modules() if hasattr(layer, "momentum")] == [0.1, 0.3]
    set_bn_momentum(network, 0.0003)
    assert [layer.momentum for layer in network.modules() if hasattr(layer, "momentum")] == [0.0003, 0.0003]


def test_it_is_one_minus_tensorflows_decay() -> None:
    norm, images = nn.BatchNorm2d(3), torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    set_bn_momentum(norm, 0.0003)
    norm(images)
    assert norm.running_mean is not None
    torch.testing.assert_close(norm.running_mean, 0.9997 * torch.zeros(3) + 0.0003 * images.mean((0, 2, 3)))


def statistics(out: Path, momentum: float) -> Tensor:
    """The running mean of a run's network after one step, in which it was zero before."""
    config = replace(tiny.with_run(accumulate=1), optim=replace(tiny.CONFIG.optim, bn_momentum=momentum))
    tiny.run(out, config, steps=1)
    path = latest_checkpoint(out / "checkpoints")
    assert path
    mean: Tensor = load_checkpoint(path)["network"]["norm.running_mean"]
    return mean


def test_a_run_takes_it_from_its_recipe(tmp_path: Path) -> None:
    means = {momentum: statistics(tmp_path / str(momentum), momentum) for momentum in (0.0, 0.1, 1.0)}
    assert means[0.0].any()
    assert torch.equal(means[0.0], means[0.1])  # torch's, which a network has unless it says otherwise
    assert means[1.0] / 10 == pytest.approx(means[0.1], rel=1e-5)
