"""Files of keras, read by keras: into its own network, whose tensors are then turned to torch's layout."""

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
from inception_dsl.ir.ops import BatchNorm
from inception_dsl.weights.files import Held, check_size, regular
from inception_dsl.weights.names import KERAS, SPECS, Names
from inception_dsl.weights.pickles import check_archive, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inception_dsl.crosscheck.probe import Array
    from inception_dsl.ir.typed import Typed

SIDE: Final = 299
"""The networks' own input, which is no part of their weights."""

SUFFIXES: Final = (".h5", ".keras")
NUMBERED: Final = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")
"""Names that keras gives by itself; it goes on counting from one network to the next."""


class Contents(NamedTuple):
    """What a file has, as far as its shapes say: how many kernels, of how many classes, for images of what channels.

    `classes` is 0 where there is no classifier.
    """

    kernels: int
    classes: int
    channels: int


def read(path: Path, network: str) -> Held:
    """The tensors of a network of `keras.applications`, in torch's layout, by its layers' names.

    Of a `.keras` file only the weights are read: the network that it describes is never made. Raises `SpecError`: E001
    for a file that cannot be read, E130 for one that is not this network's, E005 where keras is not installed.
    """
    if not path.name.endswith(SUFFIXES):
        message = f"`{path}` is no file of keras' weights"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help="a `.weights.h5`, `.h5` or `.keras` file")])
    size = regular(path)
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import keras
    except ModuleNotFoundError as error:
        raise missing(error.name or "keras", "keras") from None
    found = _contents(path, size)
    title = f"keras' {network}"
    others = [each.name for each in KERAS if _kernels(each) in (found.kernels, found.kernels + (not found.classes))]
    if network not in others:
        known = f"this is keras' {others[0]}: `{SPECS['keras'][others[0]]}` is its spec" if others else ""
        message = f"`{path}` is no file of {title}: it has {found.kernels} kernels"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help=known)])
    if not found.classes:
        message = f"`{path}` has no classifier: {title} was saved with `include_top=False`"
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, message, help="save the weights of the network made with its top")]
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what does not fit is an exception too
            shape = None if found.channels == 3 else (SIDE, SIDE, found.channels)
            net = getattr(keras.applications, network)(weights=None, classes=found.classes, input_shape=shape)
            net.load_weights(path)
    except Exception as error:  # noqa: BLE001 - keras, h5py and zipfile say in many ways that a file is another one
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, f"`{path}` is no file of {title}: {one_line(error)}")]
        ) from None
    return Held(tensors(net), {})


def _contents(path: Path, size: int) -> Contents:
    """The shapes in a file; nothing of what it holds is read. Raises `SpecError` E130."""
    import h5py

    check_archive(path)
    shapes: dict[str, tuple[int, ...]] = {}
    elsewhere: list[str] = []

    def visit(name: str, each: Any) -> None:
        if isinstance(each, h5py.Dataset):
            shapes[name] = tuple(each.shape or ())
            if each.is_virtual or each.external:
                elsewhere.append(name)

    try:
        with ExitStack() as stack:
            file: Any = path
            if path.suffix == ".keras":
                file = stack.enter_context(stack.enter_context(zipfile.ZipFile(path)).open("model.weights.h5"))
            stack.enter_context(h5py.File(file)).visititems(visit)
    except Exception as error:  # noqa: BLE001 - a damaged file shows in many ways
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, f"`{path}` is no file of keras' weights: {one_line(error)}")]
        ) from None
    if elsewhere:
        message = f"`{path}` keeps `{elsewhere[0]}` in another file, which is not read"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help="save the weights again, into one file")])
    check_size(path, size, sum(4 * math.prod(shape) for shape in shapes.values()))
    kept = {name: shape for name, shape in shapes.items() if not name.startswith("optimizer")}
    kernels = [shape for shape in kept.values() if len(shape) > 1]
    classes = [shape[-1] for shape in kernels if len(shape) == 2]
    channels = [shape[2] for shape in kernels if len(shape) == 4]
    return Contents(len(kernels), classes[-1] if classes else 0, min(channels, default=0))


def _kernels(names: Names) -> int:
    """How many tensors of more than one dimension a network has."""
    return sum("bn" not in name and "normalization" not in name for name in names.trunk)


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
