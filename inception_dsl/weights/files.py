"""Files of weights: safetensors, and torch's own as far as nothing in them is executed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from inception_dsl.build import missing
from inception_dsl.diagnostics.codes.weights import NOT_A_WEIGHTS_FILE, TENSOR_MISMATCH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.files import paths
from inception_dsl.weights.pickles import load, one_line
from inception_dsl.weights.wrapping import shown, unprefixed, unwrapped

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

COUNTER: Final = "num_batches_tracked"
PICKLED: Final = (".pt", ".pth", ".bin", ".pt.tar", ".pth.tar")
SPREAD: Final = 8
"""So many times its own size may a file's tensors fill, as float32: half precision, and tensors that share storage."""


class Held(NamedTuple):
    """The tensors of a file by their names, the text that goes with them, and what to say of how they were found."""

    tensors: dict[str, Array]
    about: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read(path: Path, own: Collection[str] = ()) -> Held:
    """The tensors of a `.safetensors`, `.pt`, `.pth` or `.pth.tar` file, half precision widened to float32.

    Wrappers that training scripts put around them are taken off (see `wrapping`); `own` are names that need none.
    Raises `SpecError`: E001 for a file that cannot be read, E130 for one that holds no tensors by name, E131 for a
    pickle that asks for more than data, E135 for numbers that float32 cannot hold, and E005 for a missing library.
    """
    if not path.name.endswith((".safetensors", *PICKLED)):
        message = f"`{path}` is no file of weights that is read here"
        keras = "; one of keras is read by `weights import --from keras`" * (path.suffix in (".h5", ".keras"))
        hint = f"a `.safetensors`, `.pt`, `.pth` or `.pth.tar` file{keras}"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help=hint)])
    size = regular(path)
    try:
        if path.suffix == ".safetensors":
            loaded, about = _safetensors(path)
        else:
            loaded, about = load(path), {}
    except ModuleNotFoundError as error:
        raise missing(error.name or "torch") from None
    wrapped, kept, notes = unwrapped(loaded, about, path.name)
    tensors, more = unprefixed(wrapped, own, path.name)
    wrong = [
        Diagnostic(TENSOR_MISMATCH, f"{shown(name)} in `{path}` is {fault}")
        for name, each in tensors.items()
        if (fault := _fault(name, each))
    ]
    if wrong:
        raise SpecError(wrong)
    check_size(path, size, sum(4 * each.numel() for each in tensors.values()))
    return Held({name: _array(each) for name, each in tensors.items()}, kept, (*notes, *more))


def regular(path: Path) -> int:
    """The size of a file that can be read.

    Raises `SpecError` E001 for one that is not there or cannot be opened, and for a folder or a pipe, which may never
    end.
    """
    try:
        found = path.stat()
        if kind := paths.kind(found.st_mode):
            raise paths.unreadable(path, f"it is {kind}")
        path.open("rb").close()
    except (OSError, ValueError) as error:
        raise paths.unreadable(path, paths.reason(error)) from None
    return found.st_size


def check_size(path: Path, size: int, needed: int) -> None:
    """Raise `SpecError` E130 where a file's tensors would fill far more memory than the file has bytes."""
    if needed > SPREAD * size:
        message = f"the tensors of `{path}` would fill {needed:,} bytes, and the file has {size:,}"
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, message, help="write it with each tensor stored whole and uncompressed")]
        )


def safetensors(weights: Mapping[str, Array], about: Mapping[str, str]) -> bytes:
    """A `.safetensors` file: the same bytes for the same weights; `about` is text that goes with them.

    Raises `SpecError` E005 where safetensors is not installed.
    """
    try:
        import numpy as np
        from safetensors.numpy import save
    except ModuleNotFoundError as error:
        raise missing(error.name or "safetensors") from None
    data: bytes = save({name: np.asarray(each, order="C") for name, each in weights.items()}, dict(about))
    return data


def _safetensors(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 - its own error, and torch's for a dtype that it does not know
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, f"`{path}` is no safetensors file: {one_line(error)}")]
        ) from None


def _fault(name: str, tensor: Any) -> str:
    """What is wrong with a tensor, as the end of a sentence; else nothing."""
    import torch

    kinds = {torch.float32, torch.float16, torch.bfloat16}
    if tensor.is_meta:
        return "on the meta device, without values: save the network after its weights are loaded"
    if tensor.layout != torch.strided or tensor.is_quantized:
        return "not stored number by number: float32 is wanted"
    if tensor.dtype not in kinds and not (tensor.dtype == torch.int64 and name.endswith(COUNTER)):
        return f"of {str(tensor.dtype).removeprefix('torch.')}: float32 is wanted"
    return ""


def _array(tensor: Any) -> Array:
    values: Array = (tensor.float() if tensor.is_floating_point() else tensor).detach().contiguous().numpy()
    return values
