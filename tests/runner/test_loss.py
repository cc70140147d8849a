"""The losses: label smoothing as 1512.00567 and timm have it, and the heads by their weights."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from inception_dsl.runner.base.config import Config, Loss
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.learning.loss import compute_loss


class Output(NamedTuple):
    """As of a generated network."""

    logits: Tensor
    aux1: Tensor
    aux2: Tensor


def config(smoothing: float = 0.0, **heads: float) -> Config:
    return Config(loss=Loss(smoothing=smoothing, heads=heads))


def named(name: str, smoothing: float = 0.0, **heads: float) -> Config:
    return Config(loss=Loss(name, smoothing, heads))


def output(classes: int = 10, dtype: torch.dtype = torch.float32) -> tuple[Output, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, classes, generator=generator).to(dtype).requires_grad_()
    return Output(*logits), torch.randint(0, classes, (4,), generator=generator)


def plain(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> float:
    """The mean cross-entropy with q'(k) = (1 - e) [k = y] + e / K, in plain floats."""
    losses: list[float] = []
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        total = math.log(sum(map(math.exp, row)))
        wanted = [(1 - smoothing) * (each == label) + smoothing / len(row) for each in range(len(row))]
        losses.append(sum(q * (total - score) for q, score in zip(wanted, row, strict=True)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_the_loss_is_the_papers(smoothing: float) -> None:
    (logits, *_), labels = output(dtype=torch.float64)
    total, parts = compute_loss(logits, labels, config(smoothing))
    assert total.item() == pytest.approx(plain(logits, labels, smoothing), abs=1e-12)
    assert parts == {"loss": total}


def test_smoothing_gives_the_targets_that_the_paper_would_have() -> None:
    """The gradient is softmax - q'; with softmax at 1/K it shows q' itself: 0.9001, and 0.0001 for all others."""
    logits = torch.zeros(1, 1000, dtype=torch.float64, requires_grad=True)
    total, _ = compute_loss(logits, torch.tensor([7]), config(smoothing=0.1))
    (gradient,) = torch.autograd.grad(total, logits)
    targets = 1 / 1000 - gradient[0]
    expected = torch.full((1000,), 0.0001, dtype=torch.float64)
    expected[7] = 0.9001
    torch.testing.assert_close(targets, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_probabilities_are_targets_of_cross_entropy(smoothing: float) -> None:
    """Half an image of each of two classes costs half of both losses: so mixed images are learnt."""
    (logits, *_), labels = output(dtype=torch.float64)
    others = labels.flip(0)
    mixed = (one_hot(labels, 10) + one_hot(others, 10)).double() / 2
    total, _ = compute_loss(logits, mixed, config(smoothing))
    halves = [plain(logits, targets, smoothing) / 2 for targets in (labels, others)]
    assert total.item() == pytest.approx(sum(halves), abs=1e-12)


def plain_bce(logits: Tensor, targets: Tensor) -> float:
    """The mean of -t log p - (1 - t) log (1 - p), in plain floats."""
    found: list[float] = [
        -t * math.log(1 / (1 + math.exp(-x))) - (1 - t) * math.log(1 / (1 + math.exp(x)))
        for x, t in zip(logits.flatten().tolist(), targets.flatten().tolist(), strict=True)
    ]
    return sum(found) / len(found)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_several_labels_have_a_sigmoid_each(smoothing: float) -> None:
    (logits, *_), _ = output(dtype=torch.float64)
    targets = torch.rand(4, 10, generator=torch.Generator().manual_seed(1)).gt(0.7).double()
    targets[2] = 0  # an image without any label
    total, _ = compute_loss(logits, targets, named("bce", smoothing))
    assert total.item() == pytest.approx(plain_bce(logits, targets * (1 - smoothing) + smoothing / 10), abs=1e-12)


@pytest.mark.extras
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_the_binary_loss_is_timms(smoothing: float) -> None:
    """Timm smooths class indices; a row that has ones at them costs the same, and so does a mix of two rows."""
    from timm.loss.binary_cross_entropy import BinaryCrossEntropy

    (logits, *_), labels = output()
    reference = BinaryCrossEntropy(smoothing)
    for targets in (labels, one_hot(labels, 10).float()):
        torch.testing.assert_close(compute_loss(logits, targets, named("bce", smoothing))[0], reference(logits, labels))
    mixed = 0.3 * one_hot(labels, 10) + 0.7 * one_hot(labels.flip(0), 10)
    smooth = mixed * (1 - smoothing) + smoothing / 10  # as timm's mixup does
    torch.testing.assert_close(
        compute_loss(logits, mixed, named("bce", smoothing))[0], BinaryCrossEntropy(0.0)(logits, smooth)
    )


def test_numbers_are_learnt_by_their_squared_error() -> None:
    heads, _ = output(2, dtype=torch.float64)
    numbers = torch.tensor([[1.0, 2.0], [0.0, -3.0], [4.5, 0.0], [7.0, 1.0]])
    total, parts = compute_loss(heads, numbers, named("mse", 0.1, aux1=0.3, aux2=0))
    errors = [
        [(a - b) ** 2 for a, b in zip(x.flatten().tolist(), numbers.flatten().tolist(), strict=True)] for x in heads
    ]
    main, aux1, _ = (sum(squares) / 8 for squares in errors)
    assert total.item() == pytest.approx(main + 0.3 * aux1, rel=1e-12)
    assert parts["aux1"].item() == pytest.approx(aux1, rel=1e-12)


def test_an_unknown_loss_is_reported() -> None:
    (logits, *_), labels = output()
    with pytest.raises(RunError, match=r"loss\.name is 'hinge'; set one of cross_entropy, bce, mse"):
        compute_loss(logits, labels, named("hinge"))


def test_heads_count_by_their_weights() -> None:
    heads, labels = output(dtype=torch.float64)
    total, parts = compute_loss(heads, labels, config(0.1, aux1=0.3, aux2=0.4))
    main, aux1, aux2 = (plain(head, labels, 0.1) for head in heads)
    assert total.item() == pytest.approx(main + 0.3 * aux1 + 0.4 * aux2, abs=1e-12)
    assert {name: each.item() for name, each in parts.items()} == pytest.approx(
        {"loss": main, "aux1": aux1, "aux2": aux2}, abs=1e-12
    )
    assert total.requires_grad
    assert not any(part.requires_grad for part in parts.values())


def test_a_weight_finds_its_head_by_name() -> None:
    heads, labels = output()
    one, other = (
        compute_loss(heads, labels, config(**each))[0] for each in ({"aux1": 1, "aux2": 0}, {"aux2": 0, "aux1": 1})
    )
    assert one == other
    assert one.item() == pytest.approx(plain(heads.logits, labels) + plain(heads.aux1, labels), abs=1e-5)


@pytest.mark.parametrize("inside", [True, False])
def test_the_loss_is_in_fp32_whatever_the_network_gives(inside: bool) -> None:
    heads, labels = output(dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16, enabled=inside):
        total, parts = compute_loss(heads, labels, config(aux1=0.3, aux2=0.3))
    assert total.dtype == torch.float32
    assert {part.dtype for part in parts.values()} == {torch.float32}
    assert parts["loss"].item() == pytest.approx(plain(heads.logits, labels), abs=1e-5)  # bf16 would be 0.01 off


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ({"aux1": 0.3}, "loss.heads has no weight for the head aux2; set {'aux1': 0.3, 'aux2': 0.3}"),
        ({}, "loss.heads has no weight for the head aux1, aux2; set"),
        ({"aux1": 0.3, "aux2": 0.3, "aux3": 0.3}, "loss.heads has aux3, but the heads are aux1, aux2"),
    ],
)
def test_heads_and_weights_belong_together(heads: dict[str, float], message: str) -> None:
    given, labels = output()
    with pytest.raises(RunError) as error:
        compute_loss(given, labels, config(**heads))
    assert str(error.value).startswith(message)


def test_logits_alone_have_no_heads() -> None:
    (logits, *_), labels = output()
    with pytest.raises(RunError, match=r"loss\.heads has aux1, but the network has no heads"):
        compute_loss(logits, labels, config(aux1=0.3))
