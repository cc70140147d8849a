"""Files of tensors, without code, in the format `.safetensors`.

See https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import ctypes
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inception_dsl.runner.base.files import atomic_write
from inception_dsl.runner.base.settings import RunError

DTYPES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.int64: "I64"}
CONVERT = "`inception-dsl train SPEC --init-from FILE` converts it"


def save_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors. Raises `RunError` for other dtypes than those above."""
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    kept, end = [], 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):  # aligned
        if tensor.dtype not in DTYPES:
            raise RunError(f"{path}: {name} is {tensor.dtype}; only {', '.join(DTYPES.values())} can be saved")
        kept.append(tensor.detach().cpu().contiguous())
        start, end = end, end + tensor.nbytes
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": [*tensor.shape], "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic_write(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in kept:
            file.write(ctypes.string_at(tensor.data_ptr(), tensor.nbytes))


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read tensors; half precision is widened. Raises `RunError` for any other file."""
    wrong = RunError(f"{path}: not a whole .safetensors file of floats; {CONVERT}")
    dtypes = {name: dtype for dtype, name in DTYPES.items()}
    found: dict[str, Tensor] = {}
    with path.open("rb") as file:
        size = path.stat().st_size
        length = int.from_bytes(file.read(8), "little")
        if length > size - 8:
            raise wrong
        try:
            header = json.loads(file.read(length))
            tensors = {name: part for name, part in header.items() if name != "__metadata__"}
            for name, part in tensors.items():
                dtype, shape, (start, end) = dtypes[part["dtype"]], part["shape"], part["data_offsets"]
                count = math.prod(shape)
                if start < 0 or end - start != count * dtype.itemsize or 8 + length + end > size:
                    raise wrong
                data = bytearray(end - start)
                file.seek(8 + length + start)
                file.readinto(data)
                values = torch.frombuffer(data, dtype=dtype) if count else torch.empty(0, dtype=dtype)
                found[name] = (values.float() if dtype.is_floating_point else values).reshape(shape)
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, RecursionError):
            raise wrong from None
    return found
