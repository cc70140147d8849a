"""The precision of a run: what a device can compute in, what "auto" comes to, and where ops are lowered."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext

import torch

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import RunError, with_setting
from inception_dsl.runner.machine.devices import RankContext, any_rank

BF16_CAPABILITIES = {  # of a CPU: torch's name and the vendor's
    "avx512_bf16": "AVX512-BF16",
    "amx_bf16": "AMX",
}
HALF_PRECISIONS = {
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


def supports_bf16(device: torch.device) -> tuple[bool, str]:
    """Whether a device has bf16 instructions, and the reason for the answer."""
    if device.type == "cpu":
        found = [name for key, name in BF16_CAPABILITIES.items() if torch.cpu.get_capabilities().get(key)]
        return bool(found), f"this CPU has {' and '.join(found) or 'no bf16 instructions'}"
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        why = "this GPU has compute capability {}.{}".format(*capability)
        return (True, why) if capability >= (8, 0) else (False, f"{why}, and bf16 instructions come with 8.0")
    return False, f"whether {device.type} has bf16 instructions is unknown"


def resolve_precision(config: Config, context: RankContext, begun: str = "") -> tuple[Config, str]:
    """The config with its precision resolved, and a line that says which precision it is and why.

    "auto" goes on as the run was `begun`; a new run takes bf16 where every process has it, and else fp32. fp16 is only
    used where it is asked for: its range is that of few networks' gradients, and a loss scale has to make up for it.
    Raises `RunError` where a run that was begun in bf16 would go on without.
    """
    requested = config.run.precision
    able, why = supports_bf16(context.device)
    if any_rank(context, not able) and able:
        able, why = False, "a device of another process has no bf16 instructions"
    if requested == "bf16" and not able and context.rank == 0:
        advice = "emulated bf16 is several times slower than fp32; run.precision=auto takes the faster one"
        sys.stderr.write(f"warning: run.precision is bf16, but {why}: {advice}\n")
    if requested == "fp16" and context.device.type == "cpu" and context.rank == 0:
        advice = "it is emulated, many times slower than fp32; run.precision=auto takes the faster of fp32 and bf16"
        sys.stderr.write(f"warning: run.precision is fp16, but this is a CPU: {advice}\n")
    if requested != "auto":
        return config, f"precision {requested}: set by run.precision"
    if begun == "bf16" and not able:
        ways = "go on where there are, or slowly with --set run.precision=bf16, or give a new --out"
        raise RunError(f"the run was begun in bf16, but {why}: {ways}")
    chosen = begun or ("bf16" if able else "fp32")
    if chosen == "fp16" or (chosen == "fp32" and able):
        why = "the run was begun in it"
    elif chosen == "fp32" and context.device.type != "cpu":
        why += "; run.precision=fp16 may be faster"
    return with_setting(config, "run.precision", chosen), f"precision {chosen}: {why}"


def autocast(context: RankContext, precision: str) -> AbstractContextManager[object]:
    """The autocast context of a precision: "bf16" or "fp16" where autocast lowers an op, or "fp32" throughout."""
    assert precision != "auto", "resolve_precision comes first"
    lowered = HALF_PRECISIONS.get(precision)
    return torch.autocast(context.device.type, dtype=lowered) if lowered else nullcontext()
