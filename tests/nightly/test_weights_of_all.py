"""All networks of torchvision and timm at their own size, also the largest: numbers, and import then export."""

from __future__ import annotations

from pathlib import Path

import pytest
from library_networks import CASES, LARGE, check_identity, check_numbers, small, spec


@pytest.mark.parametrize("case", CASES)
def test_the_same_weights_give_the_same_numbers(case: str, tmp_path: Path) -> None:
    check_numbers(case, spec(CASES[case].spec), tmp_path)


@pytest.mark.parametrize("case", sorted(LARGE))
def test_the_same_weights_give_the_same_numbers_on_small_images(case: str, tmp_path: Path) -> None:
    check_numbers(case, small(CASES[case].spec), tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_import_then_export_is_the_identity(case: str, tmp_path: Path) -> None:
    check_identity(case, tmp_path)
