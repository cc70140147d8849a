# ruff: noqa: TID251 - this script measures torch
"""Checks of `gpu.py` on speed: the loop compared with a bare step, fed from memory and from JPEGs, and compiled."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial, partialmethod
from importlib.util import find_spec
from itertools import islice
from unittest.mock import patch

import torch
from gpu_common import (
    LARGE,
    NEEDS_CUDA,
    SMALL,
    Notes,
    Plan,
    build_network,
    fixed,
    heads,
    large,
    observed,
    rate,
    relative_error,
    small,
    timed,
)
from photographs import photographs
from torch import nn
from torch.nn.functional import cross_entropy

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.images.augment import finish_images
from inception_dsl.runner.images.loaders import evaluation_loader, make_loader, training_loader
from inception_dsl.runner.learning.loss import compute_loss
from inception_dsl.runner.learning.optim import make_optimiser
from inception_dsl.runner.machine.devices import set_deterministic
from inception_dsl.runner.machine.precision import autocast, supports_bf16
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.runner.record.checkpoint_writer import CheckpointWriter
from inception_dsl.runner.record.evaluate import evaluate

INDUCTOR = "Inductor takes minutes on a CPU"
PROFILED = 10


def precision(plan: Plan) -> str:
    """The fastest precision of the device."""
    return "bf16" if supports_bf16(plan.device)[0] else "fp32"


def loop(plan: Plan, notes: Notes) -> None:
    """The loop is almost as fast as a bare step, waits for the device once a step, and stays channels last."""
    set_deterministic(False)
    batch, warm, count = (2, 1, 4) if plan.quick else (256, 20, 30)
    word = precision(plan)
    config = large(batch, f"fake:{2 * batch}x1000", precision=word)
    feed = fixed(plan, LARGE, 1000)
    numbers = notes.numbers
    numbers |= {"precision": word, "bare": rate(plan, bare(plan, word, batch), warm, count, batch)}
    at, moments = timed(plan, warm, warm + count)
    observed(plan, LARGE, config, warm + count, at, feed)
    numbers["loop"] = batch * count / (moments[1] - moments[0])
    part, least = numbers["loop"] / numbers["bare"], 0.5 if plan.quick else 0.95
    notes.holds(part >= least, f"the loop has {part:.1%} of the bare step's rate, under {least:.0%}")
    theirs(plan, notes, word, batch, warm, count)
    if plan.cuda:
        profiled(plan, notes, partial(observed, plan, LARGE, config, warm + PROFILED, feed=feed), warm)
    else:
        notes.absent |= {"transfers": NEEDS_CUDA, "kernels": NEEDS_CUDA}


def compiled_loop(plan: Plan, notes: Notes) -> None:
    """The rate of the loop with `run.compile`."""
    if not plan.cuda:
        notes.absent["compiled loop"] = INDUCTOR
        return
    set_deterministic(False)
    batch, warm, count = (16, 5, 10) if plan.quick else (256, 20, 30)
    config = large(batch, f"fake:{2 * batch}x1000", precision=precision(plan), compile=True)
    at, moments = timed(plan, warm, warm + count)
    begun = time.perf_counter()
    observed(plan, LARGE, config, warm + count, at, fixed(plan, LARGE, 1000))
    notes.numbers |= {"compiled": batch * count / (moments[1] - moments[0]), "seconds before": moments[0] - begun}


def saving(plan: Plan, notes: Notes) -> None:
    """A checkpoint costs the loop less time than writing it takes."""
    set_deterministic(False)
    batch, warm, count = (2, 2, 3) if plan.quick else (64, 10, 20)
    config = large(batch, f"fake:{2 * batch}x1000", precision=precision(plan))
    took = dict[str, float]()
    for name, every in (("without", 10**6), ("with a checkpoint", warm + 1)):  # the window has one of them
        at, moments = timed(plan, warm, warm + count)
        training = observed(plan, LARGE, config, warm + count, at, fixed(plan, LARGE, 1000), every).training
        took[name] = moments[1] - moments[0]
    writer = CheckpointWriter(plan.folder / "written", 1, plan.device, print)
    begun = time.perf_counter()
    writer.save(training.state_dict(), 1, regular=True, best=False, wait=True)
    written, cost = time.perf_counter() - begun, took["with a checkpoint"] - took["without"]
    notes.numbers |= {"seconds in the loop": cost, "seconds to write": written}
    notes.holds(plan.quick or cost < written, f"it costs the loop {cost:.2f} s, and writing it takes {written:.2f} s")


def bare(plan: Plan, word: str, batch: int) -> Callable[[], object]:
    """A step of the generated network in plain torch: nothing is read back, logged or averaged."""
    config = large(batch, "", precision=word)
    network = build_network(LARGE, 1000).to(plan.device).to(memory_format=torch.channels_last).train()
    optimiser, given = make_optimiser(config, network), fixed(plan, LARGE, 1000)(config, 0)
    images = finish_images(given.images, given.draws, config)

    def step() -> None:
        optimiser.zero_grad()
        with autocast(plan.place, word):
            loss, _ = compute_loss(network(images), given.labels, config)
        torch.autograd.backward(loss)
        optimiser.step()

    return step


def theirs(plan: Plan, notes: Notes, word: str, batch: int, warm: int, count: int) -> None:
    """The same for torchvision's network."""
    if find_spec("torchvision") is None:
        notes.absent["torchvision"] = "is not installed"
        return
    import torchvision

    network: nn.Module = torchvision.models.inception_v3(weights=None, init_weights=False)
    network = network.to(plan.device).to(memory_format=torch.channels_last).train()
    config, weight = large(batch, ""), next(iter(heads(LARGE).values()))
    given = fixed(plan, LARGE, 1000)(config, 0)
    images = finish_images(given.images, given.draws, config)
    optimiser = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9, nesterov=True)

    def step() -> None:
        optimiser.zero_grad()
        with autocast(plan.place, word):
            logits, head = network(images)
        loss = cross_entropy(logits.float(), given.labels) + weight * cross_entropy(head.float(), given.labels)
        torch.autograd.backward(loss)
        optimiser.step()

    notes.numbers["torchvision"] = rate(plan, step, warm, count, batch)


