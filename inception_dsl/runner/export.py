"""The trained network, for others to load."""

from __future__ import annotations

import ctypes
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inception_dsl.runner.checkpoint import atomic_write, write_text
from inception_dsl.runner.config import Config, NetworkInfo
from inception_dsl.runner.evaluate import Score
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
    """Writes `model.safetensors`, and in `config.json` all that is known of it; `inception-dsl train` adds the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    save_safetensors(folder / "model.safetensors", network.state_dict(), {"format": "pt", "spec": info.spec})
    facts = {"architecture": info.name, "num_classes": len(classes), "label_names": [*classes]}
    facts |= {"about": vars(info), "score": vars(score), "trained": {**trained}}
    facts |= {"training": dataclasses.asdict(config)}
    write_text(folder / "config.json", json.dumps(facts, indent=2) + "\n")


def save_safetensors(path: Path, tensors: Mapping[str, Tensor], info: Mapping[str, str]) -> None:
    """A `.safetensors` file: https://github.com/huggingface/safetensors#format. Raises `RunError` for odd dtypes."""
    header: dict[str, Any] = {"__metadata__": dict(sorted(info.items()))}
    kept, end = [], 0
    for name, tensor in sorted(tensors.items(), key=lambda each: (-each[1].element_size(), each[0])):  # so all align
        if tensor.dtype not in DTYPES:
            raise RunError(f"{path}: {name} is of {tensor.dtype}, which is not among {', '.join(DTYPES.values())}")
        kept.append(tensor.detach().cpu().contiguous())
        start, end = end, end + tensor.nbytes
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": [*tensor.shape], "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic_write(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for each in kept:
            file.write(ctypes.string_at(each.data_ptr(), each.nbytes))
