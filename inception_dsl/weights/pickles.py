"""Files written by `torch.save`, read without executing anything in them."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any, Final

from inception_dsl.diagnostics.codes.weights import NOT_A_WEIGHTS_FILE, UNSAFE_PICKLE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError

LARGEST_RATIO: Final = 2
"""An archive may unpack to at most this many times its size: torch does not compress, and a zip bomb fills memory."""


def load_pickle(path: Path) -> Any:
    """Load a file: tensors on the CPU, numbers, strings, and containers of these.

    Raises `SpecError` E130 for a file that `torch.save` did not write or whose archive is compressed, and E131 for a
    file that would run code.
    """
    import torch

    check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's warnings advise an unsafe load
            return torch.load(path, map_location="cpu", weights_only=True)
    except ImportError:
        raise
    except pickle.UnpicklingError as error:
        if "WeightsUnpickler" not in str(error) or "Unsupported operand" in str(error):
            raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, f"`{path}` was not written by `torch.save`")]) from None
        raise _refused(path) from None
    except Exception as error:  # noqa: BLE001 - parts of torch raise different errors for a damaged file
        # for TorchScript, and for files older than torch 1.0, torch advises an unsafe load
        if "weights_only" in str(error):
            raise _refused(path) from None
        message = f"`{path}` was not written by `torch.save`: {first_line(error)}"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message)]) from None


def _refused(path: Path) -> SpecError:
    hint = "save only the weights: `torch.save(net.state_dict(), file)`, or a safetensors file"
    return SpecError([Diagnostic(UNSAFE_PICKLE, f"`{path}` was not read: loading it would run code", help=hint)])


def check_archive(path: Path) -> None:
    """Raise `SpecError` E130 for a compressed zip archive, which could unpack to any size."""
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, f"`{path}` is a damaged archive: {error}")]) from None
    size = path.stat().st_size
    if unpacked > LARGEST_RATIO * size:
        message = f"`{path}` has {size:,} bytes, but its archive would unpack to {unpacked:,}"
        raise SpecError(
            [Diagnostic(NOT_A_WEIGHTS_FILE, message, help="write the file uncompressed, as `torch.save` does")]
        )


def first_line(error: Exception) -> str:
    """The first line of an exception's message, of bounded length."""
    (first, *_) = str(error).splitlines() or [type(error).__name__]
    return first[:200]
