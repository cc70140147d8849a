"""Features of images: the outputs of an ONNX file in onnxruntime, for images prepared as the file states.

It needs numpy, Pillow and onnxruntime, and not torch.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.build import missing
from inception_dsl.crosscheck.executor import require
from inception_dsl.diagnostics.codes.tool import UNUSABLE_INPUT
from inception_dsl.diagnostics.codes.weights import NOT_A_NETWORK_OF_IMAGES
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.emit.onnx.backend import ONNX
from inception_dsl.emit.onnx.executor import session
from inception_dsl.evaluation.images import prepared, read_image
from inception_dsl.files import paths
from inception_dsl.runner.base.settings import one_line
from inception_dsl.runner.readers.pillow import list_images
from inception_dsl.weights.preprocessing import KEY, Preprocessing, parse_preprocessing

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from inception_dsl.crosscheck.probe import Array

NAMES: Final = "names"
"""The array of the images' names, beside those of the outputs."""

MAX_NAMED: Final = 20
"""The most unreadable images that are named."""

Progress = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class OnnxNetwork:
    """An ONNX file that is ready to run: its one input, a batch of images, and how these are prepared.

    `batch` is None where a batch has any number of images.
    """

    file: Path
    session: InferenceSession
    input: str
    batch: int | None
    images: Preprocessing

    def run(self, images: Array) -> dict[str, Array]:
        """The outputs for a batch of prepared images, by name.

        Raises `SpecError` E137 if onnxruntime fails, or if an output does not have an entry for each image.
        """
        import numpy as np

        names = [output.name for output in self.session.get_outputs()]
        try:
            found = dict(zip(names, self.session.run(names, {self.input: images}), strict=True))
        except Exception as error:  # noqa: BLE001 - onnxruntime has an exception for each kind of fault
            raise _refused(self.file, f"onnxruntime cannot run `{self.file}`: {one_line(error)}") from None
        for name, values in found.items():
            if np.shape(values)[:1] != images.shape[:1]:
                message = f"`{name}` of `{self.file}` has the shape {np.shape(values)} for {len(images)} images"
                raise _refused(self.file, f"{message}: an output has an entry for each image")
        return found


def open_network(file: Path) -> OnnxNetwork:
    """Open an ONNX file.

    Raises `SpecError`: E005 if onnxruntime or Pillow is not installed, E001 for a file that cannot be read, and E137
    for one that does not hold a network of images with its weights and their preprocessing.
    """
    require(ONNX)
    if find_spec("PIL") is None:
        raise missing("pillow", "train")
    paths.readable_size(file)
    try:
        running = session(file)
    except Exception as error:  # noqa: BLE001 - onnxruntime has an exception for each kind of fault
        raise _refused(file, f"onnxruntime cannot open `{file}`: {one_line(error)}") from None
    inputs = running.get_inputs()
    if not inputs:
        raise _refused(file, f"`{file}` has no input: it takes no images")
    if len(inputs) > 1:
        message = f"`{file}` has {len(inputs)} inputs, such as `{inputs[1].name}`: its weights are not in it"
        raise _refused(file, message, "write it with `inception-dsl export --weights FILE`")
    wanted = _preprocessing(file, running)
    (given,) = inputs
    batch, *shape = given.shape if len(given.shape) == 4 else (0, 0, 0, 0)
    sides = (3, *wanted.crop)
    if given.type != "tensor(float)" or any(
        type(found) is int and found != side for found, side in zip(shape, sides, strict=True)
    ):
        what = f"`{given.name}` of `{file}` is {given.type} of shape {given.shape}"
        raise _refused(file, f"{what}, but its `{KEY}` gives float images of {'x'.join(map(str, sides))}")
    if NAMES in (output.name for output in running.get_outputs()):
        raise _refused(file, f"an output of `{file}` is called `{NAMES}`, as the list of the images", "rename it")
    return OnnxNetwork(file, running, given.name, batch if type(batch) is int else None, wanted)


