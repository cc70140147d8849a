"""All specs read back from their ONNX files and modules, and torchvision's networks against their specs."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_interchange import check_export, check_round_trip
from test_interchange_torch import check_generated, check_torchvision

from inception_dsl.files.builtin import spec_names

V3 = {"aux_logits": False, "init_weights": False}
EXPORTED = {
    "googlenet": "googlenet_torchvision",
    "inception_v3": "inception_v3_torchvision",
    "alexnet": "alexnet_torchvision",
    **{
        name: f"zoo/{name}"
        for name in (
            *("squeezenet1_0", "shufflenet_v2_x0_5", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0"),
            *("densenet121", "regnet_y_400mf", "mnasnet1_0", "resnet18"),
        )
    },
}


@pytest.mark.parametrize("name", [name for name in spec_names() if not name.endswith("claims")])
def test_a_spec_is_read_back_from_its_onnx_file(name: str, tmp_path: Path) -> None:
    check_round_trip(name, tmp_path)


@pytest.mark.parametrize("name", EXPORTED)
def test_a_network_that_torch_exports_is_its_spec(name: str, tmp_path: Path) -> None:
    check_export(name, EXPORTED[name], tmp_path, **(V3 if name in ("googlenet", "inception_v3") else {}))


@pytest.mark.parametrize("name", [name for name in spec_names() if not name.endswith("claims")])
def test_a_spec_is_read_back_from_its_torch_module(name: str) -> None:
    check_generated(name)


@pytest.mark.parametrize("name", EXPORTED)
def test_torchvisions_network_is_the_spec_of_its_port(name: str) -> None:
    check_torchvision(name, EXPORTED[name])
