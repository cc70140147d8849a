# ruff: noqa: TID251 - this script tests torch
"""Checks of `gpu.py` on the results of a device: accuracy, agreement with the CPU, resuming, memory, evaluation."""

from __future__ import annotations

import json
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from gpu_common import (
    LARGE,
    NEEDS_CUDA,
    SMALL,
    Notes,
    Plan,
    about,
    build_network,
    fixed,
    heads,
    large,
    observed,
    relative_error,
    small,
    spec,
    without_dropout,
)
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from inception_dsl.evaluation import trained
from inception_dsl.evaluation.evaluate import evaluate_file
from inception_dsl.runner.base.config import Config, Data, Loss
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.images.loaders import make_loader
from inception_dsl.runner.loop import engine
from inception_dsl.runner.loop.state import forward_backward
from inception_dsl.runner.machine.devices import RankContext, move_to_device, set_deterministic
from inception_dsl.runner.machine.precision import supports_bf16
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.runner.record.checkpoint import latest_checkpoint
from inception_dsl.training.doctor import Small, run_checks, short_run, state_sha256
from inception_dsl.training.installation import FAILED
from inception_dsl.weights.transfer import load_weights

CPU = RankContext(torch.device("cpu"))


def doctor(plan: Plan, notes: Notes) -> None:
    """Everything that `doctor` tries works."""
    for check in run_checks([plan.device], Small, short_run()):
        notes.numbers[f"{check.name} {check.device}".strip()] = f"{check.result}: {check.found}"
        notes.holds(check.result != FAILED, f"{check.name}: {check.found}")


def accuracy(plan: Plan, notes: Notes) -> None:
    """The small network learns equally well in every precision."""
    epochs, floor, distance = (0.5, 0.6, 0.08) if plan.quick else (3.0, 0.82, 0.03)
    scores = notes.numbers
    for precision in ("fp32", "bf16", "fp16"):
        if precision == "bf16" and not (found := supports_bf16(plan.device))[0]:
            notes.absent[precision] = found[1]
            continue
        if precision == "fp16" and not plan.cuda:
            notes.absent[precision] = NEEDS_CUDA
            continue
        config, out = small(precision=precision, evaluate_every=epochs), plan.folder / precision
        config.schedule = replace(config.schedule, epochs=epochs, warmup=epochs / 9)
        with redirect_stdout(StringIO()):
            engine.train(lambda classes: build_network(SMALL, classes), config, about(SMALL), plan.place, out)
        scores[precision] = json.loads((out / "model" / "config.json").read_text(encoding="utf-8"))["score"]["top1"]
        notes.holds(scores[precision] >= floor, f"top-1 in {precision} is {scores[precision]:.1%}, under {floor:.0%}")
    between = max(scores.values()) - min(scores.values())
    notes.holds(between <= distance, f"they lie {between:.1%} apart, more than {distance:.0%}")


def numbers_of(
    plan: Plan, network: nn.Module, batches: list[tuple[Tensor, Tensor]], place: RankContext, precision: str
) -> list[list[float]]:
    """The losses and the gradient norm of each batch, all with the same weights."""
    config = Config(data=Data(batch=len(batches[0][1])), loss=Loss(heads=heads(LARGE)))
    config.run.precision = precision
    measured = []
    for batch in batches:
        network.zero_grad()
        images, labels = move_to_device(place, *batch)
        losses = forward_backward(network, images, labels, config, place)
        measured.append([*map(float, losses.values()), float(clip_grad_norm_(network.parameters(), torch.inf))])
    return measured


def agreement(plan: Plan, notes: Notes) -> None:
    """The same batches give the same losses and gradients on the device as on the CPU, in each precision.

    On a CPU it is the layout that differs: channels first is compared with channels last.
    """
    size, count, slack = (4, 1, 4) if plan.quick else (64, 5, 1)  # the statistics of 4 images are nearer to nothing
    random = torch.Generator().manual_seed(0)
    shape, labels = (size, *spec(LARGE).program.input.shape), torch.arange(size)
    batches = [(torch.randn(shape, generator=random), labels) for _ in range(count)]
    torch.manual_seed(0)
    reference = without_dropout(build_network(LARGE, 1000)).train()
    other = without_dropout(build_network(LARGE, 1000)).train()
    other.load_state_dict(reference.state_dict())
    other = other.to(plan.device).to(memory_format=torch.channels_last)
    expected = numbers_of(plan, reference, batches, CPU, "fp32")
    for name, bound in (("fp32", 1e-3), ("tf32", 1e-2), ("bf16", 3e-2)):
        if name == "tf32" and not plan.cuda:
            notes.absent[name] = NEEDS_CUDA
            continue
        word = "tf32" if name == "tf32" else "ieee"
        torch.backends.cuda.matmul.fp32_precision = word
        torch.backends.cudnn.conv.fp32_precision = word  # type: ignore[attr-defined]
        measured = numbers_of(plan, other, batches, plan.place, "bf16" if name == "bf16" else "fp32")
        far = [
            [relative_error(*pair) for pair in zip(*step, strict=True)] for step in zip(measured, expected, strict=True)
        ]
        losses, gradient = max(max(errors[:-1]) for errors in far), max(errors[-1] for errors in far)
        notes.numbers[name] = {"losses": losses, "gradient": gradient}
        for what, distance in notes.numbers[name].items():
            notes.holds(distance <= bound * slack, f"{name}: {what} {distance:.1e} off, more than {bound * slack:g}")


