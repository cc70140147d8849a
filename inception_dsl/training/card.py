"""The model card: the folder of a trained network made complete, in the style of Hugging Face.

A run leaves `model.safetensors` and `config.json` there, with all that is known of them; the rest follows from those.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from inception_dsl.emit.pytorch.pytorch import class_name
from inception_dsl.files.output import write
from inception_dsl.runner.base.metrics import METRICS

CARD: Final = """\
---
license: other
library_name: pytorch
{tags}pytorch, inception-dsl, {name}]
datasets: [{images}]
metrics: [{metric}]
---
# {title}

Trained by `train.py`, which inception-dsl wrote from the spec `{name}` (sha256 `{spec}`).
Images of {channels} x {height} x {width}, {count} {outputs}:
`classes.txt` lists them in the order of the outputs.

## Use

```python
import torch
from safetensors.torch import load_file
from model import {network}

network = {network}(num_classes={count}).eval()
network.load_state_dict(load_file("model.safetensors"))
images = torch.rand(1, {channels}, {height}, {width})  # yours, with values from 0 to 1
mean, std = torch.tensor({mean}), torch.tensor({std})
{predictions} = network((images - mean[:, None, None]) / std[:, None, None]){activation}
```

## Scores

| held-out images | {titles} | could not be read |
|{rule}
| {n:,} | {numbers} | {unreadable:,} |

One view of each image (`{evaluation}`), of one run with the seed {seed}:
the variation between seeds was not measured.

## Recipe

{trained}{recipe}

## Not measured

- Images of any other kind than `{images}`: no robustness, calibration, fairness or performance per class is known.
- If the held-out images were used to choose a recipe or to stop, the scores above flatter the network.
- The licence of the weights: whoever trained them chooses it; until then it is `other` above.
"""

CLASSIFIER: Final = "pipeline_tag: image-classification\ntags: [image-classification, "
OUTPUTS: Final[dict[str, dict[str, str]]] = {
    "cross_entropy": {
        "outputs": "classes",
        "predictions": "probabilities",
        "activation": ".softmax(1)",
        "metric": "accuracy",
        "tags": CLASSIFIER,
    },
    "bce": {
        "outputs": "labels, of which an image has any number",
        "predictions": "probabilities",
        "activation": ".sigmoid()",
        "metric": "f1",
        "tags": CLASSIFIER,
    },
    "mse": {
        "outputs": "numbers",
        "predictions": "numbers",
        "activation": "",
        "metric": "mse",
        "tags": "tags: [image-regression, ",
    },
}
"""What the outputs of a network are, by the loss of its training; the metrics are of Hugging Face's `evaluate`."""


def write_card(folder: Path, model_source: str) -> list[Path]:
    """Complete a model's folder from its `config.json`, and add what timm reads to that file; returns the files' paths.

    `model_source` is the text of the network's `model.py`, written beside `README.md` and `classes.txt`. The same run
    gives the same bytes. Raises `SpecError` E006 if a file cannot be written.
    """
    facts = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    data, augment, classes = facts["training"]["data"], facts["training"]["augment"], facts["label_names"]
    # The path of the images stays private: only its last part is published.
    data["source"] = re.sub(r"[^\w.-]+", "-", re.split("[:/]", data["source"].rstrip("/"))[-1]) or "unnamed"
    if transfer := facts["training"].get("transfer"):
        transfer["weights"] = Path(transfer["weights"]).name
    mean, std = (values * (data["channels"] if len(values) == 1 else 1) for values in (data["mean"], data["std"]))
    facts["pretrained_cfg"] = {
        "input_size": [data["channels"], data["height"], data["width"]],
        "mean": mean,
        "std": std,
        "crop_pct": round(_crop_fraction(data, augment), 4),
        "interpolation": "bilinear",
        "label_names": classes,
    }
    about, loss = facts["about"], facts["training"]["loss"].get("name", "cross_entropy")
    groups = facts["training"].items()
    card = CARD.format(
        **{key: data[key] for key in ("channels", "height", "width")},
        **about,
        **_score(facts["score"], loss),
        **OUTPUTS[loss],
        network=class_name(about["name"], about["title"]),
        count=len(classes),
        images=data["source"],
        mean=mean,
        std=std,
        evaluation=augment["evaluation"],
        seed=facts["training"]["run"]["seed"],
        trained=_trained_length(facts.get("trained"), facts["training"]["schedule"]["epochs"]),
        recipe="\n".join(
            f"- {group}: " + ", ".join(f"{k} = {v}" for k, v in values.items()) for group, values in groups
        ),
    )
    texts = {
        "config.json": json.dumps(facts, indent=2) + "\n",
        "classes.txt": "".join(f"{name}\n" for name in classes),
        "README.md": card,
        "model.py": model_source,
    }
    return write({name: text.encode() for name, text in texts.items()}, folder, force=True)


def _score(score: dict[str, float], loss: str) -> dict[str, Any]:
    """The fields of the card about a score: the titles and the numbers of its table."""
    named = {name: METRICS[name] for name in METRICS if name in score}
    titles = [loss.replace("_", "-") if name == "loss" else metric.title for name, metric in named.items()]
    numbers = [f"{score[name]:{metric.form}}" for name, metric in named.items()]
    shown = {"titles": " | ".join(titles), "numbers": " | ".join(numbers), "rule": "---|" * (2 + len(named))}
    return {**shown, "n": score["n"], "unreadable": score["unreadable"]}


def _trained_length(trained: dict[str, Any] | None, epochs: float) -> str:
    """The length of the run and of its schedule; empty for an older run, which does not record it."""
    if trained is None:
        return ""
    return f"Steps done: {trained['steps']:,}. Epochs done: {trained['epochs']:.4g}, of {epochs:g}.\n\n"


def _crop_fraction(data: dict[str, Any], augment: dict[str, Any]) -> float:
    """The fraction of the image's shorter side that evaluation sees."""
    match augment["evaluation"]:
        case "centre":
            return float(min(data["height"], data["width"]) / augment["resize"])
        case "central":
            return float(augment["central"])
    return 1.0
