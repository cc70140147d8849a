"""The language server over every beginning of three large specs, and 200 beginnings of each other one."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_lsp_keystrokes import OTHERS, SPECS, boundaries, type_into

LARGE = (SPECS / "googlenet.yaml", SPECS / "inception_v4.yaml", SPECS / "polynet.yaml")


@pytest.mark.parametrize("path", LARGE, ids=lambda path: path.stem)
def test_every_beginning_of_a_large_spec(path: Path) -> None:
    type_into(path, range(len(path.read_text(encoding="utf-8")) + 1))


@pytest.mark.parametrize("path", [path for path in OTHERS if path not in LARGE], ids=lambda path: path.stem)
def test_many_beginnings_of_every_spec(path: Path) -> None:
    type_into(path, boundaries(path.read_text(encoding="utf-8"), 200))