def _preprocessing(file: Path, running: InferenceSession) -> Preprocessing:
    """How the metadata of an ONNX file states that images are prepared. Raises `SpecError` E137."""
    metadata = running.get_modelmeta().custom_metadata_map
    hint = (
        "`export` copies it from weights that `weights import` wrote; to `model.onnx` of a run, add what `config.json` "
        "beside it says, as docs/features.md shows"
    )
    if KEY not in metadata:
        raise _refused(file, f"`{file}` does not state how images are prepared: its metadata has no `{KEY}`", hint)
    try:
        wanted = parse_preprocessing(metadata[KEY])
    except ValueError as error:
        raise _refused(file, f"`{KEY}` in the metadata of `{file}` {error}", hint) from None
    if not {len(wanted.mean), len(wanted.std)} <= {1, 3}:
        message = f"`{KEY}` in the metadata of `{file}` has {len(wanted.mean)} means and {len(wanted.std)} deviations"
        raise _refused(file, f"{message} for the 3 channels of RGB", hint)
    return wanted


def _refused(file: Path, message: str, hint: str = "") -> SpecError:
    return SpecError([Diagnostic(NOT_A_NETWORK_OF_IMAGES, message, help=hint, file=str(file))])


def find_images(given: Sequence[Path]) -> list[Path]:
    """The images that some paths name: files as given, and the image files below folders in sorted order.

    Raises `SpecError` with all that is wrong: E001 for a path that cannot be read, E008 for a folder without images.
    """
    found: list[Path] = []
    faults: list[Diagnostic] = []
    for path in given:
        if path.is_dir():
            inside = sorted(Path(name).as_posix() for name in list_images(str(path), "."))
            found += [path / name for name in inside]
            faults += [] if inside else [Diagnostic(UNUSABLE_INPUT, f"`{path}` has no image in it", file=str(path))]
        else:
            try:
                paths.readable_size(path)
            except SpecError as error:
                faults += error.diagnostics
            found.append(path)
    if faults:
        raise SpecError(faults)
    return found


def features(
    network: OnnxNetwork,
    images: Sequence[Path],
    batch: int = 32,
    maps: bool = False,
    progress: Progress = lambda _: nullcontext(),
) -> dict[str, Array]:
    """The outputs of a network by name, image after image; a map is averaged over its height and width unless `maps`.

    `progress` is given a text for every batch. If images cannot be read, the others are still tried, and `SpecError`
    E008 names the first of them.
    """
    import numpy as np

    size = network.batch or batch
    found: dict[str, Array] = {}
    faults: list[str] = []
    for start in range(0, len(images), size):
        with progress(f"{start:,} of {len(images):,} images"):
            ready = []
            for image in images[start : start + size]:
                try:
                    ready.append(prepared(read_image(image), network.images))
                except ValueError as error:
                    faults.append(f"cannot read the image `{image}`: {error}")
            if faults:
                continue
            given = np.stack(ready + ready[-1:] * ((network.batch or 0) - len(ready)))
            for name, values in network.run(given).items():
                part = values[: len(ready)] if maps else _averaged(values[: len(ready)])
                if name not in found:
                    found[name] = np.empty((len(images), *part.shape[1:]), part.dtype)
                found[name][start : start + len(part)] = part
    if faults:
        more = [f"{len(faults) - MAX_NAMED:,} more images cannot be read"] * (len(faults) > MAX_NAMED)
        raise SpecError([Diagnostic(UNUSABLE_INPUT, fault) for fault in (*faults[:MAX_NAMED], *more)])
    return found


def _averaged(values: Array) -> Array:
    """Maps averaged over the positions in the image; vectors as they are."""
    means: Array = values.reshape(*values.shape[:2], -1).mean(2) if values.ndim > 2 else values
    return means


def to_npz(names: Sequence[str], found: Mapping[str, Array]) -> bytes:
    """The features and the names of the images as a `.npz` file; equal arrays give equal bytes."""
    import numpy as np

    data = io.BytesIO()
    arrays: dict[str, Any] = {NAMES: np.array(names, dtype=np.str_), **found}
    np.savez(data, allow_pickle=False, **arrays)
    return data.getvalue()
