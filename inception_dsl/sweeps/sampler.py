"""An Optuna sampler whose trials are variants of a sweep: it never proposes one that is not valid or not kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, TPESampler

from inception_dsl.ir.values import Scalar
from inception_dsl.sweeps.axes import Axis
from inception_dsl.sweeps.sweep import Sweep
from inception_dsl.sweeps.variant import Variant, shown

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial, TrialState


class FeasibleSampler(BaseSampler):
    """Moves what another sampler proposes, by default TPE, to the nearest variant of a sweep.

    A parameter of the study is an axis of the sweep. Near is measured in steps along the axes, as a part of all steps
    of an axis. Parameters that are not axes, such as a learning rate, are left to the other sampler. All variants are
    kept in memory. Raises `ValueError` for a sweep without variants.
    """

    def __init__(self, sweep: Sweep, sampler: BaseSampler | None = None) -> None:
        self._sampler = sampler or TPESampler()
        self._variants = [*sweep]
        if not self._variants:
            raise ValueError("no variant of the sweep is valid and satisfies its conditions")
        self._axes = sweep.axes
        self.space = {axis.name: _distribution(axis) for axis in sweep.axes}
        self._scales = [1 / max(len(axis.values) - 1, 1) for axis in sweep.axes]
        ranks = [{value: rank for rank, value in enumerate(_ordered(axis))} for axis in sweep.axes]
        self._places = [
            tuple(rank[value] for rank, value in zip(ranks, variant.values, strict=True)) for variant in self._variants
        ]
        self._by_place: dict[tuple[int, ...], Variant] = dict(zip(self._places, self._variants, strict=True))

    def suggest(self, trial: Trial) -> Variant:
        """The variant of a trial."""
        place = []
        for axis, (name, known) in zip(self._axes, self.space.items(), strict=True):
            match known:
                case IntDistribution(low=low, high=high, step=step):
                    value: Any = trial.suggest_int(name, low, high, step=step)
                case FloatDistribution(low=low, high=high, step=step):
                    value = trial.suggest_float(name, low, high, step=step)
                case _:
                    assert isinstance(known, CategoricalDistribution)
                    value = trial.suggest_categorical(name, known.choices)
            place.append(self._rank(axis, value))
        return self._by_place[tuple(place)]

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters that are sampled together: the axes, and those of the other sampler."""
        return {**self._sampler.infer_relative_search_space(study, trial), **self.space}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the other sampler proposes, with its axes moved to the nearest variant."""
        own = self._sampler.infer_relative_search_space(study, trial)
        proposed = self._sampler.sample_relative(study, trial, own)
        for name, known in self.space.items():
            if name not in proposed:
                proposed[name] = self._sampler.sample_independent(study, trial, name, known)
        place = [self._rank(axis, proposed[axis.name]) for axis in self._axes]
        nearest = min(self._places, key=lambda other: self._distance(place, other))
        values = self._by_place[nearest].values
        moved = {axis.name: _parameter(value) for axis, value in zip(self._axes, values, strict=True)}
        return {**proposed, **moved}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """What the other sampler proposes for a parameter that is not an axis."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Prepare the other sampler."""
        self._sampler.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Pass the result on to the other sampler."""
        self._sampler.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Seed the other sampler anew."""
        self._sampler.reseed_rng()

    def _rank(self, axis: Axis, value: Any) -> int:
        """The place of a parameter's value on an axis: Optuna computes values of a range itself, and rounds them."""
        ordered = _ordered(axis)
        if isinstance(self.space[axis.name], CategoricalDistribution):
            return [_parameter(known) for known in ordered].index(value)
        return min(range(len(ordered)), key=lambda rank: abs(float(ordered[rank]) - value))

    def _distance(self, place: Sequence[int], other: Sequence[int]) -> float:
        return sum(scale * abs(a - b) for scale, a, b in zip(self._scales, place, other, strict=True))


def _ordered(axis: Axis) -> list[Any]:
    """The values of an axis from the smallest; layers and sizes of the image as given."""
    return sorted(axis.values) if all(isinstance(value, int | float) for value in axis.values) else [*axis.values]


def _parameter(value: Any) -> Scalar:
    return shown(value) if isinstance(value, tuple) else value


def _distribution(axis: Axis) -> BaseDistribution:
    """A range for numbers at equal distances, else a choice of values."""
    values = _ordered(axis)
    if len(values) > 1 and all(isinstance(value, int | float) for value in values):
        step = (values[-1] - values[0]) / (len(values) - 1)
        if all(abs(values[0] + rank * step - value) < 1e-9 for rank, value in enumerate(values)):
            if all(isinstance(value, int) for value in values):
                return IntDistribution(values[0], values[-1], step=round(step))
            return FloatDistribution(values[0], values[-1], step=round(step, 9))
    return CategoricalDistribution([_parameter(value) for value in values])
