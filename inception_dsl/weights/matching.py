"""Pair a library's tensors with a network's: by canonical order and by name, with every shape checked."""

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
from inception_dsl.diagnostics.spelling import counted, listing
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.weights.builtin_specs import compiled
from inception_dsl.weights.files import COUNTER
from inception_dsl.weights.names.libraries import LIBRARIES
from inception_dsl.weights.names.notation import Form, Names
from inception_dsl.weights.wrapping import quoted_name

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

MAX_LISTED: Final = 6
"""Names that one finding lists."""

MOST_SHAPES: Final = 20
"""Tensors with a wrong shape that get a finding of their own."""

MIN_SHARE: Final = 0.5
"""A file belongs to a network if it has more than this share of its layers."""


class Match(NamedTuple):
    """The library's network that a spec describes; `theirs` maps the spec's tensor names to the library's.

    `shapes` are the library's of the tensors, by the spec's names, that have other sides of 1 there.
    """

    library: str
    names: Names
    theirs: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]] = {}

    def to_ours(self, typed: Typed, found: Mapping[str, Array]) -> dict[str, Array]:
        """The library's tensors under their names, those of `shapes` with the sides that they have in the spec."""
        reshaped = {
            theirs: found[theirs].reshape(typed.weights[name].shape)
            for name, shape in self.shapes.items()
            if (theirs := self.theirs[name]) in found and found[theirs].shape == shape
        }
        return {**found, **reshaped}

    def to_theirs(self, weights: Mapping[str, Array]) -> dict[str, Array]:
        """The spec's tensors under the library's names and with its sides."""
        return {
            self.theirs[name]: tensor.reshape(self.shapes.get(name, tensor.shape)) for name, tensor in weights.items()
        }

    @property
    def title(self) -> str:
        """The network's name for use in a sentence."""
        return f"{self.library}'s {self.names.name}"


def match(typed: Typed, library: str, found: Collection[str] = (), heads: bool = True) -> Match:
    """Find the library's network that a spec describes, and pair their tensors.

    `found` are the names in a file; without them, the network is found by its number of layers. `heads=False` leaves
    the heads out. Raises `SpecError` E132 if there is no such network, or if its layers differ from the spec's.
    """
    rows = _layers(typed, typed.trunk)
    head_layers = _layers(typed, typed.heads) if heads else []
    names = _choose(library, rows, found)
    for where, ours, theirs, hint in (
        ("rows", rows, names.trunk, f"use a spec of {library}'s {names.name}"),
        ("heads", head_layers, names.heads if head_layers else (), "leave the heads out with `--no-heads`"),
    ):
        if len(ours) != len(theirs):
            counts = f"{len(ours)} layers with weights in its {where}, but {library}'s {names.name} has {len(theirs)}"
            raise SpecError([Diagnostic(WRONG_NETWORK, f"the network `{typed.program.name}` has {counts}", help=hint)])
    pairs = zip((*rows, *head_layers), (*names.trunk, *(names.heads if head_layers else ())), strict=True)
    paired: dict[str, str] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for node, layer in pairs:
        form = names.forms.get(layer, Form())
        for name in tensor_names(node):
            tensor = name.rpartition(".")[2]
            paired[name] = f"{layer}.{form.weight if tensor == 'weight' else tensor}"
            if tensor == "weight" and form.dims:
                shape = node.weights[name].shape
                shapes[name] = (*shape[: form.dims], *(1 for _ in range(form.dims - len(shape))))
    return Match(library, names, paired, shapes)


def recognizes(library: str, found: Collection[str]) -> bool:
    """Whether most layers of one of the library's networks are among these tensor names."""
    return any(_share(names, found) > MIN_SHARE for names in LIBRARIES[library])


def own_names(typed: Typed, heads: bool) -> dict[str, str]:
    """The spec's own tensor names, each mapped to itself."""
    nodes = _layers(typed, (*typed.trunk, *(typed.heads if heads else ())))
    return {name: name for node in nodes for name in tensor_names(node)}


def tensor_names(node: Node) -> list[str]:
    """The names of an op's tensors, with the counter that torch keeps in a batch norm."""
    counter = [f"{'.'.join(node.path)}.{COUNTER}"] if isinstance(node.op, BatchNorm) else []
    return [*node.weights, *counter]


def select_tensors(
    typed: Typed,
    file: str,
    found: Mapping[str, Array],
    theirs: Mapping[str, str],
    optional: Iterable[str],
    heads_hint: str = "leave the heads out with `--no-heads`",
    row_hint: str = "",
) -> dict[str, Array]:
    """Pick a file's tensors by the names in `theirs`, and give them the spec's names.

    Names in `optional` may be left over. `heads_hint` is the help text if only tensors of heads are missing; `row_hint`
    is that of all missing tensors and wrong shapes, with `{row}` for their rows.

    Raises `SpecError` with every problem: E133 for missing tensors, E134 for unexpected tensors, and E135 for shapes
    that differ from the spec's.
    """
    findings = Findings()
    heads = {name for head in typed.heads for node in typed.of(head) for name in node.weights}
    missing = [ours for ours, name in theirs.items() if name not in found and not ours.endswith(COUNTER)]
    known = {*theirs.values(), *optional}
    left = [name for name in found if name not in known]
    nodes = {name: node for node in typed.nodes for name in node.weights}
    help_missing = heads_hint if heads.issuperset(missing) else ""
    if row_hint:
        help_missing = row_hint.format(row=",".join(dict.fromkeys(nodes[ours].row for ours in missing)))
    named = [theirs[ours] for ours in missing]
    for code, what, names, hint in (
        (MISSING_TENSOR, "missing from", named, help_missing),
        (UNEXPECTED_TENSOR, "unexpected in", left, ""),
    ):
        if names:
            findings.error(code, f"{_count(names)} {what} `{file}`: {_some(names)}", help=hint)
    wanted = {ours: typed.weights[ours].shape if ours in typed.weights else () for ours in theirs}
    wrong = [ours for ours, name in theirs.items() if name in found and found[name].shape != wanted[ours]]
    for ours in wrong[:MOST_SHAPES]:
        shape, name = found[theirs[ours]].shape, theirs[ours]
        spec_name = f" (`{ours}`)" * (name != ours)
        what = f"`{name}` is {_shape(shape)} in `{file}`, but {_shape(wanted[ours])} in the spec{spec_name}"
        node = nodes.get(ours)
        why = _reason(typed, node, shape, wanted[ours]) if node else ""
        hint = row_hint.format(row=node.row) if node else ""
        findings.error(TENSOR_MISMATCH, f"{what}{why}", node.origin if node else None, help=hint)
    if more := wrong[MOST_SHAPES:]:
        names = [theirs[ours] for ours in more]
        findings.error(TENSOR_MISMATCH, f"{len(more):,} more tensors in `{file}` have a wrong shape: {_some(names)}")
    findings.stop()
    return {ours: found[name] for ours, name in theirs.items() if name in found}


