"""A step waits for no number of its device, and leaves everything as it was where one is not finite."""

from __future__ import annotations

import copy
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from meta import META, OnlyQueued, optimisers_on_meta
from tiny import ABOUT, CONFIG, Tiny, fingerprint, run, with_run
from torch import Tensor, nn

from inception_dsl.ir.names import LOGGED
from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import with_setting
from inception_dsl.runner.images.augment import device_steps, finish_images
from inception_dsl.runner.images.colours import COLOURS
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.images.prefetch import on_device
from inception_dsl.runner.learning import batch_statistics
from inception_dsl.runner.learning.batch_statistics import BatchStatistics
from inception_dsl.runner.learning.fused import step_unless
from inception_dsl.runner.learning.loss_scale import LossScale, clip_gradients
from inception_dsl.runner.learning.optim import make_optimiser, set_learning_rate
from inception_dsl.runner.loop import engine, state
from inception_dsl.runner.loop.state import TrainingState
from inception_dsl.runner.loop.step import train_step
from inception_dsl.runner.machine import host_copy
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.runner.record.checkpoint import latest_checkpoint, load_checkpoint
from inception_dsl.runner.record.folder import RunFailed
from inception_dsl.runner.record.step_numbers import StepNumbers

HERE = RankContext(torch.device("cpu"))
NAN, INF = float("nan"), float("inf")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    Tiny.at = None


def configured(optimiser: str = "sgd", average: str = "none", momentum: float = 0.9, **run: Any) -> Config:
    return replace(
        with_run(accumulate=1, **run),
        optim=replace(CONFIG.optim, name=optimiser, momentum=momentum),
        average=replace(CONFIG.average, name=average),
    )


def started(config: Config, context: RankContext = HERE) -> TrainingState:
    return TrainingState(Tiny, config, ABOUT, open_images(config.data.source, "train"), context)


def stepped(training: TrainingState, factor: float = 1.0, seed: int = 0) -> StepNumbers:
    """A step on noise, augmented and then times a factor."""
    size, device = training.config.data.batch, training.context.device
    random = torch.Generator().manual_seed(seed)
    images = torch.randint(256, (size, 3, 8, 8), dtype=torch.uint8, generator=random).to(device, non_blocking=True)
    draws, labels = torch.ones(size, 1, device=device), torch.arange(size, device=device) % 4
    if factor != 1:
        Tiny.at = staticmethod(lambda passes, images: images * factor)
    try:
        batches = on_device([Batch(images, draws, labels, labels, [])], training.config, training.context)
        return train_step(training, batches, 0.1, lambda: False)
    finally:
        Tiny.at = None if factor != 1 else Tiny.at


# --- Nothing waits -----------------------------------------------------------


@pytest.fixture
def _meta() -> Iterator[None]:
    with optimisers_on_meta():
        yield


@pytest.mark.usefixtures("_meta")
@pytest.mark.parametrize("optimiser", ["sgd", "rmsprop", "adamw"])
@pytest.mark.parametrize(("average", "precision"), [("none", "fp32"), ("ema", "fp16"), ("polyak", "bf16")])
def test_a_step_asks_for_no_number(
    monkeypatch: pytest.MonkeyPatch, optimiser: str, average: str, precision: str
) -> None:
    monkeypatch.setattr(state, "autocast", lambda *_: nullcontext())  # of which the meta device has none
    training = started(configured(optimiser, average, precision=precision), RankContext(META))
    stepped(training)  # constants are copied to the device once
    with OnlyQueued():
        numbers = stepped(training)

    assert training.step == 2
    assert numbers.names == ("loss", "aux", "gradient", "unreadable", "stop", "skipped", "loss_scale")
    assert {*numbers.names} - {"aux"} <= LOGGED, "no head can take these names, and no plot takes them for heads"
    assert numbers.values.device.type == "meta"


@pytest.mark.usefixtures("_meta")
@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
@pytest.mark.parametrize("by", ["mixup", "cutmix"])
def test_nor_does_one_of_mixed_images(by: str, loss: str) -> None:
    config = with_setting(with_setting(configured(), f"augment.{by}", "1"), "loss.name", loss)
    training = started(config, RankContext(META))
    stepped(training)
    with OnlyQueued():
        assert stepped(training).values.device.type == "meta"


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("erasing", [0.0, 0.25])
def test_nor_does_what_finishes_the_images(colour: str, erasing: float) -> None:
    config = replace(CONFIG, augment=replace(CONFIG.augment, colour=colour, erasing=erasing))
    with META:
        images = torch.zeros(12, 3, 8, 8, dtype=torch.uint8)
        draws = torch.ones(12, sum(step.numbers for step in device_steps(config)))
    finish_images(images, draws, config)  # constants are copied to the device once
    with OnlyQueued():
        assert finish_images(images, draws, config).shape == images.shape


