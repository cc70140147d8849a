"""Predictions as a file: each image's probabilities, once for every protocol, so that ensembles need no second run."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from inception_dsl.runner.settings import RunError

FORMAT: Final = 1


@dataclass(frozen=True)
class Predictions:
    """A network's predictions: `probabilities` (N x C, float32) by protocol, each the mean over its crops.

    `weights` are the SHA-256 of the network's tensors, one for each member of an ensemble; `data` is the reader's
    fingerprint. `unreadable`, which files of predictions do not have, are the images that could not be read, and why.
    """

    probabilities: dict[str, Tensor]
    labels: Tensor
    names: list[str]
    classes: list[str]
    weights: list[str]
    data: str
    unreadable: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)


def to_npz(predictions: Predictions) -> bytes:
    """The file: the same bytes for the same predictions."""
    arrays = {f"probabilities/{name}": each.float().numpy() for name, each in predictions.probabilities.items()}
    texts = {each: np.array(getattr(predictions, each), dtype=np.str_) for each in ("names", "classes", "weights")}
    data = io.BytesIO()
    labels = predictions.labels.numpy()
    np.savez(data, allow_pickle=False, format=FORMAT, labels=labels, data=predictions.data, **texts, **arrays)
    return data.getvalue()


def read_predictions(path: Path) -> Predictions:
    """The predictions in a file. Raises `RunError` where there are none in it, or they do not fit each other."""
    arrays = _read_arrays(path)
    if arrays["format"] != FORMAT:
        raise RunError(f"{path}: its format is {arrays['format']}, not {FORMAT}; evaluate again with this version")
    try:
        texts = {name: [str(each) for each in arrays[name]] for name in ("names", "classes", "weights")}
        found = {
            name.removeprefix("probabilities/"): torch.from_numpy(each.astype(np.float32))
            for name, each in arrays.items()
            if name.startswith("probabilities/")
        }
        labels, data = torch.from_numpy(arrays["labels"].astype(np.int64)), str(arrays["data"])
    except (KeyError, ValueError, TypeError) as error:
        raise RunError(f"{path}: not a file of predictions, or damaged ({error}); evaluate again") from None
    predictions = Predictions(found, labels, data=data, **texts)
    shape = len(predictions.names), len(predictions.classes)
    fits = all(each.shape == shape for each in found.values()) and labels.shape == shape[:1] and found
    if not fits or (len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < shape[1]):
        raise RunError(f"{path}: its parts do not match; evaluate again")
    return predictions


def _read_arrays(path: Path) -> dict[str, Any]:
    """What is in a file of predictions, its format at least. Raises `RunError` where it is none."""
    none = RunError(f"{path}: not a file of predictions; create one with `inception-dsl eval --out`")
    if path.exists() and not path.is_file():
        raise none  # a pipe might never end
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            unpacked = sum(each.file_size for each in held.zip.infolist())
            if unpacked <= path.stat().st_size:  # `np.savez` packs nothing; what does could fill the memory
                return {"format": int(held["format"]), **{name: held[name] for name in held.files if name != "format"}}
    except OSError as error:
        raise RunError(f"{path}: {(error.strerror or 'no file of predictions').lower()}") from None
    except Exception:  # noqa: BLE001 - what a damaged archive raises is up to each of its parts
        raise none from None
    raise none
