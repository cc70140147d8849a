"""The evaluation of trained networks with one crop or many, alone or as an ensemble.

`evaluate_file` implements `inception-dsl eval`, `ensemble_files` implements `inception-dsl ensemble`.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import Tensor, nn

from inception_dsl.emit.charts.matrix import NAMED, confusion_svg
from inception_dsl.evaluation import crops, scores
from inception_dsl.evaluation.cache import Predictions, read_predictions, to_npz
from inception_dsl.evaluation.ensemble import ensemble
from inception_dsl.evaluation.output_scores import OutputMeasures, measure_labels, measure_numbers
from inception_dsl.evaluation.predict import predict
from inception_dsl.files.output import write
from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.randomness import permutation
from inception_dsl.runner.base.settings import RunError, check_settings, lookup
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.machine.precision import resolve_precision
from inception_dsl.runner.readers.reader import Reader
from inception_dsl.text.aligned import TextColumn, format_table
from inception_dsl.text.jsonable import finite

__all__ = ["Evaluation", "ensemble_files", "evaluate_file"]

CPU_LIMIT_144: Final = 500
"""Images evaluated with 144 crops on a CPU by default: GoogLeNet takes seconds per image and core."""

PREDICTIONS: Final = "predictions.npz"

MAX_NAMED: Final = 20
"""Unreadable images named on stderr; `unreadable.txt` lists all."""


@dataclass(frozen=True)
class Evaluation:
    """The scores under each protocol, and by class, label or number under the last one; `notes` are for the reader.

    `confusion` has a row for each class and a column for each prediction; None without classes, or with many.
    """

    protocols: dict[str, scores.Measures | OutputMeasures]
    classes: Sequence[scores.Row]
    confused: list[scores.ConfusedPair]
    confusion: list[list[int]] | None
    unreadable: int
    members: list[str]
    notes: list[str]

    def __str__(self) -> str:
        return self.text()

    def text(self, room: int | None = None) -> str:
        """The printed form; its table fits the width `room`."""
        first = next(iter(self.protocols.values()))
        lines = [f"{first.n:,} images" + f", and {self.unreadable:,} unreadable" * bool(self.unreadable)]
        parts = zip(*(measures.cells for measures in self.protocols.values()), strict=True)
        columns = [TextColumn.of([*self.protocols], right=True), *map(TextColumn.of, parts)]
        lines += format_table(columns, gap=2, room=room)
        if self.confused:
            lines += ["", "most confused:"]
            lines += [
                f"  {pair.part:6.1%}  {pair.label} -> {pair.predicted} ({pair.images:,})" for pair in self.confused
            ]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    @property
    def data(self) -> dict[str, Any]:
        """The same for machines."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields["protocols"] = {name: measures.data for name, measures in self.protocols.items()}
        for name in ("classes", "confused"):
            fields[name] = [row._asdict() for row in fields[name]]
        return fields

    @property
    def json(self) -> str:
        """The same as JSON; NaN and infinity are null."""
        return json.dumps(finite(self.data), indent=2, ensure_ascii=False) + "\n"


def evaluate_file(
    network: nn.Module,
    reader: Reader,
    config: Config,
    context: RankContext,
    *,
    protocols: Sequence[str] = ("recipe",),
    limit: int | None = None,
    batch: int = 64,
    out: Path | None = None,
    view: crops.View | None = None,
    show: Callable[[int], object] | None = None,
) -> Evaluation:
    """Evaluate a network on a reader's images, under every protocol in one pass; writes the results to `out`.

    `view` replaces the recipe's. `limit` is the number of images, always the same ones; 144 crops on a CPU take 500
    unless it is given. `show` is called with the number of images that are done. Images that cannot be read
    are named on stderr. Raises `RunError` for what cannot be evaluated,
    and `SpecError` E006 where `out` cannot be written.
    """
    check_settings(config)
    requested = tuple(dict.fromkeys(protocols))
    if not requested or min(batch, 1 if limit is None else limit) < 1:
        raise RunError("an evaluation needs a protocol, and a limit and a batch of at least 1")
    notes = []
    if limit is None and "144" in requested and context.device.type == "cpu" and len(reader) > CPU_LIMIT_144:
        limit = CPU_LIMIT_144
        taken = f"{CPU_LIMIT_144} of {len(reader):,} images, always the same, were taken"
        notes.append(f"144 crops are slow on a CPU: {taken}; use --limit for more")
    count = min(limit or len(reader), len(reader))
    indices = sorted(permutation(0, 0, len(reader))[:count].tolist())
    if {"1", "10", "144"} & {*requested} and config.data.height != 224:
        size, scaled = config.data.height, ", ".join(map(str, crops.crop_scales(config.data.height)))
        notes.append(f"the paper's scales are for an input of 224; for {size} they are {scaled}, in proportion")
    automatic = config.run.precision == "auto"
    config, precision = resolve_precision(config, context)
    notes += [precision] * automatic
    predictions = predict(network, reader, config, context, requested, indices, batch, view, show)
    _warn_unreadable(predictions.unreadable)
    if not len(predictions):
        raise RunError(f"none of {count:,} images could be read; check the data")
    return _evaluation(predictions, notes, out)


