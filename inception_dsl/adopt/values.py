"""The values of a spec that was adopted, against those of its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from inception_dsl.adopt.spec import Adopted
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE, relative_difference
from inception_dsl.interchange.network import Network
from inception_dsl.interchange.weights import drawn_for, executor, transplanted
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from inception_dsl.interchange.graph import Array


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
    run = executor(target, typed)
    run.load(weights)
    *_, last = (values for row, values in run.at(typed)(images) if row == typed.trunk[-1])
    ours = last.reshape(theirs.shape)
    return Comparison(
        relative_difference(ours, theirs, theirs),
        relative_difference(theirs[0], theirs[1], theirs),
        bool(given),
    )


def names_of(spec: Adopted, typed: Typed) -> dict[str, str]:
    """The source's name of every tensor of a network, by the network's own, for the network compiled from the spec.

    Layers with weights come in one order in both. Raises `ValueError` where they do not.
    """
    graph = spec.network.graph
    theirs = [
        graph.nodes[index]
        for unit in spec.order
        for index in spec.network.units[unit].nodes
        if graph.nodes[index].weights
    ]
    ours = [node for node in typed.nodes if node.op.weights(*node.types)]
    found: dict[str, str] = {}
    for node, other in zip(ours, theirs, strict=True):
        if type(node.op) is not type(other.op):
            raise ValueError(f"`{node.name}` is a {node.op.name}, and `{other.name}` a {other.op.name}")
        for name in node.weights:
            found[name] = other.weights[name.rpartition(".")[2]]
    return found
