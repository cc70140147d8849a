"""What the systems say of one network, compared: weights first, then row by row at each image size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from inception_dsl.analysis import image_size
from inception_dsl.analysis.cost import cost
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.systems import SYSTEMS, Run, Shape, System
from inception_dsl.diagnostics.codes.paper import BACKENDS_DISAGREE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.ir.program import Origin
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

TOLERANCE: Final = 1e-4
"""How far values may lie apart, relative to the range of the values of their row or head."""

MOVES: Final = 30 * TOLERANCE
"""How far, at least, they move between two images, by the same measure: what moves less could hide an error."""


class Comparison(NamedTuple):
    """The systems at one image size: the rows and heads compared, and the largest difference between their values.

    `difference` is relative to the range of the values of `where`; None where there was no second system to compare
    with. `constraint` is the first layer that has other weights at this size, and so was left out with what follows it.
    """

    image: Pair
    compared: tuple[str, ...]
    difference: float | None = None
    where: str = ""
    constraint: image_size.SizeConstraint | None = None


class Hearing:
    """Calls systems, compares what they say, and keeps what they disagree on as findings."""

    def __init__(self, typed: Typed, batches: Sequence[int]) -> None:
        self.typed = typed
        self.batches = batches
        self.systems: list[System] = []
        self.findings: list[Diagnostic] = []

    def call(self, name: str) -> None:
        """Let a system read the network, and compare its weights with the spec's."""
        with self._heard(name, "cannot read the network"):
            system = SYSTEMS[name](self.typed)
            self.systems.append(system)
            self._weights(system)

    def compare(self, images: Sequence[Pair]) -> tuple[Comparison, ...]:
        """Compare the systems at some image sizes; nothing is compared after a disagreement, which would repeat it."""
        weights: Mapping[str, Array] = {} if self.findings else probe.weights(self.typed)
        for system in self.systems:
            if not self.findings:
                with self._heard(system.name, "cannot run the network"):
                    weights = system.take(weights)
        return tuple(self._at(image) for image in images if not self.findings)

    def _weights(self, system: System) -> None:
        """Names in their order, shapes, and the number of parameters."""
        owners = {name: node.origin for node in self.typed.nodes for name in node.weights}
        expected = {name: weight.shape for name, weight in self.typed.weights.items()}
        for name in dict.fromkeys((*expected, *system.weights)):
            ours, found = expected.get(name), system.weights.get(name)
            if ours != found:
                said = f"{_dims(ours)} by the spec, and {_dims(found)} in {system.name}"
                self._tell(f"the weight `{name}` is {said}", owners.get(name))
        if self.findings:
            return
        if list(expected) != list(system.weights):
            self._tell(f"the weights come in another order in {system.name} than in the spec")
        parameters = cost(self.typed).total.params
        if system.parameters not in (None, parameters):
            theirs = f"{system.parameters:,} in {system.name}"
            self._tell(f"the network has {parameters:,} parameters by the spec, and {theirs}")

    def _at(self, image: Pair) -> Comparison:
        """Everything that takes this image size with the network's own weights."""
        program, constraint = self.typed.program, image_size.fixed_by(self.typed.program, image)
        program = image_size.part_at(program, image)
        if not program.rows:
            return Comparison(image, (), constraint=constraint)
        part = lower(program, image)
        runs: dict[str, Run] = {}
        for system in self.systems:
            with self._heard(system.name, f"cannot read the network at {show(image)}"):
                runs[system.name] = system.at(part)
        images = probe.images(part.input.shape, max(2, *self.batches), probe.level(self.typed))
        differences = []
        for batch in self.batches if not self.findings else ():
            differences += self._run(part, runs, images[:batch])
        if differences and not self.findings:
            self._moves(part, dict(runs[self.systems[0].name](images[:2])))
        worst, where = max(differences, default=(None, ""))
        return Comparison(image, _names(part), worst, where, constraint)

    def _run(self, part: Typed, runs: Mapping[str, Run], images: Array) -> list[tuple[float, str]]:
        """Run every system on the same images; how far the values of each row and head lie apart, with its name."""
        values = {name: self._read(part, name, run, images) for name, run in runs.items()}
        if self.findings or len(values) < 2:
            return []
        one, other = values.values()
        return [(self._values(part, name, one[name], other[name]), name) for name in _names(part)]

    def _read(self, part: Typed, system: str, run: Run, images: Array) -> dict[str, Array]:
        """What a system computes, as far as its shapes are the spec's: what follows one that is not reads it."""
        values: dict[str, Array] = {}
        size = f"at {show(part.input.image)} and batch {len(images)}"
        with self._heard(system, f"cannot run the network {size}"):
            for name, value in run(images):
                ours = (len(images), *part.out(name).shape)
                if ours != value.shape:
                    said = f"{_dims(ours)} by the spec, and {_dims(value.shape)} in {system}"
                    self._tell(f"`{name}` {size} is {said}", _origin(part, name))
                    break
                values[name] = value
        return values

    def _values(self, part: Typed, name: str, one: Array, other: Array) -> float:
        """How far the two systems' values of a row lie apart, relative to their range."""
        apart = _apart(one, other, one)
        if not apart <= TOLERANCE and not self.findings:  # so written that what is no number fails too
            what = f"the values of `{name}` at {show(part.input.image)} differ by {apart:.1g} of their range"
            systems = " and ".join(system.name for system in self.systems)
            self._tell(f"{what} between {systems}; {TOLERANCE:g} is allowed", _origin(part, name))
        return apart

    def _moves(self, part: Typed, values: Mapping[str, Array]) -> None:
        """Whether every row depends on the image enough for an error to show."""
        for name in _names(part):
            one, other = values[name]
            moved = _apart(one, other, values[name])
            if not moved >= MOVES:
                what = f"nothing can be said of `{name}` at {show(part.input.image)}: between two images"
                moved_by = f"its values move by {moved:.1g} of their range, and {MOVES:g} is needed"
                self._tell(f"{what} {moved_by}", _origin(part, name))
                return

    @contextmanager
    def _heard(self, system: str, failed: str) -> Iterator[None]:
        try:
            yield
        except SpecError as error:
            self.findings += error.diagnostics
        except Exception as error:  # noqa: BLE001 - whatever a system says against the network is a finding
            (first, *_) = str(error).splitlines() or [type(error).__name__]
            self._tell(f"{system} {failed}: {first}")

    def _tell(self, message: str, origin: Origin = None) -> None:
        self.findings.append(Diagnostic(BACKENDS_DISAGREE, message, origin))


def show(image: Pair) -> str:
    """An image size: `224x224`."""
    return f"{image[0]}x{image[1]}"


def _dims(shape: Shape | None) -> str:
    return "missing" if shape is None else "x".join(map(str, shape))


def _apart(one: Array, other: Array, all_values: Array) -> float:
    """The largest difference, relative to the range of all values."""
    import numpy as np

    with np.errstate(all="ignore"):  # a system may compute what is no number; the result then is none either
        return float(np.abs(one - other).max() / (np.ptp(all_values) or 1.0))


def _names(part: Typed) -> tuple[str, ...]:
    return (*part.trunk, *part.heads)


def _origin(part: Typed, name: str) -> Origin:
    origins = {row.name: row.origin for row in part.program.rows}
    origins |= {head.name: head.origin for head in part.program.heads}
    return origins[name]
