"""Words that torch writes otherwise in every opset are read alike from all of them; `nightly` tries every opset."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import onnx
import pytest
import torch
from onnx import version_converter
from torch import Tensor, nn
from torch.nn import functional

from inception_dsl.audit.audit import Audit, audit
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.onnx import onnx as emitter
from inception_dsl.interchange.onnx.model import OLDEST
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.ir.typed import Typed

OF_TORCH = range(OLDEST, 21)
"""The opsets in which torch's older exporter writes."""

WORDS: dict[str, Callable[[Tensor], Tensor]] = {
    "resize 2": lambda x: functional.interpolate(x, scale_factor=2),
    "resize 2 bilinear": lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"),
    "resize to=20x12 bilinear": lambda x: functional.interpolate(x, size=(20, 12), mode="bilinear"),
    "resize 2 bilinear align_corners": lambda x: functional.interpolate(
        x, scale_factor=2, mode="bilinear", align_corners=True
    ),
    "conv_transpose 3x3/2 6 same bias": nn.ConvTranspose2d(4, 6, 3, 2, 1, 1),
    "pixel_shuffle 2": nn.PixelShuffle(2),
    "pixel_unshuffle 2": nn.PixelUnshuffle(2),
    "pad 1 reflect": nn.ReflectionPad2d(1),
    "pad 1": nn.ZeroPad2d(1),
    "crop 1": lambda x: x[:, :, 1:-1, 1:-1],
    "slice 2 start=1": lambda x: x[:, 1:3],
    "channel_mean": lambda x: x.mean(1, keepdim=True),
    "channel_max": lambda x: x.max(1, keepdim=True)[0],
}

LINEAR_BEFORE_11 = "with `linear`, `asymmetric` and `floor`"
"""What opsets 9 and 10 have in place of bilinear interpolation: other values than torch's, and a finding."""


class Module(nn.Module):
    """A word as torch has it."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def typed(word: str) -> Typed:
    text = f"network: net\ninput: 4x8x8\nlayers: |\n  name | layer\n  one | {word}\n"
    return at_size(compile_source(Source("specs/net.yaml", text)))


def exported(module: nn.Module, shape: Sequence[int], opset: int, file: Path) -> Path | None:
    """The file that torch's older exporter writes; None where it has no such op in the opset."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                module.eval(), (torch.rand(1, *shape),), str(file), dynamo=False, opset_version=opset, verbose=False
            )
        except (torch.onnx.errors.UnsupportedOperatorError, torch.onnx.errors.SymbolicValueError):
            return None
    return file


def check_word(word: str, opsets: Sequence[int], folder: Path) -> None:
    """A word is read from what torch writes, apart from what opsets 9 and 10 cannot say."""
    for opset in opsets:
        file = exported(Module(WORDS[word]), (4, 8, 8), opset, folder / "word.onnx")
        result: Audit | None = audit(typed(word), read_onnx(file)) if file else None
        if opset < 11 and "bilinear" in word:
            assert result is None or LINEAR_BEFORE_11 in result.findings[0].first.target
        else:
            assert result and result.holds, (opset, result and result.findings)


def check_converted(word: str, folder: Path) -> None:
    """A word is read from what onnx's converter makes of our file, in any opset that it can write, the newest too."""
    read = []
    for opset in range(OLDEST, emitter.NEWEST + 1):
        model = None
        with suppress(Exception):  # the converter has no way back for some ops
            model = version_converter.convert_version(onnx.load_from_string(emitter.model(typed(word))), opset)
        if model:
            onnx.save(model, folder / "converted.onnx")
            assert audit(typed(word), read_onnx(folder / "converted.onnx")).holds, opset
            read.append(opset)
    assert emitter.NEWEST in read


@pytest.mark.parametrize("word", WORDS)
def test_a_word_in_the_oldest_opset_and_in_the_newest(word: str, tmp_path: Path) -> None:
    check_word(word, [OF_TORCH[0], OF_TORCH[-1]], tmp_path)
