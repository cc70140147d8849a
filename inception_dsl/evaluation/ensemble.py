"""Ensembles: the mean of several networks' predictions for the same images."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from inception_dsl.evaluation.cache import Predictions
from inception_dsl.runner.base.settings import RunError


def ensemble(members: Mapping[str, Predictions]) -> Predictions:
    """The mean over the members, for the protocols that all of them have.

    Raises `RunError` if they differ in images or classes, have no protocol in common, or if two have the same weights.
    """
    if not members:
        raise RunError("an ensemble needs members: name their prediction files")
    first, reference = next(iter(members.items()))
    seen: dict[str, str] = {}
    for name, member in members.items():
        _check(first, reference, name, member)
        for weights in member.weights:
            if weights in seen:
                raise RunError(f"{seen[weights]} and {name} have the same weights; leave one of them out")
            seen[weights] = name
    shared = [
        protocol
        for protocol in reference.probabilities
        if all(protocol in member.probabilities for member in members.values())
    ]
    if not shared:
        have = "; ".join(f"{name} has {', '.join(member.probabilities)}" for name, member in members.items())
        raise RunError(f"no protocol is common to all files: {have}; evaluate all of them with reference protocol")
    shares = torch.tensor([len(member.weights) for member in members.values()], dtype=torch.float64)
    means = {
        protocol: torch.stack([member.probabilities[protocol].double() for member in members.values()])
        .mul((shares / shares.sum()).view(-1, 1, 1))
        .sum(0)
        .float()
        for protocol in shared
    }
    return Predictions(
        means, reference.labels, reference.names, reference.classes, list(seen), reference.data, loss=reference.loss
    )


def _check(first: str, one: Predictions, name: str, other: Predictions) -> None:
    """Raise `RunError` if two members are not of the same images."""
    if one.classes != other.classes:
        many = f"{len(one.classes)} and {len(other.classes)}"
        spot = next(
            (i for i, pair in enumerate(zip(one.classes, other.classes, strict=False)) if len({*pair}) > 1), None
        )
        difference = (
            f"they have {many}"
            if spot is None
            else f"class {spot} is {one.classes[spot]!r} and {other.classes[spot]!r}"
        )
        raise RunError(f"{first} and {name} differ in classes: {difference}; evaluate both on the same data")
    if one.names != other.names:
        spot = next((i for i, pair in enumerate(zip(one.names, other.names, strict=False)) if len({*pair}) > 1), None)
        difference = (
            f"{len(one)} and {len(other)}"
            if spot is None
            else f"the first is {one.names[spot]!r} and {other.names[spot]!r}"
        )
        raise RunError(f"{first} and {name} differ in images: {difference}; evaluate both on the same images")
    if one.loss != other.loss:
        raise RunError(f"{first} and {name} were trained with different losses: {one.loss} and {other.loss}")
    if one.data != other.data or not torch.equal(one.labels, other.labels):
        raise RunError(
            f"{first} and {name} are evaluated on different data (labels or files differ); use the same data for both"
        )