def ensemble_files(paths: Sequence[Path], *, out: Path | None = None) -> Evaluation:
    """Evaluate an ensemble from files of predictions, or the folders that hold them; notes give each member's score.

    Raises `RunError` for files that do not match, and `SpecError` E006 if `out` cannot be written.
    """
    files = [path / PREDICTIONS if path.is_dir() else path for path in paths]
    if len({file.resolve() for file in files}) != len(files):
        raise RunError("a file is given twice; give each once")
    members = {str(file): read_predictions(file) for file in files}
    together = ensemble(members)
    notes = [
        f"{name}, {protocol}: {_measure(member, protocol)[0].brief}"
        for name, member in members.items()
        for protocol in together.probabilities
    ]
    return _evaluation(together, notes, out)


def _warn_unreadable(unreadable: Sequence[str]) -> None:
    rest = len(unreadable) - MAX_NAMED
    more = [f"and {rest:,} more; --out writes all to unreadable.txt"] * (rest > 0)
    lines = [f"warning: unreadable: {_one_line(text)}" for text in unreadable[:MAX_NAMED]] + more
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def _one_line(text: str) -> str:
    return " ".join(text.split())


SCORERS: Final[dict[str, Callable[[Tensor, Tensor, list[str]], tuple[Any, Sequence[scores.Row]]]]] = {
    "cross_entropy": scores.measure_classes,
    "bce": measure_labels,
    "mse": measure_numbers,
}
"""The scores of predictions, together and by class, label or number, by the loss of the training."""


def _measure(predictions: Predictions, protocol: str) -> tuple[scores.Measures | OutputMeasures, Sequence[scores.Row]]:
    scorer = lookup(SCORERS, predictions.loss, "the loss")
    return scorer(predictions.probabilities[protocol], predictions.labels, predictions.classes)


def _evaluation(predictions: Predictions, notes: list[str], out: Path | None) -> Evaluation:
    measured, classes = {name: _measure(predictions, name) for name in predictions.probabilities}, predictions.classes
    last, counts = [*predictions.probabilities][-1], None
    if predictions.loss == "cross_entropy":
        counts = scores.confusion(predictions.probabilities[last], predictions.labels)
    most = scores.MANY_CLASSES if len(classes) > scores.MANY_CLASSES else 10
    found = Evaluation(
        protocols={name: measures for name, (measures, _) in measured.items()},
        classes=measured[last][1],
        confused=scores.confused_pairs(counts, classes, most) if counts is not None else [],
        confusion=counts.tolist() if counts is not None and len(classes) <= NAMED else None,
        unreadable=len(predictions.unreadable),
        members=predictions.weights,
        notes=notes,
    )
    if out is not None:
        files = {PREDICTIONS: to_npz(predictions), "scores.json": found.json.encode()}
        files["classes.csv"] = scores.to_csv(found.classes).encode()
        if counts is not None:
            files["confusion.svg"] = confusion_svg("Confusion matrix", classes, scores.cells(counts)).encode()
        if predictions.unreadable:
            files["unreadable.txt"] = "".join(f"{_one_line(text)}\n" for text in predictions.unreadable).encode()
        write(files, out, force=True)
        if not predictions.unreadable:
            (out / "unreadable.txt").unlink(missing_ok=True)  # left by an earlier evaluation
    return found
