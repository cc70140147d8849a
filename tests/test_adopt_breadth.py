"""Networks of torchvision and pytorchcv become specs that give the same values: 12 of those that the script adopts."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("pytorchcv", reason="pytorchcv is not installed")

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "adopting.py"
NETWORKS = (
    *(("torchvision", name) for name in ("squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5")),
    *(("pytorchcv", f"{name}_cifar10") for name in ("nin", "resnet20", "preresnet20", "seresnet20", "sepreresnet20")),
    *(("pytorchcv", name) for name in ("mobilenet_wd4", "fdmobilenet_wd4", "shufflenetv2_wd2", "resnet10")),
)


@pytest.mark.parametrize(("library", "name"), NETWORKS, ids=lambda value: value)
def test_a_network_of_a_library_is_adopted(library: str, name: str) -> None:
    specification = importlib.util.spec_from_file_location("adopting", SCRIPT)
    assert specification and specification.loader
    adopting = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(adopting)

    result = adopting.attempt(library, name)

    assert result["cause"] == "equal", result
