"""Weight files: safetensors, and torch's own formats, read without executing anything in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from inception_dsl.build import missing
from inception_dsl.diagnostics.codes.weights import NOT_A_WEIGHTS_FILE, TENSOR_MISMATCH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.files import paths
from inception_dsl.interchange.target import WEIGHTS
from inception_dsl.weights.former_names import rename_former
from inception_dsl.weights.pickles import first_line, load_pickle
from inception_dsl.weights.wrapping import quoted_name, strip_prefixes, unwrap

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

COUNTER: Final = "num_batches_tracked"
LARGEST_EXPANSION: Final = 8
"""A file's tensors may fill at most this many times the file's size as float32.

Half precision doubles the size, and tensors can share storage.
"""


class WeightFile(NamedTuple):
    """A weight file: its tensors by name, its metadata, and notes for the user on how it was read."""

    tensors: dict[str, Array]
    metadata: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read_weights(path: Path, own: Collection[str] = ()) -> WeightFile:
    """Read a `.safetensors`, `.pt`, `.pth` or `.pth.tar` file; half precision is widened to float32.

    Containers and prefixes that training scripts add are removed (see `wrapping`), and names of version 0.1 become the
    present ones; names in `own` stay.
    Raises `SpecError`: E001 for a file that cannot be read, E130 for a file without named tensors, E131 for a pickle
    that would run code, E135 for a dtype or layout that is not supported, and E005 for a missing library.
    """
    size = paths.readable_size(path)
    if not path.name.endswith(WEIGHTS):
        message = f"the format of `{path}` is not supported for weights"
        keras = "; for a keras file, use `weights import --from keras`" * (path.suffix in (".h5", ".keras"))
        hint = f"use a `.safetensors`, `.pt`, `.pth` or `.pth.tar` file{keras}"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help=hint)])
    try:
        if path.suffix == ".safetensors":
            loaded, metadata = _safetensors(path)
        else:
            loaded, metadata = load_pickle(path), {}
    except ModuleNotFoundError as error:
        raise missing(error.name or "torch") from None
    wrapped, kept, notes = unwrap(loaded, metadata, path.name)
    stripped, more = strip_prefixes(wrapped, own, path.name)
    tensors, renamed = rename_former(stripped, own, path.name)
    wrong = [
        Diagnostic(TENSOR_MISMATCH, f"{quoted_name(name)} in `{path}` is {fault}")
        for name, tensor in tensors.items()
        if (fault := _fault(name, tensor))
    ]
    if wrong:
        raise SpecError(wrong)
    check_size(path, size, sum(4 * tensor.numel() for tensor in tensors.values()))
    return WeightFile({name: _array(tensor) for name, tensor in tensors.items()}, kept, (*notes, *more, *renamed))


def check_size(path: Path, size: int, needed: int) -> None:
    """Raise `SpecError` E130 if a file's tensors would fill far more memory than the file has bytes."""
    if needed > LARGEST_EXPANSION * size:
        message = f"the tensors of `{path}` would fill {needed:,} bytes, but the file has only {size:,}"
        raise SpecError(
            [
                Diagnostic(
                    NOT_A_WEIGHTS_FILE, message, help="write the file with every tensor stored in full and uncompressed"
                )
            ]
        )


def safetensors(weights: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """The bytes of a `.safetensors` file: the same for the same weights and metadata.

    Raises `SpecError` E005 if safetensors is not installed.
    """
    try:
        import numpy as np
        from safetensors.numpy import save
    except ModuleNotFoundError as error:
        raise missing(error.name or "safetensors") from None
    data: bytes = save({name: np.asarray(values, order="C") for name, values in weights.items()}, dict(metadata))
    return data


def _safetensors(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 - safetensors has an error of its own, and torch raises for unknown dtypes
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, f"`{path}` is not a valid safetensors file: {first_line(error)}")]
        ) from None


def _fault(name: str, tensor: Any) -> str:
    """Why a tensor is not supported, as the end of a sentence; "" if it is supported."""
    import torch

    supported = {torch.float32, torch.float16, torch.bfloat16}
    if tensor.is_meta:
        return "on the meta device and has no values: save the network after loading its weights"
    if not tensor.numel():
        return "empty: save it with its values"
    if tensor.layout != torch.strided or tensor.is_quantized:
        return "sparse or quantized: save it as dense float32"
    if tensor.dtype not in supported and not (tensor.dtype == torch.int64 and name.endswith(COUNTER)):
        return f"{str(tensor.dtype).removeprefix('torch.')}: save it as float32"
    return ""


def _array(tensor: Any) -> Array:
    values: Array = (tensor.float() if tensor.is_floating_point() else tensor).detach().contiguous().numpy()
    return values
