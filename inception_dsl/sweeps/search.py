"""Searches over the variants of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inception_dsl.build import missing
from inception_dsl.sweeps.sweep import Sweep

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from inception_dsl.sweeps.sampler import FeasibleSampler


def feasible_sampler(sweep: Sweep, sampler: BaseSampler | None = None) -> FeasibleSampler:
    """A sampler for an Optuna study whose trials are variants of a sweep; `sampler` proposes, by default TPE.

    Its `suggest(trial)` gives the variant of a trial. Raises `SpecError` E005 if optuna is not installed, `ValueError`
    for a sweep without variants.
    """
    try:
        from inception_dsl.sweeps.sampler import FeasibleSampler
    except ModuleNotFoundError as error:
        raise missing(error.name or "optuna", "optuna") from None
    return FeasibleSampler(sweep, sampler)
