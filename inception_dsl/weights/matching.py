"""Which tensor of a library is which of a network: by canonical order and by name, with every shape checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from inception_dsl.diagnostics.codes.weights import (
    MISSING_TENSOR,
    NON_FINITE_WEIGHTS,
    TENSOR_MISMATCH,
    UNEXPECTED_TENSOR,
    WRONG_NETWORK,
)
from inception_dsl.diagnostics.diagnostic import Diagnostic, Findings, SpecError
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.ir.ops import BatchNorm
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.weights.files import COUNTER
from inception_dsl.weights.names import LIBRARIES, Names
from inception_dsl.weights.wrapping import shown

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

MOST: Final = 6
"""Names that one finding tells."""

MOST_SHAPES: Final = 20
"""Tensors of another shape that each get a finding."""

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
            raise SpecError([Diagnostic(WRONG_NETWORK, f"`{typed.program.file}` has {said}", help=hint)])
    pairs = zip((*rows, *beside), (*names.trunk, *(names.heads if beside else ())), strict=True)
    return Match(
        library, names, {ours: f"{layer}.{ours.rpartition('.')[2]}" for node, layer in pairs for ours in tensors(node)}
    )


def knows(library: str, found: Collection[str]) -> bool:
    """Whether a library has a network that most of some tensors' names are of."""
    return any(_share(names, found) > HALF for names in LIBRARIES[library])


def own(typed: Typed, heads: bool) -> dict[str, str]:
    """The names that a network gives its tensors itself, each by itself."""
    nodes = _layers(typed, (*typed.trunk, *(typed.heads if heads else ())))
    return {name: name for node in nodes for name in tensors(node)}


def tensors(node: Node) -> list[str]:
    """The names of an op's tensors, and of the counter that torch keeps with a batch norm."""
    counter = [f"{'.'.join(node.owner)}.{COUNTER}"] if isinstance(node.op, BatchNorm) else []
    return [*node.weights, *counter]


def taken(
    typed: Typed,
    file: str,
    held: Mapping[str, Array],
    theirs: Mapping[str, str],
    spare: Iterable[str],
    headless: str = "`--no-heads` leaves the heads out",
) -> dict[str, Array]:
    """The tensors of a file under the spec's names, `theirs` being those it has in the file; `spare` may be left over.

    `headless` is what to do where only those of heads are missing.

    Raises `SpecError` with everything that does not fit: E133 what is missing, E134 what is left over, and E135 a shape
    that is not the spec's.
    """
    findings = Findings()
    heads = {name for head in typed.heads for node in typed.of(head) for name in node.weights}
    missing = [ours for ours, name in theirs.items() if name not in held and not ours.endswith(COUNTER)]
    known = {*theirs.values(), *spare}
    left = [name for name in held if name not in known]
    without = headless if heads.issuperset(missing) else ""
    named = [theirs[ours] for ours in missing]
    for code, what, names, hint in (
        (MISSING_TENSOR, "missing in", named, without),
        (UNEXPECTED_TENSOR, "left over in", left, ""),
    ):
        if names:
            findings.error(code, f"{_count(names)} {what} `{file}`: {_some(names)}", help=hint)
    nodes = {name: node for node in typed.nodes for name in node.weights}
    wanted = {ours: typed.weights[ours].shape if ours in typed.weights else () for ours in theirs}
    wrong = [ours for ours, name in theirs.items() if name in held and held[name].shape != wanted[ours]]
    for ours in wrong[:MOST_SHAPES]:
        shape, name = held[theirs[ours]].shape, theirs[ours]
        what = f"`{name}` is {_shape(shape)} in `{file}`, and {_shape(wanted[ours])} by the spec"
        what += f" as `{ours}`" * (name != ours)
        node = nodes.get(ours)
        why = _reason(typed, node, shape, wanted[ours]) if node else ""
        findings.error(TENSOR_MISMATCH, f"{what}{why}", node.origin if node else None)
    if more := wrong[MOST_SHAPES:]:
        names = [theirs[ours] for ours in more]
        findings.error(TENSOR_MISMATCH, f"{len(more):,} more tensors are of another shape in `{file}`: {_some(names)}")
    findings.stop()
    return {ours: held[name] for ours, name in theirs.items() if name in held}


def _reason(typed: Typed, node: Node, held: Sequence[int], wanted: Sequence[int]) -> str:
    """Why a tensor has another shape, where it is the number of classes or the channels of the image."""
    if len(held) != len(wanted) or not held:
        return ""
    classes, channels = typed.program.env["classes"], typed.input.channels
    if wanted[0] == classes and held[0] != wanted[0] and held[1:] == wanted[1:]:
        return f": the file is for {held[0]:,} classes, and the spec for {classes:,}"
    if (
        any(end < 0 for end in node.inputs)
        and wanted[1] == channels
        and held[0] == wanted[0]
        and held[2:] == wanted[2:]
    ):
        return f": the file is for images of {_channels(held[1])}, and the spec for {_channels(wanted[1])}"
    return ""


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - MOST:,} more" if len(names) > MOST else ""
    return ", ".join(map(shown, names[:MOST])) + rest


def check_finite(weights: Mapping[str, Array], file: str) -> None:
    """Raise `SpecError` E136 where weights are infinite or no numbers, which no network computes with."""
    import numpy as np

    wrong = {name: each for name, each in weights.items() if not np.isfinite(each).all()}
    findings = Findings()
    for name in [*wrong][:MOST]:
        nan, infinite = int(np.isnan(wrong[name]).sum()), int(np.isinf(wrong[name]).sum())
        counts = [f"{count:,} {what}" for count, what in ((nan, "NaN"), (infinite, "infinite")) if count]
        findings.error(
            NON_FINITE_WEIGHTS, f"`{name}` in `{file}` has {' and '.join(counts)} of {wrong[name].size:,} values"
        )
    if more := [*wrong][MOST:]:
        findings.error(NON_FINITE_WEIGHTS, f"so have {len(more):,} more tensors of `{file}`: {_some(more)}")
    findings.stop()


def _layers(typed: Typed, rows: Sequence[str]) -> list[Node]:
    return [node for node in typed.of(*rows) if node.weights]


def _choose(library: str, layers: int, found: Collection[str]) -> Names:
    """The network that most of the names are of; or, without any, the one of so many layers."""
    known = LIBRARIES[library]
    shares = {names: _share(names, found) for names in known}
    fitting = [names for names in known if (shares[names] > HALF if found else len(names.trunk) == layers)]
    if not fitting:
        named = f"the file's tensors are called as those of no network of {library} that is known here"
        counted = f"no network of {library} that is known here has {layers} layers with weights, as the spec has"
        hint = f"these are known: {listing(names.name for names in known)}"
        raise SpecError([Diagnostic(WRONG_NETWORK, named if found else counted, help=hint)])
    return max(fitting, key=lambda names: (shares[names], len(names.trunk)))


def _share(names: Names, found: Collection[str]) -> float:
    """The share of a network's layers that some tensors are of."""
    return len({name.rpartition(".")[0] for name in found}.intersection(names.trunk)) / len(names.trunk)


def _count(names: Sequence[str]) -> str:
    return "1 tensor is" if len(names) == 1 else f"{len(names)} tensors are"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a number"