def _reason(typed: Typed, node: Node, found: Sequence[int], wanted: Sequence[int]) -> str:
    """Why a shape differs, if the number of classes or of image channels explains it; else ""."""
    if len(found) != len(wanted) or not found:
        return ""
    classes, channels = typed.program.env["classes"], typed.input.channels
    if wanted[0] == classes and found[0] != wanted[0] and found[1:] == wanted[1:]:
        return f": the file is for {found[0]:,} classes, the spec for {classes:,}"
    if (
        any(end < 0 for end in node.inputs)
        and wanted[1] == channels
        and found[0] == wanted[0]
        and found[2:] == wanted[2:]
    ):
        theirs, ours = counted(found[1], "channel"), counted(wanted[1], "channel")
        return f": the file is for images with {theirs}, the spec for {ours}"
    return ""


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - MAX_LISTED:,} more" if len(names) > MAX_LISTED else ""
    return ", ".join(map(quoted_name, names[:MAX_LISTED])) + rest


def check_finite(weights: Mapping[str, Array], file: str) -> None:
    """Raise `SpecError` E136 if weights are infinite or NaN."""
    import numpy as np

    wrong = {name: values for name, values in weights.items() if not np.isfinite(values).all()}
    findings = Findings()
    for name in [*wrong][:MAX_LISTED]:
        nan, infinite = int(np.isnan(wrong[name]).sum()), int(np.isinf(wrong[name]).sum())
        counts = [f"{count:,} {what}" for count, what in ((nan, "NaN"), (infinite, "infinite")) if count]
        findings.error(
            NON_FINITE_WEIGHTS, f"`{name}` in `{file}` has {' and '.join(counts)} among {wrong[name].size:,} values"
        )
    if more := [*wrong][MAX_LISTED:]:
        findings.error(NON_FINITE_WEIGHTS, f"the same holds for {len(more):,} more tensors of `{file}`: {_some(more)}")
    findings.stop()


def _layers(typed: Typed, rows: Sequence[str]) -> list[Node]:
    layers = (node for node in typed.of(*rows) if node.weights)
    return [*{node.path: node for node in layers}.values()]  # a layer that is applied again has one set of weights


def _choose(library: str, layers: Sequence[Node], found: Collection[str]) -> Names:
    """The network that has most of the names; without names, one with that number of layers, and of their kinds.

    Of several, such as the ResNets of one depth, it is the one whose layers have most of their shapes.
    """
    known = LIBRARIES[library]
    shares = {names: _share(names, found) for names in known}
    if found:
        fitting = [names for names in known if shares[names] > MIN_SHARE]
    else:
        fitting = [names for names in known if len(names.trunk) == len(layers) and _equal_shapes(names, layers) > 0]
    if not fitting:
        named = f"the file's tensor names match no known network of {library}"
        counted = f"no known network of {library} has {len(layers)} layers with weights, as the spec has"
        hint = f"known networks: {listing(names.name for names in known)}"
        raise SpecError([Diagnostic(WRONG_NETWORK, named if found else counted, help=hint)])
    best = max((shares[names], len(names.trunk)) for names in fitting)
    alike = [names for names in fitting if (shares[names], len(names.trunk)) == best]
    return alike[0] if len(alike) == 1 else max(alike, key=lambda names: _equal_shapes(names, layers))


def _equal_shapes(names: Names, layers: Sequence[Node]) -> int:
    """One more than the layers that have the shapes of a network's; 0 if some are of another kind."""
    network = compiled(names.spec)
    if network is None:
        return 1
    theirs = _layers(network, network.trunk)
    if [*map(_kind, theirs)] != [*map(_kind, layers)]:
        return 0
    return 1 + sum(_shapes(one) == _shapes(other) for one, other in zip(layers, theirs, strict=True))


def _kind(layer: Node) -> list[int] | str:
    """What layers of one kind have in common: the axes of their tensors; batch norms may lack a scale."""
    return layer.op.name if isinstance(layer.op, BatchNorm) else [*map(len, _shapes(layer))]


def _shapes(layer: Node) -> list[tuple[int, ...]]:
    return [weight.shape for weight in layer.weights.values()]


def _share(names: Names, found: Collection[str]) -> float:
    """The share of a network's layers that appear in tensor names."""
    return len({name.rpartition(".")[0] for name in found}.intersection(names.trunk)) / len(names.trunk)


def _count(names: Sequence[str]) -> str:
    return "1 tensor is" if len(names) == 1 else f"{len(names)} tensors are"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a number"
