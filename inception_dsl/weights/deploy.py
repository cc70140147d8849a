"""An ONNX file with weights in it, and its comparison with the PyTorch network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE, relative_difference
from inception_dsl.crosscheck.executor import require
from inception_dsl.diagnostics.codes.generated import EXPORT_DIFFERS
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.backend import ONNX
from inception_dsl.emit.onnx.executor import session
from inception_dsl.emit.pytorch.backend import PYTORCH
from inception_dsl.emit.pytorch.executor import PyTorch
from inception_dsl.ir.typed import Typed
from inception_dsl.weights.files import WeightFile
from inception_dsl.weights.preprocessing import KEY

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

MAX_FILE_BYTES: Final = 2**31 - 2**20
"""Bytes of weights that fit in one file: a protobuf message ends at 2 GiB, and the graph takes some of them."""

ACTIVATION_NAMES: Final = {"cross_entropy": "softmax", "bce": "sigmoid", "mse": "none"}
"""What turns a network's outputs into predictions, by the loss of its training."""

EXTERNAL: Final = 1  # TensorProto.DataLocation
PAGE: Final = 4096
"""Tensors in the second file start at multiples of this many bytes, so that they can be memory-mapped."""


def onnx_metadata(source: WeightFile) -> dict[str, str]:
    """The metadata that an ONNX file takes from its file of weights: how images are prepared, and what outputs are.

    `activation` turns the outputs into predictions: softmax, sigmoid, or none for numbers.
    """
    kept = {KEY: source.metadata[KEY]} if KEY in source.metadata else {}
    if (loss := source.metadata.get("loss")) in ACTIVATION_NAMES:
        kept |= {"loss": loss, "activation": ACTIVATION_NAMES[loss]}
    return kept


def onnx_files(
    typed: Typed,
    weights: Mapping[str, Array],
    name: str,
    *,
    opset: int,
    heads: bool,
    taps: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
    most: int = MAX_FILE_BYTES,
) -> dict[str, bytes]:
    """The ONNX file `name`, for any batch size, with the weights in it.

    More than `most` bytes of weights go to a second file, `name.data`. `metadata` goes to `metadata_props`.

    Raises `SpecError` E401 for an opset that cannot express the network, E206 for an unknown tap.
    """
    raw = {tensor: weights[tensor].astype("<f4", copy=False).tobytes() for tensor in typed.weights if tensor in weights}
    if sum(map(len, raw.values())) <= most:
        inline = {tensor: _tensor(tensor, weights[tensor], raw_data=data) for tensor, data in raw.items()}
        return {name: onnx.model(typed, opset=opset, heads=heads, taps=taps, weights=inline, metadata=metadata)}
    second_file, end = f"{name}.data", 0
    external, parts = {}, []
    for tensor, data in raw.items():
        place = {"location": second_file, "offset": str(end), "length": str(len(data))}
        external[tensor] = _tensor(tensor, weights[tensor], external_data=pb.metadata(place), data_location=EXTERNAL)
        parts += [data, bytes(-len(data) % PAGE)]
        end += len(data) + len(parts[-1])
    graph = onnx.model(typed, opset=opset, heads=heads, taps=taps, weights=external, metadata=metadata)
    return {second_file: b"".join(parts), name: graph}


def _tensor(name: str, values: Array, **content: pb.Content | list[bytes]) -> bytes:
    return pb.TensorProto(name=name, dims=values.shape, data_type=pb.FLOAT, **content)


class OutputDifference(NamedTuple):
    """How far the outputs of an ONNX file and of the PyTorch network differ.

    `apart` is the largest difference and `where` the output that has it. `moved` is the smallest change of an output
    from one image to another, and `still` the output that has it. Both are relative to the range of the output.
    """

    apart: float
    where: str
    moved: float
    still: str

    @property
    def sentence(self) -> str:
        """The result in words."""
        text = f"onnxruntime agrees with PyTorch: values differ by at most {self.apart:.0e} of their range"
        text += f" (`{self.where}`)"
        if self.moved < MOVES:
            text += f"; this shows little, because `{self.still}` changes by only {self.moved:.0e} between two images"
        return text

    def findings(self, file: Path) -> list[Diagnostic]:
        """E403 if the difference exceeds the tolerance."""
        if self.apart <= TOLERANCE:
            return []
        if math.isnan(self.apart):
            message = f"`{self.where}` of `{file}` is not finite: with these weights the network overflows float32"
            return [Diagnostic(EXPORT_DIFFERS, message, file=str(file))]
        message = f"`{self.where}` of `{file}` differs from PyTorch by {self.apart:.1g} of its range"
        return [Diagnostic(EXPORT_DIFFERS, f"{message}; the tolerance is {TOLERANCE:g}", file=str(file))]


def compare_with_pytorch(
    typed: Typed, weights: Mapping[str, Array], file: Path, heads: bool, taps: Sequence[str] = ()
) -> OutputDifference:
    """Run an ONNX file in onnxruntime and the PyTorch network with the same weights, both on the same two images.

    All outputs of the file are compared: the logits, the heads with `heads`, and the taps. Raises `SpecError` E005 if a
    library is not installed.
    """
    require(PYTORCH, ONNX)
    import numpy as np

    images = probe.images(typed.input.shape, 2, probe.level(typed))
    pytorch_network = PyTorch(typed)
    pytorch_network.load(weights)
    ours = dict(pytorch_network.at(typed)(images))
    ours["logits"] = ours[typed.trunk[-1]]
    names = list(dict.fromkeys(["logits", *(typed.heads if heads else ()), *taps]))
    theirs = dict(zip(names, session(file).run(names, {"input": images}), strict=True))
    apart = {name: relative_difference(ours[name], theirs[name], ours[name]) for name in names}
    moved = {name: relative_difference(ours[name][0], ours[name][1], ours[name]) for name in names}
    where = max(apart, key=lambda name: np.nan_to_num(apart[name], nan=np.inf))
    still = min(moved, key=moved.__getitem__)
    return OutputDifference(apart[where], where, moved[still], still)
