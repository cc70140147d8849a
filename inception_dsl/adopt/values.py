"""The values of a spec that was adopted, against those of its source."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from inception_dsl.adopt.spec import Adopted
from inception_dsl.adopt.transplant import names_of, transplanted
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE, relative_difference
from inception_dsl.crosscheck.executor import Executor
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.onnx.executor import Onnx, session
from inception_dsl.emit.pytorch.executor import PyTorch
from inception_dsl.interchange.network import Network
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from inception_dsl.interchange.graph import Array, Graph


class Comparison(NamedTuple):
    """How far the outputs of a spec and its source are apart, and how far they move between two images.

    Both are relative to the range of the output. `drawn` says that the weights were drawn, for the source has none.
    """

    apart: float
    moved: float
    drawn: bool

    @property
    def equal(self) -> bool:
        """Whether they are equal."""
        return self.apart <= TOLERANCE

    @property
    def sentence(self) -> str:
        """The result in words."""
        weights = "drawn weights" if self.drawn else "the source's weights"
        if not self.equal:
            return f"with {weights}, the values differ by {self.apart:.1g} of their range; {TOLERANCE:g} is allowed"
        text = f"with {weights}, the values agree" + (
            f": they differ by at most {self.apart:.0e} of their range" if self.apart else " exactly"
        )
        if self.moved < MOVES:
            text += f"; this shows little, because they change by only {self.moved:.0e} between two images"
        return text


def compare(target: Network, spec: Adopted, typed: Typed) -> Comparison:
    """Run both on two images with the source's weights.

    The weights are drawn where it has none, or where its own show little and can be replaced, as those of a module can.
    """
    found = compare_with(target, spec, typed, replace=False)
    if found.equal and found.moved < MOVES and not target.is_file:
        return compare_with(target, spec, typed, replace=True)
    return found


def compare_with(target: Network, spec: Adopted, typed: Typed, replace: bool) -> Comparison:
    """Run both on two images with the source's weights, or with drawn ones if it has none or `replace`."""
    names = names_of(spec, typed)
    weights = None if replace else transplanted(spec.network.graph, typed, names)
    images = probe.images(typed.input.shape, 2, probe.level(typed))
    given: dict[str, Array] = {}
    if weights is None:
        weights, given = drawn_for(spec.network.graph, typed, names)
    theirs = target.run(images, given)
    ours = _run(target, typed, weights, images).reshape(theirs.shape)
    return Comparison(
        relative_difference(ours, theirs, theirs),
        relative_difference(theirs[0], theirs[1], theirs),
        bool(given),
    )


def drawn_for(source: Graph, typed: Typed, names: Mapping[str, str]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Weights in which no error can hide, by the network's names and by the source's; scaled where torch is installed.

    Those that the source computes of others keep its values. Raises `ValueError` where these are not known.
    """
    weights: dict[str, Array] = probe.weights(typed)
    if find_spec("torch"):
        weights = dict(PyTorch(typed).scale(weights))
    given = {theirs: weights[ours] for ours, theirs in names.items() if theirs not in source.computed}
    kept = {ours: theirs for ours, theirs in names.items() if theirs in source.computed}
    if (computed := transplanted(source, typed, kept)) is None:
        raise ValueError("the weights that the source computes have no values")
    return weights | computed, given


def executor(target: Network, typed: Typed) -> Executor:
    """What runs a spec's network row by row, in the system that runs the target."""
    return Onnx(typed) if target.is_file else PyTorch(typed)


def _run(target: Network, typed: Typed, weights: Mapping[str, Array], images: Array) -> Array:
    """The main output of a spec's network, in the system that runs the source."""
    if target.is_file:
        run = session(onnx.model(typed), fused=False)
        return run.run(["logits"], {"input": images, **weights})[0]  # type: ignore[no-any-return]
    network = PyTorch(typed)
    network.load(weights)
    return dict(network.at(typed)(images))[typed.trunk[-1]]
