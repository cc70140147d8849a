"""Files of predictions: those for each image under each protocol, so that ensembles need no second run."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from inception_dsl.runner.base.settings import CHOICES, RunError

FORMAT: Final = 1


@dataclass(frozen=True)
class Predictions:
    """A network's predictions: `probabilities` (N x C, float32) by protocol, each the mean over its crops.

    `loss` is that of the training: with "mse", what stands for probabilities are the predicted numbers. `labels` are
    class indices (N) or, except with "cross_entropy", what the outputs should be (N x C).
    `weights` are the SHA-256 of the network's tensors, one per member of an ensemble; `data` is the reader's
    fingerprint. `unreadable`, which is not saved, lists the images that could not be read and why.
    """

    probabilities: dict[str, Tensor]
    labels: Tensor
    names: list[str]
    classes: list[str]
    weights: list[str]
    data: str
    unreadable: list[str] = field(default_factory=list)
    loss: str = "cross_entropy"

    def __len__(self) -> int:
        return len(self.names)


def to_npz(predictions: Predictions) -> bytes:
    """Serialise predictions; equal predictions give equal bytes."""
    arrays = {f"probabilities/{name}": values.float().numpy() for name, values in predictions.probabilities.items()}
    texts = {field: np.array(getattr(predictions, field), dtype=np.str_) for field in ("names", "classes", "weights")}
    data = io.BytesIO()
    labels = predictions.labels.numpy()
    facts = {"format": FORMAT, "data": predictions.data, "loss": predictions.loss}
    np.savez(data, allow_pickle=False, **facts, labels=labels, **texts, **arrays)  # type: ignore[arg-type]
    return data.getvalue()


def read_predictions(path: Path) -> Predictions:
    """Read a file of predictions. Raises `RunError` if it is not one, or if its arrays are inconsistent."""
    arrays = _read_arrays(path)
    if arrays["format"] != FORMAT:
        raise RunError(f"{path}: its format is {arrays['format']}, not {FORMAT}; evaluate again with this version")
    try:
        texts = {name: [str(text) for text in arrays[name]] for name in ("names", "classes", "weights")}
        found = {
            name.removeprefix("probabilities/"): torch.from_numpy(values.astype(np.float32))
            for name, values in arrays.items()
            if name.startswith("probabilities/")
        }
        data, loss = str(arrays["data"]), str(arrays.get("loss", "cross_entropy"))
        kind = np.int64 if arrays["labels"].ndim == 1 else np.float32
        labels = torch.from_numpy(arrays["labels"].astype(kind))
    except (KeyError, ValueError, TypeError) as error:
        raise RunError(f"{path}: not a file of predictions, or damaged ({error}); evaluate again") from None
    predictions = Predictions(found, labels, data=data, loss=loss, **texts)
    shape = len(predictions.names), len(predictions.classes)
    classes = loss == "cross_entropy"
    fits = bool(found) and all(values.shape == shape for values in found.values())
    fits = fits and loss in CHOICES["loss.name"] and labels.shape == (shape[:1] if classes else shape)
    if not fits or (classes and not ((labels >= 0) & (labels < shape[1])).all()):
        raise RunError(f"{path}: its parts do not match; evaluate again")
    return predictions


def _read_arrays(path: Path) -> dict[str, Any]:
    """What is in a file of predictions, its format at least. Raises `RunError` where it is none."""
    none = RunError(f"{path}: not a file of predictions; create one with `inception-dsl eval --out`")
    if path.exists() and not path.is_file():
        raise none  # reading a pipe might never end
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            unpacked = sum(member.file_size for member in archive.zip.infolist())
            # `np.savez` does not compress; a compressed archive could fill the memory.
            if unpacked <= path.stat().st_size:
                arrays = {name: archive[name] for name in archive.files if name != "format"}
                return {"format": int(archive["format"]), **arrays}
    except OSError as error:
        cause = (error.strerror or "not a file of predictions").lower()
        raise RunError(f"{path}: {cause}; `inception-dsl eval SPEC WEIGHTS --out FOLDER` writes one") from None
    except Exception:  # noqa: BLE001 - a damaged archive raises many types
        raise none from None
    raise none
