"""A trained network from its file of weights, and the class names stored beside it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from inception_dsl.build import build
from inception_dsl.diagnostics.codes.weights import TRAINED_FROM_ANOTHER_SPEC
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.runner.runner import fingerprint, former_fingerprint
from inception_dsl.evaluation.preparation import Preparation, choose_preparation, prepare_as_trained
from inception_dsl.ir.typed import Typed
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.machine.devices import RankContext, rank_context
from inception_dsl.runner.readers.reader import PackedIndex, Reader
from inception_dsl.training.images import open_source
from inception_dsl.training.plan import Plan, weights_file, with_classes
from inception_dsl.weights.files import WeightFile
from inception_dsl.weights.origin import listed_classes
from inception_dsl.weights.transfer import load_weights, preprocessing


class Trained(NamedTuple):
    """A network with its weights, the images to score it on and how they are prepared, and the sentences about both."""

    module: nn.Module
    reader: Reader
    images: Preparation
    context: RankContext
    notes: tuple[str, ...]
    warnings: tuple[Diagnostic, ...]


def trained(plan: Plan, weights: Path, split: str, given: Collection[str], protocol: str | None, spec: str) -> Trained:
    """Read the weights of a plan's network, a file or those of a run's folder, for the images of a split.

    `given` are the settings that the user chose, `protocol` the crops, and `spec` is what the user calls the spec.
    Raises `RunError` for images that cannot be read or have other classes, and `SpecError` for weights of another
    network.
    """
    config, weights = plan.runnable.config(), weights_file(weights)
    listed = next((names for _, names in listed_classes(weights)), ())
    reader = open_source(config, split, listed)
    check_classes(weights, reader.classes, config.data.source)
    (typed, file), here = _with_weights(plan, weights, reader), rank_context()
    if (loss := file.metadata.get("loss", config.loss.name)) != config.loss.name:
        problem = f"was trained with the loss {loss}, but the recipe has {config.loss.name}"
        raise RunError(f"{weights}: {problem}; use the run's spec.yaml, or --set loss.name={loss}")
    if wanted := preprocessing(file, weights):
        images = choose_preparation(wanted, config, spec, given, protocol)
    else:
        images = prepare_as_trained(weights, config, spec, given)
    warnings = filter(None, (other_network(weights, file, plan.typed), images.warning))
    notes = filter(None, (*file.notes, images.sentence))
    return Trained(load_network(typed, file), reader, images, here, tuple(notes), tuple(warnings))


def _with_weights(plan: Plan, weights: Path, reader: Reader) -> tuple[Typed, WeightFile]:
    """The network with as many classes as the data, and its weights.

    Data without names of classes may lack images of the last ones; then the network has the classes of the spec.
    """
    numbers, own = [str(number) for number in range(plan.spec.classes)], reader.classes
    try:
        typed = with_classes(plan.spec, len(own))
        return typed, load_weights(typed, weights, heads=False)
    except SpecError:
        if not (isinstance(reader, PackedIndex) and reader.tells_classes and own == numbers[: len(own)] != numbers):
            raise
        with suppress(SpecError):
            typed = with_classes(plan.spec, len(numbers))
            file = load_weights(typed, weights, heads=False)
            reader.settle_classes(numbers)
            return typed, file
        raise


def load_network(typed: Typed, file: WeightFile) -> nn.Module:
    """The network with its weights, without heads, in the channels-last layout."""
    network = build(pytorch.source(typed), typed.program.name)
    for head in typed.heads:
        delattr(network, head)  # only training runs them
    network.load_state_dict({name: torch.from_numpy(values) for name, values in file.tensors.items()})
    return network.eval().to(memory_format=torch.channels_last)


def other_network(weights: Path, file: WeightFile, typed: Typed) -> Diagnostic | None:
    """W131 if a run wrote the weights for another network than the spec describes."""
    if file.metadata.get("spec") in {None, fingerprint(typed), former_fingerprint(typed)}:
        return None
    message = f"`{weights}` was trained for another network than `{typed.program.file}` describes now"
    hint = "`spec.yaml` in the folder of the run is the spec that it trained"
    return Diagnostic(TRAINED_FROM_ANOTHER_SPEC, message, help=hint, file=str(weights))


def check_classes(weights: Path, classes: Sequence[str], data: str) -> None:
    """Raise `RunError` if a file that a run wrote beside the weights names other classes than the data."""
    for file, named in listed_classes(weights):
        if "\n".join(named) == "\n".join(classes):
            continue
        pairs = enumerate(zip_longest(named, classes, fillvalue=""))
        number, (there, here) = next((number, pair) for number, pair in pairs if len({*pair}) > 1)
        difference = f"class {number} is {there!r}, and in {data} it is {here!r}"
        way = "evaluate on data of the same classes, in the same order"
        raise RunError(f"{file}: names other classes than the data: {difference}; {way}")
