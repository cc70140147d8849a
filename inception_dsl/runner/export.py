"""Export of the trained network."""

from __future__ import annotations

import ctypes
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inception_dsl.runner.config import Config, NetworkInfo
from inception_dsl.runner.files import atomic_write, write_text
from inception_dsl.runner.scores import Score
from inception_dsl.runner.settings import RunError

DTYPES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.int64: "I64"}


def write_model(
    folder: Path,
    network: nn.Module,
    config: Config,
    classes: Sequence[str],
    score: Score,
    info: NetworkInfo,
    trained: Mapping[str, float],
) -> None:
    """Write `model.safetensors` and its description `config.json`; `inception-dsl train` adds further files."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"format": "pt", "spec": info.spec, "loss": config.loss.name}
    save_safetensors(folder / "model.safetensors", network.state_dict(), metadata)
    facts = {"architecture": info.name, "num_classes": len(classes), "label_names": [*classes]}
    facts |= {"about": vars(info), "score": score.row, "trained": {**trained}}
    facts |= {"training": dataclasses.asdict(config)}
    write_text(folder / "config.json", json.dumps(facts, indent=2) + "\n")


def save_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write `.safetensors` (https://github.com/huggingface/safetensors#format). Raises `RunError` for other dtypes."""
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
