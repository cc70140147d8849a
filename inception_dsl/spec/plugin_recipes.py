"""Recipes of plugins, which are files as ours are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inception_dsl.diagnostics.codes.plugins import REMEDY, UNUSABLE_PLUGIN
from inception_dsl.diagnostics.diagnostic import Diagnostic, Span, SpecError
from inception_dsl.files.confined import confined_to
from inception_dsl.plugins import offers
from inception_dsl.plugins.offers import Offer, wrong_type
from inception_dsl.spec.training_model import RECIPES, RecipeFile
from inception_dsl.spec.validation import validate
from inception_dsl.syntax import source, yaml


def names() -> list[str]:
    """The names of all recipes, also of plugins that are not loaded."""
    return [*RECIPES, *(name for name in offers.names("recipes") if name not in RECIPES)]


def file_of(name: str, place: Span | None = None) -> str:
    """The file of a plugin's recipe that `place` names. Raises `SpecError` E009 where the plugin fails."""
    offer = _look_up(name)
    if offer is None or offer.problem:
        message = offer.message if offer else f"no plugin offers the recipe `{name}` any more"
        raise SpecError([Diagnostic(UNUSABLE_PLUGIN, message, place, help=REMEDY)])
    return str(offer.thing)


def offered() -> list[Offer]:
    """What plugins offer as recipes, for a listing."""
    return [offer for name in offers.names("recipes") if (offer := _look_up(name))]


def _look_up(name: str) -> Offer | None:
    return offers.find("recipes", name, RECIPES, _problem)


def _problem(name: str, path: Any) -> str:
    if not isinstance(path, Path):
        return wrong_type(path, "the `Path` of a file")
    try:
        with confined_to(""):  # plugins may have their files anywhere
            validate(yaml.parse(source.read(path)), RecipeFile)
    except SpecError as error:
        return f"{error.diagnostics[0].span or path}: {error.diagnostics[0].message}"
    return ""
