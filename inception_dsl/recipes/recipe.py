"""How a network is trained, as data: the settings of its spec on top of the recipe that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from inception_dsl.diagnostics.diagnostic import Span
from inception_dsl.files.confined import confined_to
from inception_dsl.ir.program import Program
from inception_dsl.ir.shapes import TensorType
from inception_dsl.spec.training_model import GROUPS, RECIPES, REFERENCE_SIDE, in_proportion, recipe_file
from inception_dsl.syntax import source, yaml

if TYPE_CHECKING:
    from inception_dsl.runner.base.config import Config

SettingValues = Mapping[str, Mapping[str, Any]]
"""Settings by group and name: `{"optim": {"lr": 0.045}}`."""


@dataclass(frozen=True)
class Recipe:
    """Settings that differ from the runner's defaults, and the source of each by `group.name`."""

    source: str
    values: SettingValues
    notes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def with_values(self, values: SettingValues, notes: Mapping[str, str] | None = None, source: str = "") -> Recipe:
        """The recipe with other values for some settings; their notes are dropped."""
        merged = {group: {**self.values.get(group, {}), **values.get(group, {})} for group in GROUPS}
        changed = {f"{group}.{name}" for group, names in values.items() for name in names}
        kept = {key: note for key, note in self.notes.items() if key not in changed}
        return Recipe(source or self.source, merged, {**kept, **(notes or {})})

    def config(self) -> Config:
        """The settings as the runner's `Config`."""
        from inception_dsl.runner.base.config import Config

        config = Config()
        for group, values in self.values.items():
            part = getattr(config, group)
            kinds = {key: type(getattr(part, key)) for key in values}  # 120 may stand for 120.0, a list is a tuple
            config = replace(config, **{group: replace(part, **{key: kinds[key](values[key]) for key in values})})
        return config


def recipe(program: Program, other: str = "") -> Recipe | None:
    """The recipe of a program's spec, with the network's image size and head weights; None if it has none.

    `other` is the name of a recipe that takes the place of the spec's own; `data` (but not its batch), `loss`, `run`
    and `transfer` stay.
    """
    stated = program.training
    if not stated and not other:
        return None
    size = program.input
    own: dict[str, dict[str, Any]] = {
        "data": {"channels": size.shape[0], "height": size.shape[1], "width": size.shape[2]},
        "loss": {"heads": {head.name: head.loss_weight for head in program.heads}} if program.heads else {},
    }
    if size.shape[0] != 3:
        own["data"] |= {"mean": [0.5], "std": [0.5]}
    if other:
        stated = _only_of_the_network(stated, other)
    base = named(stated["recipe"], program.training_places.get("recipe")) if "recipe" in stated else Recipe("", {})
    found = _with(base.with_values(own), stated)
    if not found.config().optim.reference:
        batch = {"optim": {"reference": found.config().data.batch}}
        found = found.with_values(batch, {"optim.reference": "the batch that the rate is for"})
    return found if "resize" in stated.get("augment", {}) else _in_proportion(found)


def with_input(program: Program, size: TensorType) -> Program:
    """A program with another input, and a resize that its spec states in proportion to it."""
    training, augment = program.training, program.training.get("augment", {})
    if "resize" in augment:
        resize = in_proportion(augment["resize"], max(program.input.image), max(size.image))
        training = {**training, "augment": {**augment, "resize": resize}}
    return replace(program, input=size, training=training)


def _only_of_the_network(stated: Mapping[str, Any], recipe: str) -> dict[str, Any]:
    """What a spec states of its images, losses and machine, on top of another recipe than its own."""
    kept = {group: dict(stated.get(group, {})) for group in ("data", "loss", "run", "transfer")}
    kept["data"].pop("batch", None)  # the recipe's rate is for its own
    keys = {f"{group}.{name}" for group, values in kept.items() for name in values}
    notes = {key: note for key, note in stated.get("notes", {}).items() if key in keys}
    return {"recipe": recipe, **kept, "notes": notes}


def _in_proportion(recipe: Recipe) -> Recipe:
    """Scale the resize of a recipe, which assumes an input of 224, to the network's input."""
    config = recipe.config()
    side, augment = max(config.data.height, config.data.width), config.augment
    if side == REFERENCE_SIDE or (augment.crop != "window" and augment.evaluation != "centre"):
        return recipe
    note = f"{augment.resize} for an input of {REFERENCE_SIDE}, in proportion"
    resize = in_proportion(augment.resize, REFERENCE_SIDE, side)
    return recipe.with_values({"augment": {"resize": resize}}, {"augment.resize": note})


def named(name: str, place: Span | None = None) -> Recipe:
    """The recipe of a name, which stands at `place`. Raises `SpecError` E009 where the plugin that has it fails."""
    if name in RECIPES:
        return from_file(recipe_file(name))
    from inception_dsl.spec.plugin_recipes import file_of

    return from_file(file_of(name, place))


@lru_cache
def from_file(path: str) -> Recipe:
    """The recipe of a file."""
    with confined_to(""):  # plugins may have their files anywhere
        return _with(Recipe("", {}), yaml.parse(source.read(path)).data)


def _with(base: Recipe, stated: Mapping[str, Any]) -> Recipe:
    values = {group: stated[group] for group in GROUPS if group in stated}
    return base.with_values(values, stated.get("notes"), stated.get("source", ""))
