"""One network as several backends run it, compared: weights first, then row by row at each image size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from inception_dsl.analysis import image_size
from inception_dsl.analysis.cost import cost
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.executor import Executable, Executor, Forward, Shape
from inception_dsl.diagnostics.codes.paper import BACKENDS_DISAGREE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.ir.program import Origin
from inception_dsl.ir.shapes import Pair, sides
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

TOLERANCE: Final = 1e-4
"""The largest difference between two backends that is allowed, relative to the range of the row's or head's values."""

SPREAD: Final = 0.03
"""The least range of values, relative to the largest of them: see `relative_difference`."""

MOVES: Final = 30 * TOLERANCE
"""The smallest change between two images, by the same measure. A row that changes less could hide an error."""


class SizeComparison(NamedTuple):
    """The comparison at one image size: the rows and heads compared, and the largest difference between two backends.

    `difference` is relative to the range of the values of `where`; None if only one backend ran. `constraint` is the
    first layer that has other weights at this size; it is left out with everything after it.
    """

    image: Pair
    compared: tuple[str, ...]
    difference: float | None = None
    where: str = ""
    constraint: image_size.SizeConstraint | None = None


class Comparer:
    """Compares a network with what backends make of it, and collects each disagreement in `findings`."""

    def __init__(self, typed: Typed, batches: Sequence[int]) -> None:
        self.typed = typed
        self.batches = batches
        self.executors: dict[str, Executor] = {}
        self.findings: list[Diagnostic] = []

    def add(self, backend: Executable) -> None:
        """Let a backend emit the network, and compare the weights it emits with the spec's."""
        if backend.executor is None:
            raise TypeError(f"the backend `{backend.name}` gives nothing that runs")
        with self._attempt(backend.name, "cannot read the network"):
            self.executors[backend.name] = executor = backend.executor(self.typed)
            self._compare_weights(backend.name, executor)

    def compare(self, images: Sequence[Pair]) -> tuple[SizeComparison, ...]:
        """Compare all backends at some image sizes. Stops at the first disagreement, which later ones would repeat."""
        if not self.findings:
            self._load(probe.weights(self.typed))
        return tuple(self._compare_at(image) for image in images if not self.findings)

    def _load(self, weights: Mapping[str, Array]) -> None:
        for name, executor in self.executors.items():
            with self._attempt(name, "cannot run the network"):
                weights = executor.scale(weights)
        for name, executor in self.executors.items():
            with self._attempt(name, "cannot run the network"):
                executor.load(weights)

    def _compare_weights(self, backend: str, executor: Executor) -> None:
        """Names, their order, shapes, and the number of parameters."""
        owners = {name: node.origin for node in self.typed.nodes for name in node.weights}
        expected = {name: weight.shape for name, weight in self.typed.weights.items()}
        for name in dict.fromkeys((*expected, *executor.weights)):
            ours, found = expected.get(name), executor.weights.get(name)
            if ours != found:
                shapes = f"{_dims(ours)} by the spec, and {_dims(found)} in {backend}"
                self._report(f"the weight `{name}` is {shapes}", owners.get(name))
        if self.findings:
            return
        if list(expected) != list(executor.weights):
            self._report(f"the weights come in another order in {backend} than in the spec")
        parameters = cost(self.typed).total.params
        if executor.parameters not in (None, parameters):
            found_number = f"{executor.parameters:,} in {backend}"
            self._report(f"the network has {parameters:,} parameters by the spec, and {found_number}")

    def _compare_at(self, image: Pair) -> SizeComparison:
        """Compare every row and head that takes this image size with the network's own weights."""
        program, constraint = self.typed.program, image_size.fixed_by(self.typed.program, image)
        program = image_size.part_at(program, image)
        if not program.rows:
            return SizeComparison(image, (), constraint=constraint)
        part = lower(program, image)
        forwards: dict[str, Forward] = {}
        for name, executor in self.executors.items():
            with self._attempt(name, f"cannot read the network at {sides(image)}"):
                forwards[name] = executor.at(part)
        images = probe.images(part.input.shape, max(2, *self.batches), probe.level(self.typed))
        differences: list[tuple[float, str]] = []
        for batch in self.batches if not self.findings else ():
            differences += self._compare_values(part, forwards, images[:batch])
        if differences and not self.findings:
            first = next(iter(forwards.values()))
            self._check_movement(part, dict(first(images[:2])))
        worst, where = max(differences, default=(None, ""))
        return SizeComparison(image, _names(part), worst, where, constraint)

    def _compare_values(self, part: Typed, forwards: Mapping[str, Forward], images: Array) -> list[tuple[float, str]]:
        """Run every backend on the same images; the largest difference in each row and head, with its name."""
        values = {name: self._run(part, name, forward, images) for name, forward in forwards.items()}
        if self.findings or len(values) < 2:
            return []
        return [
            (self._compare_row(part, row, {name: of[row] for name, of in values.items()}), row) for row in _names(part)
        ]

    def _run(self, part: Typed, backend: str, forward: Forward, images: Array) -> dict[str, Array]:
        """What a backend computes, up to the first shape that is not the spec's: what follows depends on it."""
        values: dict[str, Array] = {}
        size = f"at {sides(part.input.image)} and batch {len(images)}"
        with self._attempt(backend, f"cannot run the network {size}"):
            for name, value in forward(images):
                ours = (len(images), *part.out(name).shape)
                if ours != value.shape:
                    shapes = f"{_dims(ours)} by the spec, and {_dims(value.shape)} in {backend}"
                    self._report(f"`{name}` {size} is {shapes}", _origin(part, name))
                    break
                values[name] = value
        return values

    def _compare_row(self, part: Typed, row: str, values: Mapping[str, Array]) -> float:
        """The largest difference between two backends' values of a row, relative to their range."""
        pairs = {(a, b): relative_difference(values[a], values[b], values[a]) for a, b in combinations(values, 2)}
        # negated comparisons, so that NaN counts as a disagreement
        agreeing = [pair for pair, difference in pairs.items() if difference <= TOLERANCE]
        worst = max(pairs, key=lambda pair: (not pairs[pair] <= TOLERANCE, pairs[pair]))
        if len(agreeing) < len(pairs) and not self.findings:
            message = f"the values of `{row}` at {sides(part.input.image)} differ by {pairs[worst]:.1g} of their range"
            message += f" between {worst[0]} and {worst[1]}; {TOLERANCE:g} is allowed"
            message += "".join(f"; {a} and {b} agree" for a, b in agreeing)
            self._report(message, _origin(part, row))
        return pairs[worst]

    def _check_movement(self, part: Typed, values: Mapping[str, Array]) -> None:
        """Check that every row depends enough on the image for an error to show."""
        for name in _names(part):
            first, second = values[name]
            moved = relative_difference(first, second, values[name])
            if not moved >= MOVES:
                message = f"the comparison of `{name}` at {sides(part.input.image)} shows nothing: between two images"
                message += f" its values change by {moved:.1g} of their range, and {MOVES:g} is needed"
                self._report(message, _origin(part, name))
                return

    @contextmanager
    def _attempt(self, backend: str, failure: str) -> Iterator[None]:
        try:
            yield
        except SpecError as error:
            self.findings += error.diagnostics
        except Exception as error:  # noqa: BLE001 - whatever stops a backend is a finding about it
            (first, *_) = str(error).splitlines() or [type(error).__name__]
            self._report(f"{backend} {failure}: {first}")

    def _report(self, message: str, origin: Origin = None) -> None:
        self.findings.append(Diagnostic(BACKENDS_DISAGREE, message, origin))


def relative_difference(a: Array, b: Array, all_values: Array) -> float:
    """The largest difference, relative to the range of all values; NaN if a value is NaN.

    The range counts as at least `SPREAD` of the largest value: saturated values, as of a sigmoid, lie so close together
    that their rounding is a large part of their range.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        spread = max(np.ptp(all_values), SPREAD * np.abs(all_values).max())
        return float(np.abs(a - b).max() / (spread or 1.0))


def _dims(shape: Shape | None) -> str:
    return "missing" if shape is None else "x".join(map(str, shape))


def _names(part: Typed) -> tuple[str, ...]:
    return (*part.trunk, *part.heads)


def _origin(part: Typed, name: str) -> Origin:
    origins = {row.name: row.origin for row in part.program.rows}
    origins |= {head.name: head.origin for head in part.program.heads}
    return origins[name]