def resuming(plan: Plan, notes: Notes) -> None:
    """Ten steps, SIGTERM and ten more give the bits of twenty; lists operations without a deterministic kernel."""
    config = small(deterministic=True, log_every=1)
    config.data = replace(config.data, batch=32, workers=1)

    def stopping(images: Any, config: Config, place: RankContext, start: int, stop: int) -> Iterator[Batch]:
        for step, batch in enumerate(make_loader(images, config, place, start, stop), start):
            if step == 9:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    def run(name: str) -> str:
        with redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = lambda classes: build_network(SMALL, classes)  # noqa: E731 - as `train` wants it
            return engine.train(network, config, about(SMALL), plan.place, plan.folder / name, steps=20)

    run("uninterrupted")
    with patch.object(engine, "make_loader", stopping):
        notes.holds((word := run("resumed")) == "preempted", f"SIGTERM: the run is {word}")
    saved = latest_checkpoint(plan.folder / "resumed" / "checkpoints")  # on a GPU one step later
    notes.holds(saved is not None and saved.stem in {"step_00000010", "step_00000011"}, f"{saved} was saved last")
    run("resumed")
    expected, actual = (
        state_sha256(plan.folder / name / "checkpoints" / "step_00000020.pt") for name in ("uninterrupted", "resumed")
    )
    notes.numbers |= {"20 steps": expected, "10 + 10 steps": actual}
    notes.holds(actual == expected, f"10 + 10 steps give {actual}, 20 give {expected}")
    notes.numbers["not deterministic in googlenet"] = undetermined(plan, "googlenet")


def undetermined(plan: Plan, name: str) -> list[str]:
    """The warnings of torch in a deterministic step of a network."""
    size = 2 if plan.quick else 16
    network = build_network(name, 10).to(plan.device).to(memory_format=torch.channels_last).train()
    config = Config(data=Data(batch=size), loss=Loss(heads=heads(name)))
    images = torch.randn(size, *spec(name).program.input.shape).to(plan.device)
    set_deterministic(True)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            forward_backward(network, images, (torch.arange(size) % 10).to(plan.device), config, plan.place)
    finally:
        set_deterministic(False)
    return sorted({str(warning.message).partition(". ")[0] for warning in caught})


def memory(plan: Plan, notes: Notes) -> None:
    """If memory is short, a batch is split into micro-batches that fit."""
    if not plan.cuda:
        notes.absent["memory"] = NEEDS_CUDA
        return
    memory = torch.cuda.get_device_properties(plan.device).total_memory
    torch.cuda.set_per_process_memory_fraction(0.1, plan.device)
    torch.cuda.reset_peak_memory_stats(plan.device)
    taken: list[int] = []
    config = large(64 if plan.quick else 512, "fake:1024x1000", precision="fp32")
    training = observed(plan, LARGE, config, 3, taken.append, fixed(plan, LARGE, 1000)).training
    peak, parts = torch.cuda.max_memory_reserved(plan.device), training.config.run.accumulate
    notes.numbers |= {"micro-batches": parts, "peak GB": peak / 1e9, "cap GB": memory / 1e10, "steps": taken[-1]}
    notes.holds(parts > 1 or plan.quick, "the batch was not cut")
    notes.holds(taken[-1] == 3, f"{taken[-1]} of 3 steps passed")
    notes.holds(peak <= memory / 10, f"the peak is {peak / 1e9:.1f} GB, above the cap of {memory / 1e10:.1f} GB")


def evaluation(plan: Plan, notes: Notes) -> None:
    """`eval` scores the network that `accuracy` trained alike on the device and on the CPU.

    On a CPU it is the layout and the batch that differ.
    """
    weights = plan.folder / "fp32" / "model" / "model.safetensors"
    if not weights.is_file():
        notes.absent["evaluation"] = "needs the network that accuracy trains"
        return
    count = 200
    device = scored(weights, plan.place, count, 64, torch.channels_last)
    cpu = scored(weights, CPU, count, 64 if plan.cuda else 7, torch.contiguous_format)
    notes.numbers |= {"device": device, "cpu": cpu}
    notes.holds(abs(device - cpu) * count <= 1.001, f"top-1 is {device:.1%}, and {cpu:.1%} on the CPU")


def scored(weights: Path, place: RankContext, count: int, batch: int, layout: torch.memory_format) -> float:
    """Top-1 on the first held-out images."""
    config = small()
    file = load_weights(spec(SMALL).typed, weights, heads=False)
    network = trained.load_network(spec(SMALL).typed, file).to(place.device).to(memory_format=layout)
    images = open_images(config.data.source, "test")
    found = evaluate_file(network, images, config, place, limit=count, batch=batch)
    assert found.protocols["recipe"].n == count
    return float(found.protocols["recipe"].data["top1"])
