"""A network with its weights as one ONNX file, and what that computes beside the PyTorch network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from inception_dsl.build import build
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE
from inception_dsl.crosscheck.systems import require
from inception_dsl.diagnostics.codes.generated import EXPORT_DIFFERS
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed
from inception_dsl.weights.files import Held
from inception_dsl.weights.preprocessing import KEY

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

LARGEST: Final = 2**31 - 2**20
"""Bytes of weights that a file can hold: protobuf's messages end at 2 GiB, and the graph needs some."""

EXTERNAL: Final = 1  # TensorProto.DataLocation
PAGE: Final = 4096
"""Tensors beside the file start at its multiples, so that they can be mapped into memory."""


def about(held: Held) -> dict[str, str]:
    """What an ONNX file says of its weights: how images are prepared for them, as in the file that they are from."""
    return {KEY: held.about[KEY]} if KEY in held.about else {}


def drawn(typed: Typed, seed: int) -> dict[str, Array]:
    """Fresh weights, those that the network's `model.py` begins with after `torch.manual_seed(seed)`.

    Where the spec states `init`, that is how they are drawn; all others are drawn as torch does. Raises `SpecError`
    E005 where torch is not installed.
    """
    require("pytorch")
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        held = build(pytorch.source(typed), typed.program.name).state_dict()
    return {name: held[name].numpy() for name in typed.weights}


def files(
    typed: Typed,
    weights: Mapping[str, Array],
    name: str,
    *,
    opset: int,
    heads: bool,
    about: Mapping[str, str] | None = None,
    most: int = LARGEST,
) -> dict[str, bytes]:
    """The ONNX file `name` with the weights in it, for any batch; more than `most` bytes of them lie in a second file.

    `about` is text for its `metadata_props`.

    Raises `SpecError` E401 for an opset that cannot express the network.
    """
    raw = {each: weights[each].astype("<f4", copy=False).tobytes() for each in typed.weights if each in weights}
    if sum(map(len, raw.values())) <= most:
        held = {each: _tensor(each, weights[each], raw_data=data) for each, data in raw.items()}
        return {name: onnx.model(typed, opset=opset, heads=heads, weights=held, about=about)}
    beside, end = f"{name}.data", 0
    held, parts = {}, []
    for each, data in raw.items():
        place = {"location": beside, "offset": str(end), "length": str(len(data))}
        held[each] = _tensor(each, weights[each], external_data=pb.metadata(place), data_location=EXTERNAL)
        parts += [data, bytes(-len(data) % PAGE)]
        end += len(data) + len(parts[-1])
    return {beside: b"".join(parts), name: onnx.model(typed, opset=opset, heads=heads, weights=held, about=about)}


def _tensor(name: str, values: Array, **content: pb.Content | list[bytes]) -> bytes:
    return pb.Tensor(name=name, dims=values.shape, data_type=pb.FLOAT, **content)


class Comparison(NamedTuple):
    """How far an ONNX file and the PyTorch network lie apart, and how far the image moves them.

    Both are relative to the range of the values of the output for which they are worst: `where`, and `still`.
    """

    apart: float
    where: str
    moved: float
    still: str

    @property
    def sentence(self) -> str:
        """The agreement in words."""
        said = (
            f"onnxruntime gives what PyTorch gives: values differ by {self.apart:.0e} of their range (`{self.where}`)"
        )
        if self.moved < MOVES:
            said += f"; that says little, as `{self.still}` moves by {self.moved:.0e} of it from image to image"
        return said

    def findings(self, file: Path) -> list[Diagnostic]:
        """E403 where they lie too far apart."""
        if self.apart <= TOLERANCE:
            return []
        if math.isnan(self.apart):
            message = f"`{self.where}` of `{file}` is not finite: with these weights the network overflows float32"
            return [Diagnostic(EXPORT_DIFFERS, message, file=str(file))]
        message = f"`{self.where}` of `{file}` differs by {self.apart:.1g} of its range from what PyTorch gives"
        return [Diagnostic(EXPORT_DIFFERS, f"{message}; {TOLERANCE:g} is allowed", file=str(file))]


def compared(typed: Typed, weights: Mapping[str, Array], file: Path, heads: bool) -> Comparison:
    """Run an ONNX file in onnxruntime and the PyTorch network with the same weights, on the same two images.

    Raises `SpecError` E005 for a library that is not installed.
    """
    require("pytorch", "onnx")
    import numpy as np
    import onnxruntime
    import torch

    net = build(pytorch.source(typed), typed.program.name).eval()
    net.load_state_dict({name: torch.from_numpy(each) for name, each in weights.items()}, strict=False)
    images = probe.images(typed.input.shape, 2, probe.level(typed))
    net.training = heads  # of the network alone: it gives its heads, while no dropout or batch norm trains
    with torch.no_grad():
        given = net(torch.from_numpy(images))
    asked = ["logits", *(typed.heads if heads else ())]
    ours = {name: (getattr(given, name) if heads and typed.heads else given).numpy() for name in asked}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is fatal is raised; nothing else is the reader's business
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    theirs = dict(zip(asked, session.run(asked, {"input": images}), strict=True))
    apart = {name: _apart(ours[name], theirs[name], ours[name]) for name in asked}
    moved = {name: _apart(ours[name][0], ours[name][1], ours[name]) for name in asked}
    where = max(apart, key=lambda name: np.nan_to_num(apart[name], nan=np.inf))
    still = min(moved, key=moved.__getitem__)
    return Comparison(apart[where], where, moved[still], still)


def _apart(one: Array, other: Array, all_values: Array) -> float:
    """The largest difference, relative to the range of all values; no number where one of them is none."""
    import numpy as np

    with np.errstate(all="ignore"):
        return float(np.abs(one - other).max() / (np.ptp(all_values) or 1.0))
