"""What a run trains, and how: a network, and its recipe with the settings and the images that the user chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from inception_dsl import compiler
from inception_dsl.datasets.builtin import builtin
from inception_dsl.diagnostics.codes.yaml import MISSING_KEY
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.ir.typed import Typed
from inception_dsl.recipes.recipe import Recipe, SettingValues, recipe
from inception_dsl.runner.base.fit import check_fit, find_head_misfits, find_misfits
from inception_dsl.runner.base.settings import RunError, listed_modules, with_setting
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.plugin_recipes import names
from inception_dsl.spec.training_model import RECIPES
from inception_dsl.weights.modules import named_modules

DATA_SOURCE: Final = "data.source"
OF_INPUT: Final = frozenset({"data.channels", "data.height", "data.width"})
"""Settings that the network's input decides."""

WEIGHTS: Final = "model.safetensors"


class Plan(NamedTuple):
    """A spec, its network, and its recipe, in which `builtin:NAME` are images of the package.

    `runnable` is the recipe with a source of images that the runner knows. `given` are the settings that the user
    chose for this run, and `weights` is the file that it starts from.
    """

    spec: NetworkSpec
    typed: Typed
    recipe: Recipe
    runnable: Recipe
    given: frozenset[str] = frozenset()
    weights: Path | None = None

    def with_values(self, values: SettingValues, notes: Mapping[str, str] | None = None) -> Plan:
        """The plan with other values for some settings, and their notes."""
        own, runnable = (recipe.with_values(values, notes) for recipe in (self.recipe, self.runnable))
        return self._replace(recipe=own, runnable=runnable)


def plan(
    spec: NetworkSpec,
    settings: Mapping[str, str],
    data: str | None,
    *,
    other_recipe: str = "",
    weights: Path | None = None,
    freeze: Sequence[str] = (),
    folder: Path | None = None,
) -> Plan:
    """Plan to train a spec's network on a source of images, by default the recipe's.

    `settings` are texts by `group.name`; `other_recipe` takes the place of the spec's own. The run starts from
    `weights`, a file or a run's folder; a file that the spec states is relative to `folder`, the spec's. `freeze` names
    rows, heads, modules and ranges. Raises `SpecError` for a spec that cannot be trained and for unknown rows, and
    `RunError` for a recipe, settings, weights or a source that do not exist.
    """
    typed = compiler.at_size(compiler.compile_spec(spec))
    stated = _with_settings(_stated_recipe(spec, typed, other_recipe), settings)
    config = stated.config()
    check_fit(find_misfits(config))
    check_fit(find_head_misfits(config.loss.heads, [head.name for head in typed.program.heads]))
    if weights:  # what the spec states is of another file
        old = {name: "" for name in ("weights", "sha256", "new") if f"transfer.{name}" not in settings}
        stated = stated.with_values({"transfer": old})
    elif config.transfer.weights:
        weights = (folder or Path()) / config.transfer.weights
    if freeze:
        stated = stated.with_values({"transfer": {"freeze": ", ".join(freeze)}}, {"transfer.freeze": "--freeze"})
    stated = _with_modules(stated, typed)
    source = _absolute(config.data.source if data is None else data)
    notes = {key: note for key, note in stated.notes.items() if key == DATA_SOURCE}
    notes = notes if data is None else {DATA_SOURCE: "--data"}
    own, runnable = (stated.with_values({"data": {"source": place}}, notes) for place in (source, _runnable(source)))
    return Plan(spec, typed, own, runnable, frozenset(settings), weights and weights_file(weights))


def _stated_recipe(spec: NetworkSpec, typed: Typed, other: str) -> Recipe:
    """The recipe of a spec, or another one in its place. Raises as `plan` does."""
    if other and other not in RECIPES and other not in (known := names()):
        hint = did_you_mean(other, known) or f"the recipes are {listing(known)}"
        raise RunError(f"--recipe {other}: there is no such recipe; {hint}")
    stated = recipe(typed.program, other)
    if stated is None:
        hint = "write `training: {recipe: modern}`, or choose one by `--recipe`"
        raise SpecError([Diagnostic(MISSING_KEY, "the spec has no `training`", help=hint)])
    if _fixes_classes(spec, typed):
        hint = "write `{classes}` for the number of outputs of the last layer, as in `fc {classes}`"
        message = "the spec fixes the number of classes, whatever the data has"
        raise SpecError([Diagnostic(MISSING_KEY, message, help=hint)])
    return stated


