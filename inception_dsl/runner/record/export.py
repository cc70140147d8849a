"""Export of the trained network."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import nn

from inception_dsl.runner.base.config import Config, NetworkInfo
from inception_dsl.runner.base.files import write_text
from inception_dsl.runner.base.tensor_files import save_safetensors
from inception_dsl.runner.record.scores import Score


def write_model(
    folder: Path,
    network: nn.Module,
    config: Config,
    classes: Sequence[str],
    score: Score,
    info: NetworkInfo,
    trained: Mapping[str, float],
    best: tuple[int, Score] | None = None,
) -> None:
    """Write `model.safetensors` and its description `config.json`; `inception-dsl train` adds further files.

    `best` is the best score of the run, and the step of `best.pt`, whose weights have it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"format": "pt", "spec": info.spec, "loss": config.loss.name}
    save_safetensors(folder / "model.safetensors", network.state_dict(), metadata)
    facts = {"architecture": info.name, "num_classes": len(classes), "label_names": [*classes]}
    facts |= {"about": vars(info), "score": score.row, "trained": {**trained}}
    facts |= {"best": {"step": best[0], **best[1].row}} if best else {}
    facts |= {"training": dataclasses.asdict(config)}
    write_text(folder / "config.json", json.dumps(facts, indent=2) + "\n")