@pytest.mark.usefixtures("_meta")
@pytest.mark.parametrize(
    "ask",
    [
        Tensor.item,
        Tensor.tolist,
        Tensor.cpu,
        Tensor.numpy,
        bool,
        float,
        lambda x: x.to("cpu"),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: torch.tensor([1.0], device=x.device),
        lambda x: torch.ones(1).to(x.device),
        lambda x: x.copy_(torch.ones(())),
    ],
    ids=["item", "tolist", "cpu", "numpy", "bool", "float", "to", "mask", "nonzero", "tensor", "upload", "copy"],
)
def test_a_step_that_asked_for_one_would_be_found(ask: Callable[[Tensor], Any]) -> None:
    training = started(configured(), RankContext(META))
    stepped(training)
    Tiny.at = staticmethod(lambda passes, images: ask(images.sum()))
    with OnlyQueued(), pytest.raises((RuntimeError, NotImplementedError, AssertionError)):
        stepped(training)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers are read a step late, as on an accelerator."""
    original = host_copy.LateNumbers.__init__

    def init(self: host_copy.LateNumbers[Any], device: torch.device) -> None:
        original(self, device)
        self.lag = 1

    monkeypatch.setattr(host_copy.LateNumbers, "__init__", init)


def rows(out: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "clock"} for row in found]


def test_what_is_read_late_is_logged_at_its_step(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    Tiny.at = staticmethod(lambda passes, images: images * NAN if passes in {5, 6, 22} else None)
    run(tmp_path / "at once")
    request.getfixturevalue("late")
    run(tmp_path / "late")

    assert rows(tmp_path / "late") == rows(tmp_path / "at once")
    assert fingerprint(tmp_path / "late") == fingerprint(tmp_path / "at once")
    names = {path.name for path in (tmp_path / "late").glob("not_finite_*")}
    assert names == {"not_finite_00000003.txt", "not_finite_00000011.txt"}
    for name in names:
        assert (tmp_path / "late" / name).read_text() == (tmp_path / "at once" / name).read_text()


@pytest.mark.usefixtures("late")
def test_a_stop_that_is_read_late_saves_what_was_trained(tmp_path: Path) -> None:
    def stop(passes: int, images: Tensor) -> None:
        if passes == 7:
            os.kill(os.getpid(), signal.SIGTERM)

    run(tmp_path / "whole")
    Tiny.at = staticmethod(stop)
    assert run(tmp_path / "parts") == "preempted"
    assert rows(tmp_path / "parts")[-1]["step"] == 5  # the signal came in the fourth step, and the fifth was queued
    Tiny.at = None
    run(tmp_path / "parts")
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")


# --- Steps that are skipped ----------------------------------------------------


def contents(training: TrainingState) -> dict[str, Any]:
    all_of_it = copy.deepcopy(training.state_dict())
    return {name: all_of_it[name] for name in ("network", "averaged", "optimiser")}


def assert_same(ours: Any, theirs: Any) -> None:
    """The same bits, wherever there are tensors."""
    if isinstance(ours, Tensor):
        assert torch.equal(ours, theirs)
    elif isinstance(ours, dict | list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(*((ours[one], theirs[other]) if isinstance(ours, dict) else (one, other)))
    else:
        assert ours == theirs


@pytest.mark.parametrize("factor", [NAN, INF])
@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("average", ["none", "ema", "polyak"])
@pytest.mark.parametrize(("optimiser", "momentum"), [("sgd", 0.0), ("sgd", 0.9), ("rmsprop", 0.9), ("adamw", 0.9)])
def test_a_step_that_is_skipped_changes_nothing(
    optimiser: str, momentum: float, average: str, before: int, factor: float
) -> None:
    training, other = (started(configured(optimiser, average, momentum)) for _ in range(2))
    for seed in range(before):
        stepped(training, seed=seed)
        stepped(other, seed=seed)
    set_learning_rate(training.optimiser, 0.1)
    before_it = contents(training)
    values = dict(zip(*stepped(training, factor)[:2], strict=True))
    other.step += 1

    assert values["skipped"] == 1
    assert not values["loss"].isfinite()
    if before or optimiser == "sgd":  # the others make their state in the first step
        assert_same(contents(training), before_it)
    assert_same(contents(training)["network"], before_it["network"])
    stepped(training, seed=before)
    stepped(other, seed=before)
    assert_same(contents(training), contents(other))
    assert all(tensor.isfinite().all() for tensor in training.average.network.state_dict().values())


def test_a_gradient_that_is_not_finite_is_enough() -> None:
    training = started(configured())
    before = contents(training)["network"]
    handle = training.network.get_parameter("conv.weight").register_hook(lambda gradient: gradient * INF)  # type: ignore[no-untyped-call]
    values = dict(zip(*stepped(training)[:2], strict=True))
    handle.remove()

    assert values["skipped"] == 1
    assert values["loss"].isfinite()
    assert_same(contents(training)["network"], before)


def test_so_many_in_a_row_end_the_run_even_over_a_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = with_run(skip_limit=4, save_every=1)
    Tiny.at = staticmethod(lambda passes, images: images * NAN if passes in {1, 2, 4} or passes >= 9 else None)
    assert run(tmp_path, config, steps=6) == "done"  # steps 0, 1, 4 and 5 of them
    assert [row["skipped"] for row in rows(tmp_path) if "lr" in row] == [1, 2, 2, 2, 3, 4]
    assert [row["loss"] is None for row in rows(tmp_path) if "lr" in row] == [True, True, False, False, True, True]
    output = capsys.readouterr().out
    assert "warning: step 1: not finite: loss nan, aux nan, gradient nan; " in output
    assert "warning: step 2: " not in output
    assert "4 of 6 steps were skipped" in output
    Tiny.at = staticmethod(lambda passes, images: images * NAN)
    with pytest.raises(RunFailed, match=r"step 8, the last of 4 in a row: .*_00000008\.txt lists the images"):
        run(tmp_path, config)
    path = latest_checkpoint(tmp_path / "checkpoints")
    assert path is not None
    saved = load_checkpoint(path)
    assert (saved["step"], saved["skipped"], saved["skipped_in_a_row"]) == (7, 5, 3)


# --- fp16 ------------------------------------------------------------------------


def scaled(training: TrainingState) -> tuple[float, int]:
    return training.scale.factor.item(), int(training.scale.steps.item())


def test_the_loss_scale_is_that_of_torch() -> None:
    """As `torch.amp.GradScaler`, which unscales before the gradients are clipped, over steps of which two overflow."""
    torch.manual_seed(0)
    ours = nn.Linear(4, 4)
    theirs = copy.deepcopy(ours)
    config = configured(momentum=0.9, precision="fp16")
    optimiser, expected = make_optimiser(config, ours), make_optimiser(config, theirs)
    scale, scaler = LossScale(config, HERE), torch.amp.GradScaler("cpu", init_scale=65_536.0)
    for number in range(6):
        inputs = torch.randn(8, 4) * (INF if number in {0, 3} else 1.0)
        optimiser.zero_grad()
        torch.autograd.backward(ours(inputs).square().mean() * scale.factor)
        skipped = (~clip_gradients(ours, scale, 0.3).isfinite()).float()
        step_unless(optimiser, skipped)
        scale.update(skipped)

        expected.zero_grad()
        torch.autograd.backward(scaler.scale(theirs(inputs).square().mean()))
        scaler.unscale_(expected)
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.3)
        scaler.step(expected)
        scaler.update()

        assert scale.factor.item() == scaler.get_scale()
        assert scale.steps.item() == scaler._get_growth_tracker()
        torch.testing.assert_close(ours.state_dict(), theirs.state_dict(), rtol=1e-6, atol=1e-7)
    assert scale.factor.item() == 16_384.0


def test_the_loss_scale_grows_and_is_kept() -> None:
    training, resumed = (started(configured(precision="fp16")) for _ in range(2))
    training.scale.steps.fill_(1998)
    stepped(training)
    assert scaled(training) == (65_536.0, 1999)
    resumed.load_state_dict(copy.deepcopy(training.state_dict()))
    for each in (training, resumed):
        stepped(each, seed=1)
        assert scaled(each) == (131_072.0, 0)
    assert_same(contents(training), contents(resumed))


def test_gradients_that_would_be_0_in_fp16_are_not() -> None:
    """The smallest number of fp16 is 6e-8: what lies below reaches the weights only with a loss scale."""
    exact, scaled, plain = (started(configured(precision=name)) for name in ("fp32", "fp16", "fp16"))
    plain.scale.factor.fill_(1.0)
    gradients = []
    for training in (exact, scaled, plain):
        head = training.network.get_submodule("head")
        handle = head.register_forward_hook(lambda module, inputs, output: output * 1e-7)
        stepped(training)
        handle.remove()
        gradients.append(head.weight.grad.norm().item())  # type: ignore[union-attr,operator]
    assert gradients[1] == pytest.approx(gradients[0], rel=0.05)
    assert gradients[2] == 0


def overflowing(monkeypatch: pytest.MonkeyPatch, above: float) -> None:
    """A gradient overflows where the scale is above a number."""

    def step(training: TrainingState, *rest: Any) -> StepNumbers:
        factor = INF if training.scale.factor.item() > above else 1.0
        handle = training.network.get_parameter("conv.weight").register_hook(lambda gradient: gradient * factor)  # type: ignore[no-untyped-call]
        numbers = train_step(training, *rest)
        handle.remove()
        return numbers

    monkeypatch.setattr(engine, "train_step", step)


def test_the_search_for_a_scale_does_not_end_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    overflowing(monkeypatch, above=64)
    assert run(tmp_path, with_run(precision="fp16", skip_limit=1), steps=12) == "done"
    assert not [*tmp_path.glob("not_finite_*")]
    assert [row["loss_scale"] for row in rows(tmp_path) if "lr" in row] == [2.0**n for n in (*range(16, 5, -1), 6)]
    assert "warning: step" not in (output := capsys.readouterr().out)
    assert "10 of 12 steps were skipped" in output


def test_a_gradient_that_no_scale_helps_ends_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overflowing(monkeypatch, above=0)
    with pytest.raises(RunFailed, match=r"step 18, the last of 2 in a row: not finite: .*, gradient (inf|nan);"):
        run(tmp_path, with_run(precision="fp16", skip_limit=2))
    assert {path.name for path in tmp_path.glob("not_finite_*")} == {f"not_finite_000000{n}.txt" for n in (17, 18)}


# --- Batch statistics ---------------------------------------------------------------


def test_a_network_without_them_is_trained() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    statistics = BatchStatistics(network, CONFIG, HERE)
    statistics.settle(statistics.read(), torch.tensor(1.0))
    assert statistics.read() == []


def test_counters_too_are_as_before_a_step_that_is_skipped() -> None:
    norm = nn.BatchNorm1d(2)
    statistics = BatchStatistics(norm, CONFIG, HERE)
    for skipped, counted in ((0.0, 1), (1.0, 1), (0.0, 2)):
        before = statistics.read()
        norm(torch.randn(4, 2))
        statistics.settle(before, torch.tensor(skipped))
        assert norm.num_batches_tracked == counted


def test_frozen_ones_keep_their_bits_whatever_the_number_of_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_statistics, "sum_over_ranks", lambda context, tensor: tensor.mul_(7))
    norm = nn.BatchNorm1d(1000).eval()
    norm.running_mean = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    statistics = BatchStatistics(norm, CONFIG, RankContext(torch.device("cpu"), 0, 7))
    before = statistics.read()
    statistics.settle(before, torch.tensor(0.0))
    assert_same(statistics.read(), before)


def test_what_is_said_of_a_layout_holds_after_another(tmp_path: Path) -> None:
    """A state that was saved with channels last is one of a network with channels first, and the other way round."""
    for name, first in (("one", True), ("two", False)):
        for optimiser in ("sgd", "rmsprop", "adamw"):
            out = tmp_path / name / optimiser
            run(out, configured(optimiser, channels_last=first), steps=3)
            run(out, configured(optimiser, channels_last=not first), steps=6)
    for optimiser in ("sgd", "rmsprop", "adamw"):
        one, two = (rows(tmp_path / name / optimiser) for name in ("one", "two"))
        assert [row["loss"] for row in one if "lr" in row] == pytest.approx(
            [row["loss"] for row in two if "lr" in row], rel=1e-5
        )
