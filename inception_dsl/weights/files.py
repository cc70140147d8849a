"""Files of weights: safetensors, and torch's own as far as nothing in them is executed."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.build import missing
from inception_dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from inception_dsl.witness.probe import Array

COUNTER: Final = "num_batches_tracked"
PICKLED: Final = (".pt", ".pth", ".bin")
WRAPPED: Final = ("state_dict", "model")
"""Keys under which training scripts keep a network's tensors beside other things."""


def read(path: Path) -> dict[str, Array]:
    """The tensors of a `.safetensors`, `.pt` or `.pth` file, by their names, with half precision widened to float32.

    Raises `SpecError`: E001 for a file that cannot be read, E130 for one that holds no tensors by name, E131 for a
    pickle that asks for more than data, E135 for numbers that float32 cannot hold, and E005 for a missing library.
    """
    if path.suffix not in (".safetensors", *PICKLED):
        message = f"`{path}` is no file of weights that is read here"
        raise SpecError([Diagnostic("E130", message, help="a `.safetensors`, `.pt` or `.pth` file")])
    try:
        tensors = _unpickle(path) if path.suffix in PICKLED else _safetensors(path)
    except ModuleNotFoundError as error:
        raise missing(error.name or "torch") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SpecError([Diagnostic("E001", f"cannot read `{path}`: {reason}")]) from None
    wrong = [
        Diagnostic("E135", f"`{name}` in `{path}` is {told}")
        for name, each in tensors.items()
        if (told := _unfit(name, each))
    ]
    if wrong:
        raise SpecError(wrong)
    return {name: _array(each) for name, each in tensors.items()}


def about(path: Path) -> dict[str, str]:
    """The text that goes with the tensors of a file that `read` has read; only safetensors have such."""
    if path.suffix != ".safetensors":
        return {}
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        return dict(file.metadata() or {})


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


def _safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise SpecError([Diagnostic("E130", f"`{path}` is no safetensors file: {error}")]) from None


def _unpickle(path: Path) -> dict[str, Any]:
    import torch

    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except pickle.UnpicklingError as error:
        if "WeightsUnpickler" not in str(error) or "Unsupported operand" in str(error):
            raise SpecError([Diagnostic("E130", f"`{path}` is no file that `torch.save` wrote")]) from None
        message = f"`{path}` asks to run code when it is read, and is not"
        hint = "save the weights alone: `torch.save(net.state_dict(), file)`, or as safetensors"
        raise SpecError([Diagnostic("E131", message, help=hint)]) from None
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        (first, *_) = str(error).splitlines() or [type(error).__name__]
        raise SpecError([Diagnostic("E130", f"`{path}` is no file that `torch.save` wrote: {first}")]) from None
    for key in WRAPPED:
        if isinstance(held, dict) and isinstance(held.get(key), dict):
            held = held[key]
    if not isinstance(held, dict) or not held or not all(_is_entry(*each) for each in held.items()):
        message = f"`{path}` does not hold tensors by their names"
        raise SpecError([Diagnostic("E130", message, help="write it by `torch.save(net.state_dict(), file)`")])
    return held


def _is_entry(name: object, tensor: object) -> bool:
    import torch

    return isinstance(name, str) and isinstance(tensor, torch.Tensor)


def _unfit(name: str, tensor: Any) -> str:
    import torch

    kinds = {torch.float32, torch.float16, torch.bfloat16}
    if tensor.layout != torch.strided or tensor.is_quantized:
        return "not stored number by number: float32 is wanted"
    if tensor.dtype in kinds or (tensor.dtype == torch.int64 and name.endswith(COUNTER)):
        return ""
    return f"of {str(tensor.dtype).removeprefix('torch.')}: float32 is wanted"


def _array(tensor: Any) -> Array:
    values: Array = (tensor.float() if tensor.is_floating_point() else tensor).detach().contiguous().numpy()
    return values
