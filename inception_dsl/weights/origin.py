"""Where a file of weights comes from: the classes that it is for, and how its images were normalised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from inception_dsl.runner.base.settings import RunError
from inception_dsl.weights.transfer import preprocessing, published_preprocessing

if TYPE_CHECKING:
    from inception_dsl.weights.files import WeightFile
    from inception_dsl.weights.matching import Match


class ImageValues(NamedTuple):
    """The mean and standard deviation by which images are normalised, for each channel or one for all; who says so."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    whose: str

    def for_channels(self, channels: int) -> ImageValues:
        """Those of images of other channels: the average for grey images, else the channels again and again."""

        def fit(values: tuple[float, ...]) -> tuple[float, ...]:
            if channels == 1:
                return (sum(values) / len(values),)
            return values if len(values) == 1 else tuple(values[at % len(values)] for at in range(channels))

        return ImageValues(fit(self.mean), fit(self.std), self.whose)


def image_values(source: WeightFile, file: Path, found: Match | None) -> ImageValues | None:
    """How images were normalised, as a file, the library of its weights or a `config.json` beside it says; else None.

    Raises `SpecError` E130 for a file that states it wrongly, and `RunError` for a `config.json` that is broken.
    """
    stated = preprocessing(source, file)
    if found and not stated:
        stated, _ = published_preprocessing(found.library, found.names.name, file, "", None)
    if stated:
        return ImageValues(stated.mean, stated.std, stated.tag or f"`{file.name}`")
    config, facts = _config(file)
    for part in (_recipe(facts).get("data"), facts.get("pretrained_cfg")):  # the last is timm's
        mean, std = (_numbers(part, name) for name in ("mean", "std"))
        if mean and std:
            return ImageValues(mean, std, f"`{config}`")
    return None


def recipe_of_run(weights: Path) -> tuple[Path, dict[str, Any]]:
    """The recipe with which a run trained weights, in groups: that of the `config.json` beside them, else none.

    Raises `RunError` for a `config.json` that is broken.
    """
    config, facts = _config(weights)
    return config, _recipe(facts)


def listed_classes(weights: Path) -> Iterator[tuple[Path, list[str]]]:
    """The files beside weights that name a network's classes; a `config.json` of another tool does not.

    Those of a checkpoint are in the folder above. Raises `RunError` for a file that cannot be read.
    """
    config, facts = _config(weights)
    if isinstance(facts.get("label_names"), list):
        yield config, [str(name) for name in facts["label_names"]]
    listed = config.with_name("classes.txt")
    try:
        if listed.is_file():
            yield listed, listed.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, ValueError) as error:
        raise _broken(listed, error) from None


def _config(weights: Path) -> tuple[Path, dict[str, Any]]:
    """The `config.json` that describes weights, and its contents: none for a list, or where there is no such file."""
    own = weights.absolute().parent
    config = (own.parent if own.name == "checkpoints" else weights.parent) / "config.json"
    try:
        facts = json.loads(config.read_text(encoding="utf-8")) if config.is_file() else {}
    except (OSError, ValueError) as error:
        raise _broken(config, error) from None
    return config, facts if isinstance(facts, dict) else {}


def _recipe(facts: dict[str, Any]) -> dict[str, Any]:
    groups = [facts.get("training"), facts.get("config")]  # of a model's folder, and of a run's
    return next((group for group in groups if isinstance(group, dict)), {})


def _broken(file: Path, error: Exception) -> RunError:
    return RunError(f"{file}: it describes the weights beside it, but cannot be read: {error}; fix it, or move it away")


def _numbers(part: Any, name: str) -> tuple[float, ...]:
    values = part.get(name) if isinstance(part, dict) else None
    if isinstance(values, list) and all(type(value) in (int, float) for value in values):
        return tuple(map(float, values))
    return ()
