"""The key `training`: the recipe that a paper states. Its settings are a run's; the compiler only carries them."""

from __future__ import annotations

from typing import Final

from pydantic_core import CoreSchema
from pydantic_core import core_schema as cs

from inception_dsl.spec.kinds import LINE, REASON, SWITCH, choice, mapping, numbers, real, whole

RECIPES: Final = (
    "googlenet-paper",
    "bvlc",
    "bvlc-quick",
    "bn-inception",
    "inception-v3-paper",
    "inception-v3-tfrelease",
    "inception-v4-paper",
    "modern",
)
"""What `recipe` names: the settings that a run begins with, where this key does not say otherwise."""

SHARE: Final = real(0, 1)
NUMBER: Final = real(0, 10**9)
COUNT: Final = whole(1, 10**9)
SIZE: Final = whole(1, 65_536)
CHANNELS: Final = numbers(1, 64, 0, 255)

GROUPS: Final[dict[str, dict[str, CoreSchema]]] = {
    "data": {
        "source": LINE,
        "channels": SIZE,
        "height": SIZE,
        "width": SIZE,
        "mean": CHANNELS,
        "std": CHANNELS,
        "batch": COUNT,
        "workers": whole(0, 1024),
        "unreadable": choice("replace", "stop"),
    },
    "augment": {
        "crop": choice("area", "window", "shift", "whole"),
        "area": numbers(2, 2, 0, 1),
        "aspect": numbers(2, 2, 0, 100),
        "resize": SIZE,
        "padding": whole(0, 65_536),
        "flip": SWITCH,
        "interpolation": choice("bilinear", "random"),
        "colour": choice("none", "photometric", "tensorflow"),
        "evaluation": choice("centre", "central", "whole"),
        "central": SHARE,
    },
    "optim": {
        "name": choice("sgd", "rmsprop", "adamw"),
        "lr": NUMBER,
        "scale": choice("none", "linear", "sqrt"),
        "reference": COUNT,
        "momentum": SHARE,
        "nesterov": SWITCH,
        "decay": SHARE,
        "eps": NUMBER,
        "weight_decay": NUMBER,
        "decay_all": SWITCH,
        "bias_lr": NUMBER,
        "clip": NUMBER,
    },
    "schedule": {
        "name": choice("constant", "exponential", "polynomial", "cosine"),
        "epochs": NUMBER,
        "warmup": NUMBER,
        "factor": NUMBER,
        "every": NUMBER,
        "staircase": SWITCH,
        "power": NUMBER,
    },
    "loss": {"smoothing": SHARE, "heads": cs.dict_schema(cs.str_schema(), NUMBER)},
    "average": {"name": choice("none", "ema", "polyak"), "decay": SHARE},
    "run": {
        "seed": whole(0, 2**63 - 1),
        "precision": choice("fp32", "bf16"),
        "channels_last": SWITCH,
        "compile": SWITCH,
        "accumulate": COUNT,
        "sync_bn": SWITCH,
        "deterministic": SWITCH,
        "save_every": COUNT,
        "keep": COUNT,
        "evaluate_every": NUMBER,
        "log_every": COUNT,
    },
}
"""The settings of a run by group, and what each holds."""

_SCHEMAS: Final = {group: mapping({}, settings) for group, settings in GROUPS.items()}
NOTES: Final = mapping({}, {f"{group}.{key}": REASON for group, settings in GROUPS.items() for key in settings})
TRAINING: Final = mapping(
    {},
    {
        "recipe": choice(*RECIPES),
        "source": LINE,
        **_SCHEMAS,
        "notes": NOTES,
    },
)
KEYS: Final[dict[tuple[str, ...], CoreSchema]] = {
    ("training",): TRAINING,
    **{("training", group): schema for group, schema in _SCHEMAS.items()},
    ("training", "notes"): NOTES,
}
"""The mappings in it that have known keys, by path."""
