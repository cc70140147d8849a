"""Weights against the libraries they come from: the same weights in, the same numbers out, and back bit for bit.

One network of each library is enough here; `nightly/test_weights_of_all.py` has all of them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from library_networks import CASES, check_identity, check_numbers

from inception_dsl.weights.names import SPECS

some_networks = pytest.mark.parametrize("case", ["torchvision-googlenet", "timm-inception_v4"])


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    gc.collect()


@some_networks
def test_the_same_weights_give_the_same_numbers(case: str, tmp_path: Path) -> None:
    check_numbers(case, tmp_path)


@some_networks
def test_import_then_export_is_the_identity(case: str, tmp_path: Path) -> None:
    check_identity(case, tmp_path)


def test_the_networks_are_those_that_are_known() -> None:
    assert {tuple(case.split("-")) for case in CASES} == {
        (library, name) for library, known in SPECS.items() for name in known if library != "keras"
    }
    assert {spec for spec, _, _ in CASES.values()} == {
        spec for library, known in SPECS.items() for spec in known.values() if library != "keras"
    }
