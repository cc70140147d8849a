"""Files of keras, read by keras: into its own network, whose tensors are then turned to torch's layout."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.build import missing
from inception_dsl.diagnostics import Diagnostic, SpecError
from inception_dsl.ops import BatchNorm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inception_dsl.ir import Typed
    from inception_dsl.witness.probe import Array

SUFFIXES: Final = (".weights.h5", ".keras")
NUMBERED: Final = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")
"""Names that keras gives by itself; it goes on counting from one network to the next."""


def read(path: Path, network: str, classes: int) -> dict[str, Array]:
    """The tensors of a network of `keras.applications`, in torch's layout, by its layers' names.

    Of a `.keras` file only the weights are read: the network that it describes is never made. Raises `SpecError`: E001
    for a file that cannot be read, E130 for one that is not this network's, E005 where keras is not installed.
    """
    if not path.name.endswith(SUFFIXES):
        message = f"`{path}` is no file of keras' weights"
        raise SpecError([Diagnostic("E130", message, help="a `.weights.h5` or `.keras` file")])
    if not path.is_file():
        raise SpecError([Diagnostic("E001", f"cannot read `{path}`: no such file")])
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import keras
    except ModuleNotFoundError as error:
        raise missing(error.name or "keras", "keras") from None
    net = getattr(keras.applications, network)(weights=None, classes=classes)
    try:
        net.load_weights(path)
    except Exception as error:  # noqa: BLE001 - keras, h5py and zipfile say in many ways that a file is another one
        (first, *_) = str(error).splitlines() or [type(error).__name__]
        raise SpecError([Diagnostic("E130", f"`{path}` is no file of keras' {network}: {first}")]) from None
    return tensors(net)


def scales(typed: Typed, held: Mapping[str, Array], theirs: Mapping[str, str]) -> dict[str, Array]:
    """What the network scales its batch norms by and keras does not: ones, which change nothing."""
    import numpy as np

    norms = [node for node in typed.nodes if isinstance(node.op, BatchNorm)]
    shapes = {theirs[name]: weight.shape for node in norms for name, weight in node.weights.items() if name in theirs}
    return {
        name: np.ones(shape, np.float32)
        for name, shape in shapes.items()
        if name.endswith(".weight") and name not in held
    }


def tensors(net: Any) -> dict[str, Array]:
    """The tensors of a keras network, in torch's layout; layers that keras numbers are counted from 0."""
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

    values: Sequence[Array] = [np.asarray(each, dtype=np.float32) for each in layer.get_weights()]
    match kind:
        case "Conv2D":
            return {name: _outwards(each) for name, each in zip(("weight", "bias"), values, strict=False)}
        case "SeparableConv2D":
            depthwise, pointwise = values
            single = depthwise.transpose(2, 3, 0, 1).reshape(-1, 1, *depthwise.shape[:2])
            return {"depthwise.weight": single, "pointwise.weight": _outwards(pointwise)}
        case "Dense":
            return {name: each.T for name, each in zip(("weight", "bias"), values, strict=False)}
        case "BatchNormalization":
            parts = ("weight", "bias", "running_mean", "running_var")
            return dict(zip(parts if layer.scale else parts[1:], values, strict=True))
        case _:
            raise TypeError(kind)


def _outwards(values: Array) -> Array:
    """A kernel (height, width, in, out) as (out, in, height, width); a bias as it is."""
    return values.transpose(3, 2, 0, 1) if len(values.shape) > 1 else values
