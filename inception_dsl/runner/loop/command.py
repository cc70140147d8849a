"""The command line of a generated `train.py`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from inception_dsl.runner.base.config import Config, NetworkInfo
from inception_dsl.runner.base.settings import RunError, error_text, with_setting
from inception_dsl.runner.machine.devices import destroy_distributed, exit_process, lost_connection, rank_context
from inception_dsl.runner.machine.failures import failed_for_good, own_failure, read_failure, record_failure
from inception_dsl.runner.machine.launcher import torchrun_variables
from inception_dsl.runner.record.folder import RunFailed

EXIT_CODES = {"done": 0, "preempted": 75}  # 75: EX_TEMPFAIL, try again

EPILOG = """\
one process:      python train.py --data folder:imagenet --out runs/first
the GPUs here:    torchrun --nproc-per-node=gpu --max-restarts=3 --shutdown-timeout=100 train.py --data ... \\
                    --set data.batch=256       (of a step, over all processes: 32 each on 8; the rate follows)
many machines:    export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1     (or restarts may find the addresses of the dead)
                  torchrun --nnodes=4 --nproc-per-node=gpu --max-restarts=3 --shutdown-timeout=100 \\
                    --rdzv-backend=c10d --rdzv-id=7 --rdzv-endpoint=HOST:29400 train.py --data ... --out SHARED
Slurm:            #SBATCH --nodes=4 --ntasks-per-node=1 --gpus-per-node=8 --signal=TERM@120 --requeue
                  srun (the same torchrun, --rdzv-id=$SLURM_JOB_ID, and --signals-to-handle=SIGTERM,SIGINT,SIGUSR1)
                  [ "$(cat SHARED/STATUS)" = preempted ] && scontrol requeue $SLURM_JOB_ID
without torchrun: #SBATCH --nodes=4 --ntasks-per-node=8 --gpus-per-node=8 --signal=TERM@120 --requeue
                  srun --kill-on-bad-exit=1 python train.py --data ... --out SHARED     (no restarts)

The same command resumes from the last checkpoint, as if nothing had happened. SIGTERM, SIGUSR1 and Ctrl-C save first;
the exit code is then 75 (torchrun's own is 1), and OUT/STATUS says "preempted". 0: done; 1: failed (a loss that is not
finite, a full disk); 2: could not start. torchrun restarts from the checkpoint, at most --max-restarts times; if the
failure would repeat, OUT/failure.json says so, and restarts end at once."""


def _assignment(text: str) -> tuple[str, str]:
    """Split KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} has no value; write KEY=VALUE, such as optim.lr=0.02")
    return key, value


def main(train: Callable[..., str], network: Callable[[int], nn.Module], config: Config, info: NetworkInfo) -> None:
    """The command line of a generated `train.py`, whose `train` returns how the run ended."""
    parser = argparse.ArgumentParser(
        description=f"Train {info.title}.", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data, out = config.data.source, Path("runs", info.name)
    add = parser.add_argument
    add("--data", required=not data, default=data, metavar="KIND:PATH", help="the data set, such as folder:imagenet")
    add("--out", type=Path, default=out, metavar="FOLDER", help=f"the run's folder (default: {out})")
    add(
        "--set",
        type=_assignment,
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="settings, such as optim.lr=0.02",
    )
    resume = "auto: resume from the last checkpoint in --out, if any; FILE: or else from this checkpoint of another run"
    start = "a .safetensors file to start from (default: %s)" % (config.transfer.weights or "all weights are drawn")
    add("--init-from", type=Path, metavar="FILE", help=start)
    add("--resume", default="auto", metavar="auto|never|FILE", help=resume)
    add("--force", action="store_true", help="resume although the network, the data or the recipe differ")
    add("--steps", type=int, metavar="N", help="stop after N steps, whatever the schedule")
    add("--deterministic", action="store_true", help="reproducible bit for bit on a GPU, but slower")
    given = parser.parse_args()
    os.environ.update(torchrun_variables(os.environ))
    if failed := failed_for_good(given.out):
        exit_process(failed.code)
    flags = [("run.deterministic", "true")] if given.deterministic else []
    flags += [("transfer.weights", str(given.init_from)), ("transfer.sha256", "")] if given.init_from else []
    try:
        for key, value in [("data.source", given.data), *given.set, *flags]:
            config = with_setting(config, key, value)
        ended = train(network, config, info, rank_context(), given.out, given.resume, given.force, given.steps)
        code = EXIT_CODES[ended]
        destroy_distributed()  # not after an error: NCCL would wait for the other ranks, and they for this one
    except Exception as error:  # noqa: BLE001 - reported here, since exit_process skips the interpreter's handler
        code = _report(error, given.out, config)
    except KeyboardInterrupt:  # the second; see `catch_signals`
        if os.environ.get("RANK", "0") == "0":
            sys.stderr.write("\ninterrupted; the same command resumes from the last checkpoint, if there is one\n")
        code = 128 + signal.SIGINT
    exit_process(code)


def _report(error: Exception, out: Path, config: Config) -> int:
    """Report an error, in one line if it is a user's, and record it for restarts; returns the exit code."""
    code, permanent, step = 1, False, vars(error).get("step", -1)
    if isinstance(error, (RunError, OSError)):
        file = getattr(error, "filename", None)
        message = f"error: {file}: {error_text(error)}\n" if file else f"error: {error}\n"
        code = 1 if isinstance(error, RunFailed) else 2
        permanent = isinstance(error, RunError) and not isinstance(error.__cause__, OSError)
    elif isinstance(error, torch.OutOfMemoryError):
        cause = str(error).partition(".")[0]
        message = f"error: {cause}; --set run.accumulate={2 * config.run.accumulate} uses less\n"
    else:
        message = "".join(traceback.format_exception(error))
    failure = own_failure(str(error), code, permanent, step)
    if lost_connection(error):  # of interest only if no process says why it ended
        message = f"error: the connection to another process is lost: {error_text(error)}\n"
        last = read_failure(out)
        report = not (last and last[:2] == failure[:2])
    else:
        report = record_failure(out, failure)
    if report:
        sys.stderr.write(message)
    return code
