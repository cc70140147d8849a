"""How images are prepared: as the weights state, or the run that trained them, or else as the spec's recipe does."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from inception_dsl.diagnostics.codes.weights import PREPROCESSING_DIFFERS
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.evaluation.crops import View
from inception_dsl.evaluation.images import resized
from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import with_setting
from inception_dsl.weights.origin import recipe_of_run
from inception_dsl.weights.preprocessing import Preprocessing, spell_channels

VIEW_SETTINGS: Final = ("augment.evaluation", "augment.resize", "augment.central")
"""The settings of the recipe's evaluation view."""


class Preparation(NamedTuple):
    """How images are prepared: settings, the view in place of the recipe's, and a sentence about it."""

    config: Config
    view: View | None = None
    sentence: str = ""
    warning: Diagnostic | None = None


def choose_preparation(
    wanted: Preprocessing, config: Config, file: str, given: Collection[str], protocol: str | None
) -> Preparation:
    """Choose between the weights' preprocessing, the recipe of the spec `file` and the user's options, which win.

    `given` are the settings of `--set`; `protocol` is the value of `--protocol`, if given.
    """
    data = config.data
    wanted = wanted.at(data.height, data.width)
    shaped = [key for key in VIEW_SETTINGS if key in given]
    view = None if protocol or shaped else partial(prepare_image, wanted=wanted)
    theirs, users, differ = [], [], []
    if view:
        theirs.append(wanted.view)
        differ += [f"{_view(config)} (the weights: {wanted.view})"] if _view(config) != wanted.view else []
    else:
        users.append(f"crops by `--protocol {protocol}`" if protocol else f"crops by `--set {shaped[0]}`")
    for name in ("mean", "std"):
        stated, value = getattr(data, name), getattr(wanted, name)
        if f"data.{name}" in given:
            users.append(f"{name} {spell_channels(stated)} by `--set`")
            continue
        theirs.append(f"{name} {spell_channels(value)}")
        differ += (
            []
            if _same_values(stated, value)
            else [f"{name} {spell_channels(stated)} (the weights: {spell_channels(value)})"]
        )
        data = replace(data, **{name: value})
    whose = f" ({wanted.tag})" if wanted.tag else ""
    sentence = [f"{'; '.join(theirs)}, as the weights say{whose}"] if theirs else []
    warning = _warning(file, differ) if differ else None
    return Preparation(replace(config, data=data), view, "images: " + "; ".join([*sentence, *users]), warning)


def prepare_as_trained(weights: Path, config: Config, file: str, given: Collection[str]) -> Preparation:
    """The recipe of the spec `file`, but with the mean, deviation and view of the run that trained the weights, if any.

    `given` are the settings of `--set`, which stay. Raises `RunError` for a broken `config.json` of the run.
    """
    described, recipe = recipe_of_run(weights)
    own, theirs, differ = config, list[str](), list[str]()
    same_input = all(_stated(recipe, f"data.{side}") == str(getattr(config.data, side)) for side in ("height", "width"))
    for name in ("data.mean", "data.std", *(VIEW_SETTINGS if same_input else ())):
        if name not in given and (text := _stated(recipe, name)):
            config = with_setting(config, name, text)
    if _view(config) != _view(own):
        theirs.append(_view(config))
        differ.append(f"{_view(own)} (the weights: {_view(config)})")
    for name in ("mean", "std"):
        stated, value = getattr(own.data, name), getattr(config.data, name)
        if not _same_values(stated, value):
            theirs.append(f"{name} {spell_channels(value)}")
            differ.append(f"{name} {spell_channels(stated)} (the weights: {spell_channels(value)})")
    if not differ:
        return Preparation(config)
    return Preparation(config, None, f"images: {'; '.join(theirs)}, as `{described}` says", _warning(file, differ))


def _stated(recipe: Mapping[str, Any], name: str) -> str:
    """The text of a setting in a run's recipe, or ""."""
    group, _, key = name.partition(".")
    part = recipe.get(group)
    value = part.get(key, "") if isinstance(part, dict) else ""
    return str(value)  # as `--set` reads it: [0.5, 0.5]


def _warning(file: str, differ: Sequence[str]) -> Diagnostic:
    message = f"the recipe of `{file}` prepares images differently from the weights: {'; '.join(differ)}"
    hint = "`eval` follows the weights; `--set` and `--protocol` override them"
    return Diagnostic(PREPROCESSING_DIFFERS, message, help=hint, file=file)


def prepare_image(image: Tensor, config: Config, wanted: Preprocessing) -> Tensor:
    """Resize an image (uint8, channels x height x width) as the library of the weights does, and crop its centre."""
    return torch.from_numpy(resized(image.numpy(), wanted))


def _view(config: Config) -> str:
    """The recipe's view in the words of `Preprocessing.view`."""
    size, augment = f"{config.data.height}x{config.data.width}", config.augment
    match augment.evaluation:
        case "centre":
            return f"shorter side resized to {augment.resize} (bilinear), center crop {size}"
        case "central":
            return f"center {augment.central:.2%} of each side resized to {size} (bilinear)"
        case _:
            return f"the whole image resized to {size} (bilinear)"


def _same_values(xs: Collection[float], ys: Collection[float]) -> bool:
    """Whether two means are equal; a single number stands for all channels."""
    channels = max(len(xs), len(ys))
    a, b = ([*values] * (channels if len(values) == 1 else 1) for values in (xs, ys))
    return len(a) == len(b) and all(math.isclose(*pair, rel_tol=1e-4) for pair in zip(a, b, strict=True))
