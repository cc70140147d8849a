"""The comparison of two networks: of what their specs say, of what they compute, and of their weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from inception_dsl.diff.changes import Change, EntryChange, Tensor
from inception_dsl.diff.entries import compare
from inception_dsl.diff.keys import compare_keys
from inception_dsl.diff.sides import Side
from inception_dsl.ir.typed import Typed

TOTALS: Final = ("params", "macs", "depth", "receptive_field", "activations")
"""The numbers that are summed over the trunk, or are those of its end."""


@dataclass(frozen=True)
class Diff:
    """What differs between two networks, `before` and `after`.

    `keys` are those of the spec that differ, apart from its rows and heads; `all_rows` and `all_heads` are in the order
    of `after`, also those that are equal.
    """

    before: Side
    after: Side
    keys: tuple[Change, ...]
    all_rows: tuple[EntryChange, ...]
    all_heads: tuple[EntryChange, ...]

    @cached_property
    def rows(self) -> tuple[EntryChange, ...]:
        """The rows that differ."""
        return tuple(row for row in self.all_rows if row.words)

    @cached_property
    def heads(self) -> tuple[EntryChange, ...]:
        """The heads that differ."""
        return tuple(head for head in self.all_heads if head.words)

    @cached_property
    def entries(self) -> tuple[EntryChange, ...]:
        """The rows and heads that differ."""
        return (*self.rows, *self.heads)

    @property
    def equal(self) -> bool:
        """Whether nothing differs but comments and blanks."""
        return not (self.keys or self.entries)

    @property
    def same_network(self) -> bool:
        """Whether both compute the same values from the same weights, under the same names."""
        before, after = self.before.typed, self.after.typed
        return (before.input, before.nodes, before.ends) == (after.input, after.nodes, after.ends)

    @cached_property
    def totals(self) -> tuple[Change, ...]:
        """The numbers of the whole network, also those that are equal.

        They are those of the trunk, `params` and `macs` with heads too, and `peak_activations`: the most numbers alive
        at once in inference.
        """
        one, other = (_totals(side) for side in (self.before, self.after))
        return tuple(Change(name, one[name], other[name]) for name in one)

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """All tensors of the weights, heads included."""
        return tuple(tensor for entry in (*self.all_rows, *self.all_heads) for tensor in entry.tensors)

    @cached_property
    def loads(self) -> bool:
        """Whether a checkpoint of `before` loads into `after`: every tensor has the same name and shape.

        It is what torch's `load_state_dict(strict=True)` demands, heads included.
        """
        one, other = (_shapes(side.typed) for side in (self.before, self.after))
        return one == other


def diff(before: Side, after: Side) -> Diff:
    """Compare two networks, in time linear in them beyond `align.MOST_PAIRS` pairs of rows or layers."""
    return Diff(
        before,
        after,
        compare_keys(before.spec, after.spec),
        compare(before.rows, after.rows),
        compare(before.heads, after.heads),
    )


def _totals(side: Side) -> dict[str, Any]:
    cost = side.cost
    with_heads = {"params_with_heads": cost.total.params, "macs_with_heads": cost.total.macs}
    return {**{name: getattr(cost.trunk, name) for name in TOTALS}, **with_heads, "peak_activations": cost.peak}


def _shapes(typed: Typed) -> Mapping[str, tuple[int, ...]]:
    return {name: weight.shape for name, weight in typed.weights.items()}
