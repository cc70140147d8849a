"""The weights that training starts from: those of a file that fit the network.

Layers whose width is the number of classes are drawn anew if the file is for other classes, and so are heads that the
file lacks. Kernels that read the image are adapted to another number of channels. Nothing else may differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from inception_dsl import compiler
from inception_dsl.diagnostics.codes.weights import TENSOR_MISMATCH, WRONG_NETWORK
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import counted
from inception_dsl.ir.typed import Typed
from inception_dsl.runner.learning.initial_weights import is_inside
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.weights import keras
from inception_dsl.weights.files import WeightFile, read_weights
from inception_dsl.weights.matching import (
    Match,
    check_finite,
    match,
    own_names,
    recognizes,
    select_tensors,
)
from inception_dsl.weights.names.libraries import LIBRARIES
from inception_dsl.weights.origin import ImageValues, image_values, listed_classes
from inception_dsl.weights.preprocessing import KEY
from inception_dsl.weights.transfer import has_own_names, identified

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

ORIGIN: Final = "origin"
"""The key in a file's metadata for the network of a library that its weights come from."""

MIN_SHARE: Final = 0.5
"""A file has the spec's own names if it has more than this share of them."""

DRAW_ANEW: Final = "to draw the row anew, add `--set transfer.new={row}`"


class InitialWeights(NamedTuple):
    """What a run starts from: tensors by the spec's names, and what becomes of all that does not fit.

    `origin` is the library's network, or "" for a file with the spec's own names. `new` and `adapted` map layers, rows
    and heads to the reason and to the change. `kept` are layers of the classifiers that are used although the classes
    may be others: the file is for as many. `left` are the tensors of the file that are not used.
    """

    weights: Mapping[str, Array]
    origin: str
    new: Mapping[str, str]
    adapted: Mapping[str, str]
    kept: tuple[str, ...]
    left: tuple[str, ...]
    images: ImageValues | None
    metadata: Mapping[str, str]
    notes: tuple[str, ...]


class _Widths(NamedTuple):
    """The two widths that may differ between a file and a network."""

    classes: int
    channels: int

    def compile(self, spec: NetworkSpec) -> Typed:
        """The spec's network with these widths. Raises `SpecError` if it has none."""
        return compiler.at_size(
            compiler.compile_spec(replace(spec, classes=self.classes, input=(self.channels, *spec.input[1:])))
        )


def initial_weights(
    spec: NetworkSpec, file: Path, new: Collection[str] = (), classes: Sequence[str] = (), scale: bool = True
) -> InitialWeights:
    """Read the weights for a network from a file.

    `new` are modules that are drawn anew whatever the file has; `classes` are the names of the images' classes. Kernels
    that are summed for grey images follow their deviation if `scale`. Raises `SpecError` E130 to E136 unless all other
    tensors of the file are those of the network.
    """
    here = _Widths(spec.classes, spec.input[0])
    typed = here.compile(spec)
    source, found = _read(typed, file)
    theirs = found.theirs if found else own_names(typed, heads=True)
    reasons = dict.fromkeys(new, "as set")
    for head in typed.heads:
        if not any(theirs.get(name) in source.tensors for node in typed.of(head) for name in node.weights):
            reasons.setdefault(head, "not in the file")
    wanted = {name: their for name, their in theirs.items() if not is_inside(name, reasons)}
    shapes = {name: source.tensors[their].shape for name, their in wanted.items() if their in source.tensors}
    there = _Widths(
        _width_in_file(spec, here, here._replace(classes=here.classes + 1), shapes) or here.classes,
        _width_in_file(spec, here, here._replace(channels=here.channels + 1), shapes) or here.channels,
    )
    try:
        stated = there.compile(spec)
    except SpecError:  # no network has those widths: the shapes are wrong
        stated, there = typed, here
    left = tuple(_left_over(typed, source, found, theirs, wanted))
    with identified(stated, source.tensors, found.library if found else ""):
        weights = select_tensors(stated, str(file), source.tensors, wanted, left, row_hint=DRAW_ANEW)
    check_finite(weights, str(file))
    of_classes = _layers_that_differ(stated, there._replace(classes=there.classes + 1).compile(spec), reasons)
    kept: list[str] = []
    known = next(listed_classes(file), None)
    if there.classes != here.classes:
        reasons |= dict.fromkeys(of_classes, f"for {here.classes:,} classes; the file has {there.classes:,}")
    elif known and "\n".join(known[1]) != "\n".join(classes):
        reasons |= dict.fromkeys(of_classes, f"for other classes than those in `{known[0]}`")
    elif not known:
        kept = of_classes
    images = image_values(source, file, found)
    adapted: dict[str, str] = {}
    if there.channels != here.channels:
        how = "summed" if here.channels == 1 else "repeated"
        for layer in _layers_that_differ(stated, there._replace(channels=here.channels).compile(spec), reasons):
            name = f"{layer}.weight"
            weights[name] = _adapted(layer, weights[name], here.channels, typed, images.std if images and scale else ())
            adapted[layer] = f"{counted(there.channels, 'channel')} {how} to {here.channels}"
    chosen = {name: values for name, values in weights.items() if not is_inside(name, reasons)}
    origin = found.title if found else source.metadata.get(ORIGIN, "")
    metadata = {KEY: source.metadata[KEY]} if KEY in source.metadata and not adapted else {}
    return InitialWeights(chosen, origin, reasons, adapted, tuple(kept), left, images, metadata, source.notes)


