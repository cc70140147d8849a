"""Which tensor of a library is which of a network: by canonical order and by name, with every shape checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from inception_dsl.diagnostics import Diagnostic, Findings, SpecError, listing
from inception_dsl.ir import Node, Typed
from inception_dsl.ops import BatchNorm
from inception_dsl.weights.files import COUNTER
from inception_dsl.weights.names import LIBRARIES, Names

if TYPE_CHECKING:
    from inception_dsl.witness.probe import Array

MOST: Final = 6
"""Names that one finding tells."""

HALF: Final = 0.5
"""A file is not of a network if it has no more than this share of its layers."""


class Match(NamedTuple):
    """A network of a library that a spec is: its own names by the spec's, and the names of the heads it may have."""

    library: str
    names: Names
    theirs: Mapping[str, str]

    @property
    def title(self) -> str:
        """The network as a sentence calls it."""
        return f"{self.library}'s {self.names.name}"


def match(typed: Typed, library: str, found: Collection[str] = (), heads: bool = True) -> Match:
    """Find the network of a library that a spec is, and pair their tensors; `found` are names that a file has.

    Without them, the network is known by how many layers it has. `heads` False leaves heads out. Raises `SpecError`
    E132 where there is none, or where it has other layers than the spec.
    """
    rows = _layers(typed, typed.trunk)
    beside = _layers(typed, typed.heads) if heads else []
    names = _choose(library, len(rows), found)
    for where, ours, theirs, hint in (
        ("rows", rows, names.trunk, "take the spec of that very network"),
        ("heads", beside, names.heads if beside else (), "`--no-heads` leaves them out"),
    ):
        if len(ours) != len(theirs):
            said = f"{len(ours)} layers with weights in its {where}, and {library}'s {names.name} has {len(theirs)}"
            raise SpecError([Diagnostic("E132", f"`{typed.program.file}` has {said}", help=hint)])
    pairs = zip((*rows, *beside), (*names.trunk, *(names.heads if beside else ())), strict=True)
    return Match(
        library, names, {ours: f"{layer}.{ours.rpartition('.')[2]}" for node, layer in pairs for ours in tensors(node)}
    )


def own(typed: Typed, heads: bool) -> dict[str, str]:
    """The names that a network gives its tensors itself, each by itself."""
    nodes = _layers(typed, (*typed.trunk, *(typed.heads if heads else ())))
    return {name: name for node in nodes for name in tensors(node)}


def tensors(node: Node) -> list[str]:
    """The names of an op's tensors, and of the counter that torch keeps with a batch norm."""
    counter = [f"{'.'.join(node.owner)}.{COUNTER}"] if isinstance(node.op, BatchNorm) else []
    return [*node.weights, *counter]


def taken(
    typed: Typed, file: str, held: Mapping[str, Array], theirs: Mapping[str, str], spare: Iterable[str]
) -> dict[str, Array]:
    """The tensors of a file under the spec's names, `theirs` being those it has in the file; `spare` may be left over.

    Raises `SpecError` with everything that does not fit: E133 what is missing, E134 what is left over, and E135 a shape
    that is not the spec's.
    """
    findings = Findings()
    missing = [name for ours, name in theirs.items() if name not in held and not ours.endswith(COUNTER)]
    left = [name for name in held if name not in {*theirs.values(), *spare}]
    for code, what, names in (("E133", "missing in", missing), ("E134", "left over in", left)):
        if names:
            rest = f" and {len(names) - MOST} more" if len(names) > MOST else ""
            findings.error(code, f"{_count(names)} {what} `{file}`: {listing(names[:MOST], ',')}{rest}")
    origins = {name: node.origin for node in typed.nodes for name in node.weights}
    for ours, name in theirs.items():
        wanted = typed.weights[ours].shape if ours in typed.weights else ()
        if name in held and held[name].shape != wanted:
            said = f"{_shape(held[name].shape)} in `{file}`, and `{ours}` is {_shape(wanted)} by the spec"
            findings.error("E135", f"`{name}` is {said}", origins.get(ours))
    findings.stop()
    return {ours: held[name] for ours, name in theirs.items() if name in held}


def _layers(typed: Typed, rows: Sequence[str]) -> list[Node]:
    return [node for node in typed.of(*rows) if node.weights]


def _choose(library: str, layers: int, found: Collection[str]) -> Names:
    """The network that most of the names are of; or, without any, the one of so many layers."""
    known = LIBRARIES[library]
    layered = {name.rpartition(".")[0] for name in found}
    shares = {names: len(layered.intersection(names.trunk)) / len(names.trunk) for names in known}
    fitting = [names for names in known if (shares[names] > HALF if found else len(names.trunk) == layers)]
    if not fitting:
        named = f"the file's tensors are called as those of no network of {library} that is known here"
        counted = f"no network of {library} that is known here has {layers} layers with weights, as the spec has"
        hint = f"these are known: {listing(names.name for names in known)}"
        raise SpecError([Diagnostic("E132", named if found else counted, help=hint)])
    return max(fitting, key=lambda names: (shares[names], len(names.trunk)))


def _count(names: Sequence[str]) -> str:
    return "1 tensor is" if len(names) == 1 else f"{len(names)} tensors are"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a number"
