"""The key `training`: the recipe that a paper states. Its settings are a run's; the compiler only carries them."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as cs

from inception_dsl.runner.config import Config
from inception_dsl.runner.settings import RANGES, WORDS
from inception_dsl.spec.kinds import BOUNDS, LINE, REASON, SWITCH, choice, mapping, numbers, real, whole

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

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    **WORDS,
    "augment.crop": ("area", "window", "shift", "whole"),
    "augment.interpolation": ("bilinear", "random"),
    "augment.colour": ("none", "photometric", "tensorflow"),
    "augment.evaluation": ("centre", "central", "whole"),
    "optim.name": ("sgd", "rmsprop", "adamw"),
    "optim.scale": ("none", "linear", "sqrt"),
    "schedule.name": ("constant", "exponential", "polynomial", "cosine"),
    "average.name": ("none", "ema", "polyak"),
}
"""The settings that are one of some words."""


def _schema(key: str, default: Any) -> CoreSchema:
    """What a setting holds: a value of the kind of its default, in the range that a run keeps to."""
    if isinstance(default, bool):
        return SWITCH
    if isinstance(default, str):
        return choice(*CHOICES[key]) if key in CHOICES else LINE
    limits = RANGES[key]
    low, high = limits.low, limits.high
    schema = real(low, high)
    match default:
        case int():
            schema = whole(int(low), int(high))
        case tuple():
            schema = numbers(2, 2, low, high) if limits.pair else numbers(1, 64, low, high)
        case dict():
            schema = cs.dict_schema(cs.str_schema(), schema)

    def checked(value: Any) -> Any:
        if missed := limits.missed(tuple(value) if isinstance(value, list) else value):
            raise PydanticCustomError(BOUNDS, missed)
        return value

    return cs.no_info_after_validator_function(checked, schema)


GROUPS: Final[dict[str, dict[str, CoreSchema]]] = {
    group: {name: _schema(f"{group}.{name}", default) for name, default in vars(settings).items()}
    for group, settings in vars(Config()).items()
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
