"""Keras weight files, loaded by keras into its own network and converted to torch's layout."""

from __future__ import annotations

import math
import os
import re
import warnings
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from inception_dsl.build import missing
from inception_dsl.diagnostics.codes.weights import NOT_A_WEIGHTS_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.files import paths
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.weights.files import WeightFile, check_size
from inception_dsl.weights.names.keras import KERAS
from inception_dsl.weights.names.libraries import BUILTIN_SPECS
from inception_dsl.weights.names.notation import Names
from inception_dsl.weights.pickles import check_archive, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inception_dsl.crosscheck.probe import Array
    from inception_dsl.ir.typed import Typed

DEFAULT_SIDE: Final = 299
"""The default input size of the networks; weights do not depend on it."""

SUFFIXES: Final = (".h5", ".keras")
NUMBERED: Final = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")
"""Names that keras generates; its counter continues from one network to the next."""


class Contents(NamedTuple):
    """What the shapes in a file show: the number of kernels, classes and image channels.

    `classes` is 0 if there is no classifier.
    """

    kernels: int
    classes: int
    channels: int


def read_keras(path: Path, network: str) -> WeightFile:
    """Read the tensors of a network of `keras.applications`, in torch's layout, named by layer.

    Only the weights of a `.keras` file are read; the network it describes is never built. Raises `SpecError`: E001 for
    a file that cannot be read, E130 for a file of another network, and E005 if keras is not installed.
    """
    if not path.name.endswith(SUFFIXES):
        message = f"`{path}` is not a keras weight file"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help="use a `.weights.h5`, `.h5` or `.keras` file")])
    size = paths.readable_size(path)
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import keras
    except ModuleNotFoundError as error:
        raise missing(error.name or "keras", "keras") from None
    found = _contents(path, size)
    title = f"keras' {network}"
    counts = (found.kernels, found.kernels + (not found.classes))
    others = [names.name for names in KERAS if _kernels(names) in counts]
    if network not in others:
        known = f"this is keras' {others[0]}: use the spec `{BUILTIN_SPECS['keras'][others[0]]}`" if others else ""
        message = f"`{path}` does not belong to {title}: it has {found.kernels} kernels"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help=known)])
    if not found.classes:
        message = f"`{path}` has no classifier: it was saved with `include_top=False`"
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, message, help="save the weights of the network with `include_top=True`")]
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a mismatch also raises an exception
            shape = None if found.channels == 3 else (DEFAULT_SIDE, DEFAULT_SIDE, found.channels)
            net = getattr(keras.applications, network)(weights=None, classes=found.classes, input_shape=shape)
            net.load_weights(path)
    except Exception as error:  # noqa: BLE001 - keras, h5py and zipfile raise many kinds of errors
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, f"`{path}` does not belong to {title}: {first_line(error)}")]
        ) from None
    return WeightFile(tensors(net), {})


def _contents(path: Path, size: int) -> Contents:
    """Read the shapes in a file, but no values. Raises `SpecError` E130."""
    import h5py

    check_archive(path)
    shapes: dict[str, tuple[int, ...]] = {}
    external: list[str] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            shapes[name] = tuple(item.shape or ())
            if item.is_virtual or item.external:
                external.append(name)

    try:
        with ExitStack() as stack:
            file: Any = path
            if path.suffix == ".keras":
                file = stack.enter_context(stack.enter_context(zipfile.ZipFile(path)).open("model.weights.h5"))
            stack.enter_context(h5py.File(file)).visititems(visit)
    except Exception as error:  # noqa: BLE001 - a damaged file raises many kinds of errors
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, f"`{path}` is not a keras weight file: {first_line(error)}")]
        ) from None
    if external:
        message = f"`{path}` stores `{external[0]}` in another file, which is not read"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help="save the weights again in one file")])
    check_size(path, size, sum(4 * math.prod(shape) for shape in shapes.values()))
    kept = {name: shape for name, shape in shapes.items() if not name.startswith("optimizer")}
    kernels = [shape for shape in kept.values() if len(shape) > 1]
    classes = [shape[-1] for shape in kernels if len(shape) == 2]
    channels = [shape[2] for shape in kernels if len(shape) == 4]
    return Contents(len(kernels), classes[-1] if classes else 0, min(channels, default=0))


def _kernels(names: Names) -> int:
    """The number of tensors with more than one dimension in a network."""
    return sum("bn" not in name and "normalization" not in name for name in names.trunk)


def unit_scales(typed: Typed, found: Mapping[str, Array], theirs: Mapping[str, str]) -> dict[str, Array]:
    """Ones for the batch norm scales that the spec has and keras leaves out; they change nothing."""
    import numpy as np

    norms = [node for node in typed.nodes if isinstance(node.op, BatchNorm)]
    shapes = {theirs[name]: weight.shape for node in norms for name, weight in node.weights.items() if name in theirs}
    return {
        name: np.ones(shape, np.float32)
        for name, shape in shapes.items()
        if name.endswith(".weight") and name not in found
    }


def tensors(net: Any) -> dict[str, Array]:
    """The tensors of a keras network, in torch's layout; numbered layers are counted from 0."""
    layers = {layer.name: layer for layer in net.layers if layer.weights}
    auto = sorted((int(found[2] or 0), found[1], name) for name in layers if (found := NUMBERED.fullmatch(name)))
    firsts = {kind: number for number, kind, _ in reversed(auto)}
    names = {name: f"{kind}_{number - firsts[kind]}" for number, kind, name in auto}
    return {
        f"{names.get(name, name)}.{part}": values
        for name, layer in layers.items()
        for part, values in _converted(type(layer).__name__, layer).items()
    }


def _converted(kind: str, layer: Any) -> dict[str, Array]:
    import numpy as np

    values: Sequence[Array] = [np.asarray(array, dtype=np.float32) for array in layer.get_weights()]
    match kind:
        case "Conv2D":
            return {name: _to_torch_layout(array) for name, array in zip(("weight", "bias"), values, strict=False)}
        case "SeparableConv2D":
            depthwise, pointwise = values
            grouped = depthwise.transpose(2, 3, 0, 1).reshape(-1, 1, *depthwise.shape[:2])
            return {"depthwise.weight": grouped, "pointwise.weight": _to_torch_layout(pointwise)}
        case "Dense":
            return {name: array.T for name, array in zip(("weight", "bias"), values, strict=False)}
        case "BatchNormalization":
            parts = ("weight", "bias", "running_mean", "running_var")
            return dict(zip(parts if layer.scale else parts[1:], values, strict=True))
        case _:
            raise TypeError(kind)


def _to_torch_layout(values: Array) -> Array:
    """Turn a kernel (height, width, in, out) into (out, in, height, width); a bias stays as it is."""
    return values.transpose(3, 2, 0, 1) if len(values.shape) > 1 else values
