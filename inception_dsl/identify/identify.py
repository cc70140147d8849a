"""Which spec a network is, or which is nearest and how the two differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from inception_dsl.audit.audit import Audit, audit
from inception_dsl.audit.report import text as audit_text
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.identify.candidates import at_image, programs
from inception_dsl.interchange.canonical import Canonical, canonical
from inception_dsl.interchange.graph import Graph
from inception_dsl.interchange.network import read_network
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.target import kind_of
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.typed import Typed
from inception_dsl.weights.alike import percent, share, share_of
from inception_dsl.weights.files import read_weights

NEAR: Final = 0.5
"""The least share of layers that a network has in common with the spec that is called the nearest."""


@dataclass(frozen=True)
class Identified:
    """The specs that a network is, or else the nearest, with the share of its layers that both have.

    `folded` says that it is equal once batch norms are folded into the layers before them. `audit` has the
    deviations from the nearest; a file of weights has no layers to compare, but tensors. `left_out` are the files of
    the folder that do not compile to a network.
    """

    target: str
    exact: tuple[str, ...] = ()
    folded: bool = False
    nearest: str = ""
    share: float = 0.0
    of: str = "layers"
    audit: Audit | None = None
    left_out: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """The result in words, with the deviations from the nearest."""
        left_out = [f"left out, as no network compiles from them: {listing(self.left_out)}"] if self.left_out else []
        return [*self._result, *left_out]

    @property
    def _result(self) -> list[str]:
        if self.exact:
            name = listing(self.exact, "or")
            more = "; its batch norms are folded into the layers before them" if self.folded else ""
            same = "holds the tensors of" if self.of == "tensors" else "is the network of"
            return [f"{self.target} {same} {name}{more}"]
        if self.share < NEAR:
            return [f"{self.target} is unlike all specs"]
        found = [
            f"{self.target} is nearest to `{self.nearest}`: {percent(self.share)} of their {self.of} are in common"
        ]
        return [*found, *([audit_text(self.audit)] if self.audit else [])]

    def data(self) -> dict[str, Any]:
        """The result as JSON gives it."""
        edits = [] if self.audit is None else [finding.first for finding in self.audit.findings]
        return {
            "target": self.target,
            "exact": list(self.exact),
            "folded": self.folded,
            "nearest": self.nearest,
            "share": round(self.share, 4),
            "left_out": list(self.left_out),
            "of": self.of,
            "edits": [{"row": each.row, "what": each.what, "spec": each.spec, "target": each.target} for each in edits],
        }


def identify(
    target: str, among: Path | None = None, size: Pair | None = None, arguments: Mapping[str, str] | None = None
) -> Identified:
    """Identify an ONNX file, a module of torch or a file of weights among the built-in specs, or those of a folder.

    Raises `SpecError` for a target that cannot be read.
    """
    if kind_of(target) == "weights":
        shapes = {name: tuple(tensor.shape) for name, tensor in read_weights(Path(target)).tensors.items()}
        return identify_shapes(target, shapes, among)
    network = read_network(target, size, arguments, values=False)
    return identify_graph(target, network.graph, among)


def identify_graph(target: str, graph: Graph, among: Path | None = None) -> Identified:
    """Identify a graph: by its canonical form, else by the layers that it has in common with those of a spec."""
    layers = _layers(canonical(graph))
    wanted: tuple[str, str] | None = None  # few specs are so near that it is asked for
    image = graph.input.image if len(graph.input.shape) == 3 else None
    exact: dict[bool, list[str]] = {False: [], True: []}
    nearest: tuple[float, str, Typed] | None = None
    left_out: list[str] = []
    for name, program in programs(among, left_out):
        typed = at_image(program, graph.input.channels, image)
        if typed is None:
            continue
        other = of_spec(typed)
        common = share(layers, _layers(canonical(other)))
        if nearest is None or common > nearest[0]:
            nearest = common, name, typed
        if common > NEAR:
            wanted = wanted or _digests(graph)
            equal = [one == two for one, two in zip(wanted, _digests(other), strict=True)]
            if any(equal):
                exact[not equal[0]].append(name)
    if exact[False] or exact[True]:
        return Identified(target, tuple(exact[False] or exact[True]), not exact[False], left_out=tuple(left_out))
    if nearest is None:
        return Identified(target, left_out=tuple(left_out))
    common, name, typed = nearest
    found = audit(typed, graph, inference=len(graph.outputs) == 1) if common >= NEAR else None
    return Identified(target, nearest=name, share=common, audit=found, left_out=tuple(left_out))


def identify_shapes(target: str, shapes: Mapping[str, tuple[int, ...]], among: Path | None = None) -> Identified:
    """Identify tensors: by their shapes, whatever their names."""
    exact: list[str] = []
    left_out: list[str] = []
    nearest = 0.0, ""
    for name, program in programs(among, left_out):
        typed = at_image(program, program.input.channels, None)
        if typed is None:
            continue
        nearest = max(nearest, (found := share_of(typed, shapes), name), key=lambda pair: pair[0])
        if found == 1:
            exact.append(name)
    most, name = nearest
    return Identified(target, tuple(exact), nearest=name, share=most, of="tensors", left_out=tuple(left_out))


def _digests(graph: Graph) -> tuple[str, str]:
    """The hashes of a graph, and of that with its batch norms folded; they are the same however joins are nested."""
    return canonical(graph, nested=True).digest, canonical(graph, fold_norms=True, nested=True).digest


def _layers(form: Canonical) -> Counter[Hashable]:
    """The layers of a form, without their order."""
    return Counter((step.kind, step.parameters) for step in form.steps)
