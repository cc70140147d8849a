"""What `torch.save` wrote, read so that nothing in it is executed."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any, Final

from inception_dsl.diagnostics.codes.weights import NOT_A_WEIGHTS_FILE, UNSAFE_PICKLE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError

LARGEST_RATIO: Final = 2
"""An archive may hold so many times its own size: torch compresses nothing, and what does could fill the memory."""


def load(path: Path) -> Any:
    """What a file holds: tensors on the CPU, numbers, words, and containers of these.

    Raises `SpecError` E130 for a file that `torch.save` did not write or whose archive is packed, and E131 for one that
    asks to run code.
    """
    import torch

    check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it then refuses, torch tells how to load it all the same
            return torch.load(path, map_location="cpu", weights_only=True)
    except ImportError:
        raise
    except pickle.UnpicklingError as error:
        if "WeightsUnpickler" not in str(error) or "Unsupported operand" in str(error):
            raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, f"`{path}` is no file that `torch.save` wrote")]) from None
        raise _refused(path) from None
    except Exception as error:  # noqa: BLE001 - what a damaged file raises is up to each part of torch
        # of TorchScript and of files older than torch 1.0, it tells how to read them all the same
        if "weights_only" in str(error):
            raise _refused(path) from None
        message = f"`{path}` is no file that `torch.save` wrote: {one_line(error)}"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message)]) from None


def _refused(path: Path) -> SpecError:
    hint = "save the weights alone: `torch.save(net.state_dict(), file)`, or as safetensors"
    return SpecError(
        [Diagnostic(UNSAFE_PICKLE, f"`{path}` would run code when it is read, so it is not read", help=hint)]
    )


def check_archive(path: Path) -> None:
    """Raise `SpecError` E130 for a zip archive whose parts are packed: unpacked they could be of any size."""
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, f"`{path}` is a damaged archive: {error}")]) from None
    size = path.stat().st_size
    if unpacked > LARGEST_RATIO * size:
        message = f"`{path}` has {size:,} bytes, and its archive would unpack to {unpacked:,}"
        raise SpecError([Diagnostic(NOT_A_WEIGHTS_FILE, message, help="write it uncompressed, as `torch.save` does")])


def one_line(error: Exception) -> str:
    """What an exception says, in one line of bounded length."""
    (first, *_) = str(error).splitlines() or [type(error).__name__]
    return first[:200]
