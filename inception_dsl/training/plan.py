"""What a run trains, and how: a network, and its recipe with the settings and the images that the user chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from inception_dsl import compiler
from inception_dsl.datasets.builtin import builtin
from inception_dsl.diagnostics.codes.yaml import MISSING_KEY
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.ir.typed import Typed
from inception_dsl.recipes.recipe import Recipe, recipe
from inception_dsl.runner.fit import check_fit, find_head_misfits, find_misfits
from inception_dsl.runner.settings import RunError, with_setting
from inception_dsl.spec.network import NetworkSpec

DATA_SOURCE: Final = "data.source"
OF_INPUT: Final = frozenset({"data.channels", "data.height", "data.width"})
"""Settings that the network's input decides."""


class Plan(NamedTuple):
    """A spec, its network, and its recipe, in which `builtin:NAME` are images of the package.

    `runnable` is the recipe with a source of images that the runner knows.
    """

    spec: NetworkSpec
    typed: Typed
    recipe: Recipe
    runnable: Recipe


def plan(spec: NetworkSpec, settings: Mapping[str, str], data: str | None) -> Plan:
    """Plan to train a spec's network on a source of images, by default the recipe's.

    `settings` are texts by `group.name`. Raises `SpecError` for a spec that cannot be trained, and `RunError` for
    settings or a source that do not exist.
    """
    typed = compiler.at_size(compiler.compile_spec(spec))
    stated = recipe(typed.program)
    if stated is None:
        hint = "write `training: {recipe: modern}`"
        raise SpecError([Diagnostic(MISSING_KEY, "the spec has no `training`", help=hint)])
    if _fixes_classes(spec, typed):
        hint = "write `{classes}` for the number of outputs of the last layer, as in `fc {classes}`"
        message = "the spec fixes the number of classes, whatever the data has"
        raise SpecError([Diagnostic(MISSING_KEY, message, help=hint)])
    for key in sorted(OF_INPUT & settings.keys()):
        raise RunError(f"{key} is the network's input: set `input` in the spec, or in one that extends it")
    config = stated.config()
    for key, text in settings.items():
        config = with_setting(config, key, text)
        group, _, name = key.partition(".")
        value = getattr(getattr(config, group), name)
        stated = stated.with_values({group: {name: value}}, {key: "--set"})
    check_fit(find_misfits(config))
    check_fit(find_head_misfits(config.loss.heads, [head.name for head in typed.program.heads]))
    source = _absolute(data or config.data.source)
    notes = {DATA_SOURCE: "--data"} if data else {key: note for key, note in stated.notes.items() if key == DATA_SOURCE}
    own, runnable = (stated.with_values({"data": {"source": place}}, notes) for place in (source, _runnable(source)))
    return Plan(spec, typed, own, runnable)


def with_classes(spec: NetworkSpec, classes: int) -> Typed:
    """Compile a spec's network for as many classes as a data set has."""
    return compiler.at_size(compiler.compile_spec(replace(spec, classes=classes)))


def plan_for(plan: Plan, classes: int) -> Plan:
    """The plan for as many classes as a data set has.

    Printed numbers that are only true of the spec's own classes are dropped, as in a variant.
    """
    if classes == plan.spec.classes:
        return plan
    spec = replace(plan.spec, classes=classes, base=compiler.as_base(plan.spec))
    return plan._replace(spec=spec, typed=compiler.at_size(compiler.compile_spec(spec)))


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
