"""Networks of timm and pytorchcv with layers that few others have are adopted, equal in value."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runner import cli

CHANNEL_CONV = "channel_conv"


@pytest.mark.parametrize(
    ("library", "name", "word"),
    [
        ("pytorchcv", "channelnet", CHANNEL_CONV),
        *(
            ("timm", name, CHANNEL_CONV)
            for name in ("ecaresnet26t", "ecaresnet50d", "eca_resnext26ts", "eca_resnet33ts")
        ),
    ],
)
def test_a_network_of_a_library_is_adopted(library: str, name: str, word: str, tmp_path: Path) -> None:
    pytest.importorskip(library)
    made = {"timm": "timm:create_model", "pytorchcv": "pytorchcv.model_provider:get_model"}[library]
    argument = {"timm": "model_name", "pytorchcv": "name"}[library]
    spec = tmp_path / "network.yaml"

    done = cli("adopt", made, "--arg", f"{argument}={name}", "--out", spec)

    assert done.exit_code == 0, done.output
    assert word in spec.read_text(encoding="utf-8")
