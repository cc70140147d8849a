"""Words and networks that torch, and onnx's converter, write in every opset from 9 to the newest."""

from __future__ import annotations

from pathlib import Path

import pytest
import torchvision
from test_interchange_opsets import OF_TORCH, WORDS, check_converted, check_word, exported

from inception_dsl.audit.audit import audit
from inception_dsl.compiler import at_size, compile_file
from inception_dsl.interchange.onnx.reader import read_onnx


@pytest.mark.parametrize("word", WORDS)
def test_words(word: str, tmp_path: Path) -> None:
    check_word(word, OF_TORCH, tmp_path)
    check_converted(word, tmp_path)


@pytest.mark.parametrize("opset", OF_TORCH)
@pytest.mark.parametrize("network", ["shufflenet_v2_x0_5", "mobilenet_v3_small", "squeezenet1_1"])
def test_networks(network: str, opset: int, tmp_path: Path) -> None:
    """Hard swish, squeeze and excitation, channel shuffles, and pools that round up."""
    module = torchvision.models.get_model(network, weights=None)
    file = exported(module, (3, 224, 224), opset, tmp_path / "net.onnx")

    assert file
    assert audit(at_size(compile_file(f"builtin:zoo/{network}")), read_onnx(file), inference=True).holds
