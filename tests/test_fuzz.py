"""Specs with slips, through every verb: a result or diagnostics, soon and with little memory; never another exception.

`nightly/fuzz.py` does the same for longer, and breeds texts by the code that they reach.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import fuzzing
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bad_specs import EDIT, edited
from test_bounds import CHECK, within

VERBS = [verb for verb in fuzzing.VERBS if verb != "compile"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from(fuzzing.SPECS), st.lists(EDIT, min_size=1, max_size=3))
def test_every_verb_answers(path: Path, edits: list[tuple[str, int, str]]) -> None:
    """Whatever the slips in a shipped spec are, also where it is a variant."""
    data = edited(path.read_text(encoding="utf-8"), edits).encode(errors="replace")
    for verb in VERBS:
        within(CHECK[0], partial(fuzzing.answer, verb, data, path))


def test_the_fuzzer_runs_and_stays_small(tmp_path: Path) -> None:
    """It fails where a verb does, and beyond its bounds of time and memory."""
    command = [sys.executable, str(fuzzing.ROOT / "tests/nightly/fuzz.py"), "edits", "--count", "10", "--seed", "5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("10 texts, the slowest verb ")
    assert all(f"  {verb} " in done.stdout for verb in fuzzing.VERBS)
