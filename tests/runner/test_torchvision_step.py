"""One step of training of a generated network against the same step of torchvision's own, by plain torch."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inception_dsl import build, compiler
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed
from inception_dsl.runner.base.config import Config, Loss, Optim
from inception_dsl.runner.learning.loss import compute_loss
from inception_dsl.runner.learning.optim import make_optimiser
from inception_dsl.weights import matching

SPECS = Path(__file__).parents[2] / "specs"
CASES = {  # images, of the least size that the heads take, and torchvision's names of the heads' outputs
    "googlenet": ((4, 3, 96, 96), {"aux1": "aux_logits1", "aux2": "aux_logits2"}),
    "inception_v3": ((2, 3, 299, 299), {"aux": "aux_logits"}),
}
STEPS = {"googlenet": 2, "inception_v3": 1}  # the second has momentum; of the larger network it would say no more
CLASSES, LR, MOMENTUM, DECAY, SMOOTHING = 11, 0.1, 0.9, 1e-4, 0.1


def without_dropout(network: nn.Module) -> nn.Module:
    for each in network.modules():
        if isinstance(each, nn.Dropout):
            each.p = 0.0
    return network.double().train()


def pair(name: str) -> tuple[Typed, nn.Module, nn.Module, Mapping[str, str]]:
    """The generated network, torchvision's, and our names of its weights, which are the same."""
    typed = compiler.at_size(compiler.compile_file(SPECS / f"{name}_torchvision.yaml"))
    torch.manual_seed(0)
    ours = build.build(pytorch.source(typed), typed.program.name, CLASSES)
    options: dict[str, Any] = {"aux_logits": True, "init_weights": False, "transform_input": False}
    theirs = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, **options)
    names = dict(matching.match(typed, "torchvision").theirs)
    state = ours.state_dict()
    held = {learnt: state[own] for own, learnt in names.items()}
    missing, unexpected = theirs.load_state_dict(held, strict=False)
    assert not unexpected
    assert all(each.endswith("num_batches_tracked") for each in missing)
    return typed, without_dropout(ours), without_dropout(theirs), names


@pytest.mark.parametrize("name", CASES)
def test_a_step_of_training_is_torchvisions(name: str) -> None:
    shape, outputs = CASES[name]
    typed, ours, theirs, names = pair(name)
    before = copy.deepcopy(ours.state_dict())
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(shape, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, CLASSES, (shape[0],), generator=generator)

    heads = {head.name: float(head.loss_weight) for head in typed.program.heads}
    assert heads.keys() == outputs.keys()
    settings = Optim(lr=LR, momentum=MOMENTUM, weight_decay=DECAY, decay_all=True)
    config = Config(optim=settings, loss=Loss(smoothing=SMOOTHING, heads=heads))
    optimiser = make_optimiser(config, ours)
    plain = torch.optim.SGD(theirs.parameters(), LR, momentum=MOMENTUM, weight_decay=DECAY)
    for _ in range(STEPS[name]):
        total, losses = compute_loss(ours(images), labels, config)
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

        output = theirs(images)
        parts = {"loss": output.logits} | {own: getattr(output, learnt) for own, learnt in outputs.items()}
        expected = {key: cross_entropy(each, labels, label_smoothing=SMOOTHING) for key, each in parts.items()}
        whole: Tensor = expected["loss"] + sum(weight * expected[head] for head, weight in heads.items())
        plain.zero_grad()
        whole.backward()  # type: ignore[no-untyped-call]
        plain.step()

        torch.testing.assert_close(losses, {key: each.detach() for key, each in expected.items()}, rtol=0, atol=1e-5)
        torch.testing.assert_close(total, whole, rtol=0, atol=1e-5)
    after = theirs.state_dict()
    for own, learnt in names.items():
        torch.testing.assert_close(ours.state_dict()[own], after[learnt], rtol=0, atol=1e-5, msg=own)
        assert not torch.equal(before[own], after[learnt]), f"{own} has not moved"