def _with_settings(stated: Recipe, settings: Mapping[str, str]) -> Recipe:
    """The recipe with the settings that the user chose. Raises `RunError` as `plan` does."""
    for key in sorted(OF_INPUT & settings.keys()):
        raise RunError(f"{key} is the network's input: set `input` in the spec, or in one that extends it")
    if "transfer.weights" in settings:
        raise RunError("transfer.weights: name the file by --init-from, which makes it fit the network")
    config = stated.config()
    for key, text in settings.items():
        config = with_setting(config, key, text)
        group, _, name = key.partition(".")
        stated = stated.with_values({group: {name: attrgetter(key)(config)}}, {key: "--set"})
    return stated


def _with_modules(stated: Recipe, typed: Typed) -> Recipe:
    """The recipe that names modules of the network, where rows, heads and ranges are named. Raises as `plan` does."""
    transfer = stated.config().transfer
    for key, text in {"transfer.new": transfer.new, "transfer.freeze": transfer.freeze}.items():
        if names := listed_modules(text):
            modules = named_modules(typed, names)
            if {node.row for node in typed.nodes if node.weights}.issubset(modules):
                raise RunError(f"{key}: {', '.join(names)} are all of the network; leave some rows out")
            value = {key.removeprefix("transfer."): ", ".join(modules)}
            stated = stated.with_values({"transfer": value}, {key: stated.notes.get(key, "")})
    return stated


def weights_file(given: Path) -> Path:
    """The file of weights that a path names: its own, or that of a run's folder or of the model in it.

    Raises `RunError` for a folder without one.
    """
    if not given.is_dir():
        return given
    files = [given / "model" / WEIGHTS, given / WEIGHTS]
    if found := next((file for file in files if file.is_file()), None):
        return found
    checkpoints = [*sorted((given / "checkpoints").glob("step_*.pt")), *(given / "checkpoints").glob("best.pt")]
    hint = f"name a checkpoint of it, such as {checkpoints[-1]}" if checkpoints else "name a file of weights"
    raise RunError(f"{given}: the folder has no model/{WEIGHTS}, which a run writes at its end; {hint}")


def with_classes(spec: NetworkSpec, classes: int) -> Typed:
    """Compile a spec's network for as many classes as a data set has."""
    return compiler.at_size(compiler.compile_spec(replace(spec, classes=classes)))


def plan_for(plan: Plan, classes: int) -> Plan:
    """The plan for as many classes as a data set has.

    Printed numbers that are only true of the spec's own classes are dropped, as in a variant.
    """
    if classes == plan.spec.classes:
        return plan
    spec = replace(plan.spec, base=compiler.as_base(plan.spec))
    return plan._replace(spec=replace(spec, classes=classes), typed=with_classes(spec, classes))


def _fixes_classes(spec: NetworkSpec, typed: Typed) -> bool:
    """Say whether a network has its own number of classes, whatever the spec's `classes` are."""
    try:
        with_classes(spec, int(typed.program.env["classes"]) + 1)
    except SpecError:  # its scores are no longer as many as the classes
        return True
    return False


def _absolute(source: str) -> str:
    """Make the path of a source of images absolute, so that it holds in any folder."""
    if not source:
        raise RunError("no images: name their source with --data, such as --data folder:DIR")
    kind, colon, name = source.partition(":")
    path = Path(name).expanduser() if name.startswith("~") else Path(name)
    return f"{kind}{colon}{path.absolute()}" if kind != "builtin" and name and path.exists() else source


def _runnable(source: str) -> str:
    """Name a source of images as the runner does."""
    kind, _, name = source.partition(":")
    try:
        return f"idx:{builtin(name)}" if kind == "builtin" else source
    except ValueError as error:
        raise RunError(str(error)) from None
