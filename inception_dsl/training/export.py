"""What is made of a finished run: the model card, the curves, and an ONNX file with the trained weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from inception_dsl import compiler
from inception_dsl.emit.onnx import onnx
from inception_dsl.files.output import write
from inception_dsl.ir.typed import Typed
from inception_dsl.training.card import write_card
from inception_dsl.training.plan import with_classes
from inception_dsl.training.plot import plot
from inception_dsl.weights import deploy
from inception_dsl.weights.files import WeightFile
from inception_dsl.weights.transfer import load_weights


class Exported(NamedTuple):
    """The ONNX file, the other files that were written, and the network and weights that it holds."""

    onnx: Path
    paths: list[Path]
    typed: Typed
    weights: WeightFile

    def compare(self) -> deploy.OutputDifference:
        """Compare the ONNX file with the PyTorch network. Raises `SpecError`."""
        return deploy.compare_with_pytorch(self.typed, self.weights.tensors, self.onnx, heads=False)


def export(folder: Path) -> Exported:
    """Export the network of a run from the run's folder alone, as its spec may have changed since.

    Raises `SpecError`.
    """
    model = folder / "model"
    write_card(model, (folder / "model.py").read_text(encoding="utf-8"))
    classes = len(json.loads((model / "config.json").read_text(encoding="utf-8"))["label_names"])
    typed = with_classes(compiler.load(folder / "spec.yaml"), classes)
    weights = load_weights(typed, model / "model.safetensors", heads=False)
    metadata = deploy.onnx_metadata(weights)
    paths = write(
        deploy.onnx_files(typed, weights.tensors, "model.onnx", opset=onnx.NEWEST, heads=False, metadata=metadata),
        model,
    )
    plot([folder], folder / "curves.svg")
    return Exported(model / "model.onnx", [*paths, folder / "curves.svg"], typed, weights)
