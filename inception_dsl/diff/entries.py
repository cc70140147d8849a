"""Compares rows and heads: their cells, the numbers printed and computed, their layers and weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from inception_dsl.analysis.cost import RowCost
from inception_dsl.diff.align import Alignment, Part, align
from inception_dsl.diff.changes import EntryChange, LayerChange, Tensor, changes
from inception_dsl.diff.sides import Entry, Layer
from inception_dsl.elaborate.printer import print_layer
from inception_dsl.lower import INPUT
from inception_dsl.weights.matching import tensor_names

NUMBERS: Final = ("output", "params", "macs", "depth", "activations", "receptive_field", "stride")
"""What is computed of a row or head, as docs/json.md names it."""


IndexPair = tuple[int | None, int | None]
"""The indices of a part in two sequences; None where one side has none."""


class Partners(NamedTuple):
    """The last nodes of the layers that both sides have: those of one side by those of the other, and as a set."""

    after: Mapping[int, int]
    all_after: frozenset[int]


def numbers(cost: RowCost) -> dict[str, Any]:
    """What is computed of a row or head, by name."""
    return {name: cost.out if name == "output" else getattr(cost, name) for name in NUMBERS}


def compare(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[EntryChange, ...]:
    """Compare the rows of two networks, or their heads, in the order of `after`; all of them, also equal ones."""
    alignment = align([entry.part for entry in before], [entry.part for entry in after])
    pairs = _merged(alignment, len(before), len(after))
    entries = [(None if i is None else before[i], None if j is None else after[j]) for i, j in pairs]
    layers = [_layer_pairs(one, other) for one, other in entries]
    partners = {INPUT: INPUT, **{a.end: b.end for found in layers for a, b in found if a and b}}
    both = Partners(partners, frozenset(partners.values()))
    return tuple(
        _compared(one, other, (_follows(before, i), _follows(after, j)), (i, j) in alignment.moved, found, both)
        for (i, j), (one, other), found in zip(pairs, entries, layers, strict=True)
    )


def _follows(entries: Sequence[Entry], index: int | None) -> str | None:
    """The name of the entry before another; None for the first."""
    return entries[index - 1].name if index else None


def _merged(alignment: Alignment, before: int, after: int) -> list[IndexPair]:
    """All indices of two sequences, in the order of the second; what only the first has follows its neighbour there."""
    partner = dict(alignment.pairs)
    first = {j: i for i, j in alignment.pairs}
    merged: list[tuple[tuple[int, int], IndexPair]] = [((j, -1), (first.get(j), j)) for j in range(after)]
    last = -1
    for i in range(before):
        if i not in partner:
            merged.append(((last, i), (i, None)))
        elif (i, partner[i]) not in alignment.moved:
            last = partner[i]
    return [pair for _, pair in sorted(merged, key=lambda found: found[0])]


def _layer_pairs(before: Entry | None, after: Entry | None) -> list[tuple[Layer | None, Layer | None]]:
    """The layers of two entries, aligned."""
    one, other = before.layers if before else (), after.layers if after else ()
    found = align(*([Part(layer.name, layer.ops) for layer in layers] for layers in (one, other)))
    pairs = _merged(found, len(one), len(other))
    return [(None if i is None else one[i], None if j is None else other[j]) for i, j in pairs]


def _compared(
    before: Entry | None,
    after: Entry | None,
    follows: tuple[str | None, str | None],
    moved: bool,
    layers: Sequence[tuple[Layer | None, Layer | None]],
    partners: Partners,
) -> EntryChange:
    either = before or after
    assert either
    cells = changes(*({} if entry is None else entry.cells for entry in (before, after)))
    printed = changes(*({} if entry is None else entry.printed for entry in (before, after)))
    changed = tuple(_changed_layers(before, after, layers, partners))
    computed = changes(*({} if entry is None else numbers(entry.cost) for entry in (before, after)))
    redefined = changed and before and after and before.definition != after.definition
    return EntryChange(
        either.kind,
        before.name if before else None,
        after.name if after else None,
        follows,
        moved,
        cells,
        printed,
        changed,
        computed,
        tuple(tensor for pair in layers for tensor in _tensors(*pair)),
        (before.arrives if before else None, after.arrives if after else None),
        edited=bool(cells or redefined or (printed and not computed)),
    )


def _changed_layers(
    before: Entry | None,
    after: Entry | None,
    pairs: Sequence[tuple[Layer | None, Layer | None]],
    partners: Partners,
) -> Iterator[LayerChange]:
    if before is None or after is None:
        return
    for one, other in pairs:
        reads = None
        if one and other:
            ends = (one.nodes[0].inputs, before.source), (other.nodes[0].inputs, after.source)
            reads = (one.reads, other.reads) if _reads_others(*ends, partners) else None
            if not reads and (one.name, one.ops) == (other.name, other.ops):
                continue
        texts = print_layer(one.ops) if one else None, print_layer(other.ops) if other else None
        yield LayerChange(one.name if one else None, other.name if other else None, texts, reads)


Inputs = tuple[tuple[int, ...], int]
"""The nodes that a layer reads, and the one that arrives at its row."""


def _reads_others(before: Inputs, after: Inputs, partners: Partners) -> bool:
    """Whether a layer reads other values, all of which both sides have.

    One that reads a new layer, or no longer reads one that is gone, is not changed itself.
    """
    (old, source), (new, other_source) = before, after
    after_of, known = partners
    if len(old) != len(new):
        return after_of.keys() >= {*old} and known >= {*new}
    return any(
        i in after_of and j in known and after_of[i] != j and (i, j) != (source, other_source)
        for i, j in zip(old, new, strict=True)
    )


def _tensors(before: Layer | None, after: Layer | None) -> Iterator[Tensor]:
    """The tensors of a pair of layers; those of one operation and kind are paired."""
    one, other = (_own_tensors(layer) if layer else {} for layer in (before, after))
    for kind in {**one, **other}:
        (old, shape), (new, other_shape) = one.get(kind, (None, None)), other.get(kind, (None, None))
        yield Tensor(old, new, (shape, other_shape))


def _own_tensors(layer: Layer) -> dict[tuple[str, str], tuple[str, tuple[int, ...]]]:
    """The names and shapes of a layer's tensors, by operation and kind; none where it is applied again."""
    return {
        (node.op.name, name.rpartition(".")[2]): (name, node.weights[name].shape if name in node.weights else ())
        for node in layer.nodes
        if node.use == 1
        for name in tensor_names(node)
    }
