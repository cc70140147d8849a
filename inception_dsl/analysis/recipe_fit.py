"""Checks that the recipe of a spec fits its network: the input, the heads, and the settings among themselves."""

from __future__ import annotations

from operator import attrgetter
from typing import Final

from inception_dsl.diagnostics.codes.shapes import RECIPE_DOES_NOT_FIT, UNUSED_SETTING
from inception_dsl.diagnostics.diagnostic import Diagnostic, Findings, Span
from inception_dsl.ir.program import Program
from inception_dsl.recipes.recipe import recipe
from inception_dsl.runner.base.fit import Misfit, find_head_misfits, find_misfits

SIDES: Final = ("channels", "height", "width")

NEEDS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "augment.area": {"augment.crop": ("area",)},
    "augment.aspect": {"augment.crop": ("area",)},
    "augment.padding": {"augment.crop": ("shift",)},
    "augment.resize": {"augment.crop": ("window",), "augment.evaluation": ("centre",)},
    "augment.central": {"augment.evaluation": ("central",)},
    "optim.nesterov": {"optim.name": ("sgd",)},
    "optim.decay": {"optim.name": ("rmsprop",)},
    "optim.eps": {"optim.name": ("rmsprop", "adamw")},
    "schedule.factor": {"schedule.name": ("exponential",)},
    "schedule.every": {"schedule.name": ("exponential",)},
    "schedule.staircase": {"schedule.name": ("exponential",)},
    "schedule.power": {"schedule.name": ("polynomial",)},
    "average.decay": {"average.name": ("ema",)},
}
"""The settings that have an effect only beside certain values of another; one of the conditions is enough."""


def check_recipe(program: Program) -> None:
    """Raise `SpecError` E222 for each setting of a spec's recipe that does not fit, as a run of it would."""
    stated = recipe(program)
    if stated is None:
        return
    findings, config = Findings(), stated.config()
    misfits = [*_other_input(program), *find_misfits(config)]
    misfits += find_head_misfits(config.loss.heads, [head.name for head in program.heads])
    for misfit in misfits:
        message = f"`{misfit.key}` {misfit.problem}"
        findings.error(RECIPE_DOES_NOT_FIT, message, _place(program, misfit), help=misfit.advice)
    findings.stop()


def unused_settings(program: Program) -> list[Diagnostic]:
    """W205 for each setting in a spec's `training` that has no effect beside the others."""
    stated = recipe(program)
    if stated is None:
        return []
    config, places, found = stated.config(), program.training_places, []
    for key, conditions in NEEDS.items():
        group, _, name = key.partition(".")
        values = {other: attrgetter(other)(config) for other in conditions}
        if name in program.training.get(group, {}) and not any(values[at] in conditions[at] for at in conditions):
            beside = " and ".join(f"`{other}: {value}`" for other, value in values.items())
            hint = " or ".join(f"`{other}: {word}`" for other, words in conditions.items() for word in words)
            message = f"`{key}` has no effect beside {beside}"
            found.append(Diagnostic(UNUSED_SETTING, message, places.get(key), help=f"delete it, or set {hint}"))
    return found


def _other_input(program: Program) -> list[Misfit]:
    """The settings that contradict the input of the spec."""
    own = program.training.get("data", {})
    return [
        Misfit(f"data.{name}", f"is {own[name]}, but the input has {size}", "leave it out: it is the network's")
        for name, size in zip(SIDES, program.input.shape, strict=True)
        if own.get(name, size) != size
    ]


def _place(program: Program, misfit: Misfit) -> Span | None:
    """Where the spec states a setting, or one that it depends on, or else the name of its recipe."""
    places = program.training_places
    return next((places[key] for key in (misfit.key, *misfit.others, "recipe", "") if key in places), None)
