"""`eval` that fails or is interrupted in the middle leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inception_dsl.network import load
from inception_dsl.runner.base.tensor_files import save_safetensors

SPEC = "specs/googlenet_bn_small.yaml"
SCRIPT = """
import os, signal, sys, time
from inception_dsl import __main__
from inception_dsl.evaluation import predict
from inception_dsl.runner.base.settings import RunError

how = sys.argv.pop()
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it

def stop(*chunk):
    if how == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(600):  # another thread may receive it, and this one hears of it between two naps
            time.sleep(0.1)
    raise RunError("in the middle")

predict._accumulate = stop
__main__.run()
"""


@pytest.mark.parametrize(("how", "code"), [("fail", 2), ("interrupt", 130)])
def test_no_worker_is_left(how: str, code: int, tmp_path: Path) -> None:
    weights = tmp_path / "x.safetensors"
    save_safetensors(weights, load(SPEC).build().state_dict(), {})
    options = ["--data", "fake:1000x10x32", "--set", "data.workers=2"]
    command = [sys.executable, "-c", SCRIPT, "eval", SPEC, str(weights), *options, how]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        output = process.communicate(timeout=120)[1]

    assert process.returncode == code, output
    assert how == "interrupt" or "in the middle" in output
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # nobody is left in its group
