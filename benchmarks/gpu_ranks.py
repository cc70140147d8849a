# ruff: noqa: TID251 - this script tests torch
"""A check of `gpu.py`: one process under torchrun with the device's own collectives, that acts like one of many.

Run as a script it is that process; it prints what it found as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import torch
from gpu_common import LARGE, NEEDS_CUDA, SMALL, Notes, Plan, build_network, fixed, large, small
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from inception_dsl.runner.images.augment import finish_images
from inception_dsl.runner.images.loaders import evaluation_loader
from inception_dsl.runner.learning.optim import make_optimiser
from inception_dsl.runner.loop.state import forward_backward
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.runner.record.evaluate import evaluate

PATIENCE = 30.0
"""Seconds that it may take after its start."""
START = 60.0
"""Seconds that torchrun and the imports may take before that."""


def ranks(plan: Plan, notes: Notes) -> None:
    """Collectives, DDP, synchronised batch norm and loaders that start beside them do not hang."""
    script = [str(Path(__file__)), str(plan.device), "quick" if plan.quick else "", str(plan.folder)]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1"]
    limit = PATIENCE * plan.patience
    done = subprocess.run([*torchrun, *script], capture_output=True, text=True, timeout=limit + START, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it ended without a word"])[-1])
    notes.numbers |= json.loads(done.stdout.splitlines()[-1])
    took = sum(number for name, number in notes.numbers.items() if name.endswith(" s"))
    notes.holds(took <= limit, f"it took {took:.0f} s, more than {limit:.0f} s")
    if not plan.cuda:
        notes.absent["synchronised batch norm"] = NEEDS_CUDA


def member(plan: Plan) -> dict[str, object]:
    """Measure the seconds of each part, in the process."""
    if plan.cuda:
        torch.cuda.set_device(plan.device)
    backend, measured = distributed.get_default_backend_for_device(plan.device), dict[str, object]()
    distributed.init_process_group(backend, device_id=plan.device if plan.cuda else None)
    measured["backend"] = backend
    name, batch = (SMALL, 16) if plan.quick else (LARGE, 32)
    config = small() if plan.quick else large(batch, "fake:64x1000")
    config.data.batch, config.run.precision = batch, "fp32"
    network = build_network(name, 10).to(plan.device).train()
    start = time.perf_counter()

    def done(part: str) -> None:
        nonlocal start
        plan.wait()
        measured[f"{part} s"] = round(time.perf_counter() - start, 3)
        start = time.perf_counter()

    numbers = torch.ones(1000, device=plan.device)
    distributed.all_reduce(numbers)
    assert bool((numbers == 1).all())
    done("all-reduce")
    for tensor in network.state_dict().values():
        distributed.broadcast(tensor, src=0)
    done("broadcast")
    model: nn.Module = network
    if plan.cuda:
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
    model = DistributedDataParallel(model, forward_sync_buffers=False, gradient_as_bucket_view=True)
    optimiser, given = make_optimiser(config, network), fixed(plan, name, 10)(config, 0)
    images = finish_images(given.images, given.draws, config)
    for _ in range(3):
        optimiser.zero_grad()
        forward_backward(model, images, given.labels, config, plan.place)
        optimiser.step()
    done("three steps of DDP")
    config.data.workers = 2
    side = config.data.height
    loader = evaluation_loader(open_images(f"fake:32x10x{side}", "test"), config, plan.place)
    for _ in range(5):
        score, _ = evaluate(network, loader, config, plan.place, lambda: False)
        assert score.n == 32
    done("five evaluations")
    distributed.destroy_process_group()
    return measured


if __name__ == "__main__":
    device, quick, folder = sys.argv[1:]
    print(json.dumps(member(Plan(torch.device(device), bool(quick), Path(folder)))))