def profiled(plan: Plan, notes: Notes, run: Callable[..., object], warm: int) -> None:
    """Count the transfers in ten steps of the loop, and the memory layouts of the convolution kernels."""
    profile = torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    )

    def at(step: int) -> None:
        if step == warm:
            plan.wait()
            profile.start()
        if step == warm + PROFILED:
            plan.wait()
            profile.stop()

    run(at=at)
    names: dict[str, int] = {}
    for event in profile.events() or ():  # type: ignore[no-untyped-call]
        names[event.name] = names.get(event.name, 0) + 1
    back = sum(count for name, count in names.items() if name.startswith("Memcpy DtoH"))
    layouts = {name: count for name, count in names.items() if "nhwc" in name.lower() or "nchw" in name.lower()}
    turned = [name for name in layouts if "nchwtonhwc" in name.lower() or "nhwctonchw" in name.lower()]
    last = [name for name in layouts if "nhwc" in name.lower() and name not in turned]
    notes.numbers |= {"transfers to the host a step": back / PROFILED, "kernels by layout": layouts}
    notes.holds(back <= PROFILED, f"{back / PROFILED:.1f} transfers to the host a step, more than one")
    waited = sum(count for name, count in names.items() if "Pageable" in name or name == "cudaStreamSynchronize")
    notes.numbers["waits of the host a step"] = waited / PROFILED
    notes.holds(not waited, f"the host waits {waited / PROFILED:.1f} times a step for the device")
    notes.holds(bool(last), "no kernel says that it takes channels last")
    notes.holds(not turned, f"the layout is turned in {len(turned)} kernels, such as {turned[:1]}")


def loading(plan: Plan, notes: Notes) -> None:
    """The fraction of time that the loop waits for JPEGs which all cores read, and the rate of the cores alone."""
    different, count, batch = (8, 32, 2) if plan.quick else (100, 2000, 256)
    cores = min(64, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    folder = plan.folder / "photographs"
    photographs(folder, different)
    originals = sorted((folder / "train").glob("*/*.jpg"))
    for copy in range(1, count // different):
        for image in originals:
            image.with_name(f"{copy}-{image.name}").hardlink_to(image)
    config = large(batch, f"folder:{folder}", precision=precision(plan))
    config.data.workers = cores
    warm, steps = cores, 4 if plan.quick else 2 * cores
    loader = training_loader(open_images(config.data.source, "train"), config, plan.place)
    arriving = make_loader(loader, config, plan.place, 0, warm + steps)
    for _ in islice(arriving, warm):  # each worker makes its first
        pass
    start = time.perf_counter()
    read = sum(len(batch.images) for batch in arriving)
    alone = read / (time.perf_counter() - start)
    at, moments = timed(plan, warm, warm + steps)
    waits = observed(plan, LARGE, config, warm + steps, at).waits[warm:]
    took = moments[1] - moments[0]
    notes.numbers |= {"cores": cores, "read alone": alone, "read alone a core": alone / cores}
    notes.numbers |= {"learnt from": batch * steps / took, "waiting": sum(waits) / took}
    notes.holds(len(originals) == different and read == batch * steps, f"{read} images were read")


def compiling(plan: Plan, notes: Notes) -> None:
    """The compiled small network has the losses of the eager one, is compiled once, and evaluates a partial batch.

    On a CPU the graphs are captured as by Inductor, and then run by torch's own kernels.
    """
    config = small(deterministic=True, log_every=1)
    config.data = replace(config.data, batch=32, workers=0, source="fake:96x10x32")
    set_deterministic(True)
    eager = losses(plan, config, compiled=False)[0]
    compiled, graphs = losses(plan, config, compiled=True)
    far = max(relative_error(*pair) for pair in zip(compiled, eager, strict=True))
    notes.numbers |= {"losses apart": far, "graphs after 2 steps": graphs[2], "after 10 steps": graphs[-1]}
    notes.holds(far <= 1e-2, f"a loss is {far:.1e} off, more than 0.01")
    notes.holds(
        graphs[2] == graphs[-1] > 0, f"{graphs[-1] - graphs[2]} graphs are compiled after step 2, of {graphs[-1]}"
    )
    if not plan.cuda:
        notes.absent["inductor"] = INDUCTOR


def losses(plan: Plan, config: Config, compiled: bool) -> tuple[list[float], list[int]]:
    """The losses of ten steps, and how many graphs there were before each and at the end."""
    from torch._dynamo.utils import counters

    torch.compiler.reset()
    counters.clear()
    config = replace(config, run=replace(config.run, compile=compiled))
    config.average.name = "none"  # so that what is compiled is what is evaluated
    graphs: list[int] = []
    compile_ = nn.Module.compile if plan.cuda else partialmethod(nn.Module.compile, backend="aot_eager")
    with patch.object(nn.Module, "compile", compile_):
        seen = observed(plan, SMALL, config, 10, lambda step: graphs.append(counters["stats"]["unique_graphs"]))
    loader = evaluation_loader(open_images("fake:50x10x32", "test"), config, plan.place)
    score, _ = evaluate(seen.training.network, loader, config, plan.place, lambda: False)
    assert score.n == 50, f"{score.n} of 50 images were evaluated"  # 32 and 18
    return seen.losses, graphs
