"""An ablation: variants of a network, trained under one recipe with several seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from inception_dsl.recipes.recipe import Recipe
from inception_dsl.runner.base.settings import RunError, flat_settings
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.training.plan import OF_INPUT, Plan, plan

OF_NETWORK: Final = OF_INPUT | {"augment.resize", "loss.heads"}
"""Settings that follow from a network: the size of its images, and its heads."""

SHOWN: Final = 5
"""The most settings that a message lists."""


class Variant(NamedTuple):
    """A network of the ablation: the file of its spec, and how it is trained."""

    file: str
    plan: Plan

    @property
    def name(self) -> str:
        """The network's name."""
        return self.plan.typed.program.name


class Trial(NamedTuple):
    """One run: a variant with a seed, in a folder of its own."""

    variant: str
    seed: int
    folder: Path
    plan: Plan


def read_variant(file: str, spec: NetworkSpec, settings: Mapping[str, str], data: str | None) -> Variant:
    """Plan to train a spec's network. Raises `SpecError` and `RunError` as `plan` does."""
    return Variant(file, plan(spec, settings, data))


def check_variants(variants: Sequence[Variant]) -> None:
    """Raise `RunError` if two variants have one name, or if their recipes differ."""
    files: dict[str, str] = {}
    for variant in variants:
        if other := files.get(variant.name):
            raise RunError(f"{variant.file}: `{variant.name}` is also the network of {other}; give each its own name")
        files[variant.name] = variant.file
    first, *others = variants
    expected = _settings(first.plan.recipe)
    for variant in others:
        own = _settings(variant.plan.recipe)
        differ = [f"{key} is {own[key]!r}, not {expected[key]!r}" for key in own if own[key] != expected[key]]
        if differ:
            more = f", and {len(differ) - SHOWN} more" if len(differ) > SHOWN else ""
            raise RunError(
                f"{variant.file}: its recipe is not that of {first.file}: {'; '.join(differ[:SHOWN])}{more}. An "
                "ablation has one recipe: --set GROUP.NAME=VALUE sets a value for all networks"
            )


def _settings(recipe: Recipe) -> dict[str, Any]:
    """The settings of a recipe that do not follow from the network."""
    return {key: value for key, value in flat_settings(recipe.config()).items() if key not in OF_NETWORK}


def trials(variants: Sequence[Variant], seeds: int, folder: Path) -> Iterator[Trial]:
    """The runs: all variants with the recipe's seed first, then all with the next one, and so on."""
    for number in range(seeds):
        for variant in variants:
            seed = variant.plan.recipe.config().run.seed + number
            values, note = {"run": {"seed": seed}}, {"run.seed": f"seed {number + 1} of {seeds} of an ablation"}
            own = folder / variant.name / f"seed-{seed}"
            yield Trial(variant.name, seed, own, variant.plan.with_values(values, note))
