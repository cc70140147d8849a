"""Every family of adversarial files at its largest, as a whole process: CPU and memory. It takes some minutes."""

from __future__ import annotations

from pathlib import Path

import pytest
from adversarial import FAMILIES
from test_bounds import hold_process


@pytest.mark.parametrize("verb", ["check", "compile", "fmt"])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_process_is_small_and_soon_done(name: str, verb: str, tmp_path: Path) -> None:
    hold_process(verb, name, tmp_path)