def _read(typed: Typed, file: Path) -> tuple[WeightFile, Match | None]:
    """Read a file, and find the library's network whose names it has; None for the spec's own names.

    Heads are matched if the file's network has as many layers in them.
    """
    if file.name.endswith(keras.SUFFIXES):
        found = match(typed, "keras", heads=False)
        source = keras.read_keras(file, found.names.name)
        scales = keras.unit_scales(typed, source.tensors, found.theirs)
        return source._replace(tensors=source.tensors | scales), found
    own = own_names(typed, heads=True)
    source = read_weights(file, own)
    library = next((library for library in LIBRARIES if recognizes(library, source.tensors)), "")
    if has_own_names(typed, source.tensors) or not library:
        if sum(name in source.tensors for name in own) <= MIN_SHARE * len(own):
            network = f"the network `{typed.program.name}`"
            message = f"the tensor names in `{file}` are not those of {network}, nor of a known library"
            hint = "start from weights of the same network: of torchvision, timm or keras, or of a run"
            with identified(typed, source.tensors, ""):
                raise SpecError([Diagnostic(WRONG_NETWORK, message, help=hint)])
        return source, None
    with identified(typed, source.tensors, library):
        found = match(typed, library, source.tensors, heads=False)
    with suppress(SpecError):  # other heads than the library's
        found = match(typed, library, source.tensors)
    return source._replace(tensors=found.to_ours(typed, source.tensors)), found


def _left_over(
    typed: Typed, source: WeightFile, found: Match | None, theirs: Mapping[str, str], wanted: Mapping[str, str]
) -> Iterator[str]:
    """The tensors of a file that are not used: of modules drawn anew, and of heads or rows that the spec lacks."""
    rows = {name.partition(".")[0] for name in theirs}
    anew = {their for name, their in theirs.items() if name not in wanted}
    for name in source.tensors:
        other = name.rpartition(".")[0] in found.names.heads if found else name.partition(".")[0] not in rows
        if name in anew or (other and name not in wanted.values()):
            yield name


def _width_in_file(spec: NetworkSpec, here: _Widths, wider: _Widths, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """The width of a file where a network has `here` and would have `wider`; 0 if nothing shows it."""
    with suppress(SpecError):
        own, other = here.compile(spec).weights, wider.compile(spec).weights
        for name, shape in shapes.items():
            if name in own and name in other and len(shape) == len(own[name].shape):
                for there, one, two in zip(shape, own[name].shape, other[name].shape, strict=True):
                    if one != two:
                        return there
    return 0


def _layers_that_differ(one: Typed, other: Typed, without: Collection[str]) -> list[str]:
    """The layers whose weights have other shapes in two forms of a network."""
    names = [
        name
        for name, weight in one.weights.items()
        if name not in other.weights or other.weights[name].shape != weight.shape
    ]
    layers = dict.fromkeys(name.rpartition(".")[0] for name in names)
    return [layer for layer in layers if not is_inside(layer, without)]


def adapt_kernel(kernel: Array, channels: int, std: Sequence[float] = ()) -> Array:
    """A kernel (out, in, height, width) for images of other channels.

    Grey is red, green and blue alike, so for one channel the sum over the channels gives the same values; `std` are the
    deviations that the file's images were divided by, if they are now divided by their average. For more channels, the
    file's are repeated in turn, and scaled by how many there are to how many there were.
    """
    import numpy as np

    there = kernel.shape[1]
    if channels == 1:
        scale = np.mean(std) / np.asarray(std) if len(std) == there else np.ones(there)
        summed: Array = (kernel * scale[:, None, None]).sum(1, keepdims=True).astype(np.float32)
        return summed
    repeated: Array = kernel[:, np.arange(channels) % there] * np.float32(there / channels)
    return repeated


def _adapted(layer: str, kernel: Array, here: int, typed: Typed, std: Sequence[float]) -> Array:
    """The kernel of a layer that reads the image. Raises `SpecError` E135 if it cannot be adapted."""
    wanted = typed.weights[f"{layer}.weight"].shape
    if len(wanted) == 4 and wanted[1] == here and kernel.shape == (wanted[0], kernel.shape[1], *wanted[2:]):
        return adapt_kernel(kernel, here, std)
    node = next(node for node in typed.nodes if ".".join(node.path) == layer)
    shapes = " and ".join("x".join(map(str, shape)) for shape in (kernel.shape, wanted))
    message = f"`{layer}` cannot be adapted to images with other channels: its weights are {shapes}"
    raise SpecError([Diagnostic(TENSOR_MISMATCH, message, node.origin, help=DRAW_ANEW.format(row=node.row))])
