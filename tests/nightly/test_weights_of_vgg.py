"""The VGGs against torchvision's: the same weights in, the same numbers out, and back bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from library_networks import LARGE, check_identity, check_numbers


@pytest.mark.parametrize("case", LARGE)
def test_the_same_weights_give_the_same_numbers(case: str, tmp_path: Path) -> None:
    check_numbers(case, tmp_path)


@pytest.mark.parametrize("case", LARGE)
def test_import_then_export_is_the_identity(case: str, tmp_path: Path) -> None:
    check_identity(case, tmp_path)
