"""A variant of a sweep: values of its settings, and what the network costs with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from inception_dsl.analysis.cost import RowCost
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.values import Scalar

if TYPE_CHECKING:
    from inception_dsl.sweeps.costs import CompiledCost
    from inception_dsl.sweeps.plan import PlanCost


class Variant(NamedTuple):
    """Values of the axes, by name, and the cost of the network: its `trunk`, and its `rows` and heads by name.

    >>> import inception_dsl as idsl
    >>> small, large = idsl.sweep("builtin:mobilenet_v1", {"width": [0.5, 1.0]})
    >>> small.settings, small.params, small.macs
    ({'width': 0.5}, 1331592, 149497088)
    """

    names: tuple[str, ...]
    values: tuple[Scalar | Pair, ...]
    cost: PlanCost | CompiledCost

    @property
    def settings(self) -> dict[str, Scalar]:
        """The values of its settings."""
        return {
            name: value for name, value in zip(self.names, self.values, strict=True) if not isinstance(value, tuple)
        }

    @property
    def size(self) -> Pair | None:
        """The height and width of its image; None where the sweep does not vary them."""
        return next((value for value in self.values if isinstance(value, tuple)), None)

    @property
    def params(self) -> int:
        """Trained parameters of the rows, without heads."""
        return self.cost.trunk.params

    @property
    def macs(self) -> int:
        """Multiply-adds of the rows, for one example."""
        return self.cost.trunk.macs

    @property
    def activations(self) -> int:
        """Numbers that the rows write in training, for one example."""
        return self.cost.trunk.activations

    @property
    def rows(self) -> Mapping[str, RowCost]:
        """The costs of its rows and heads, by name."""
        return self.cost.rows

    def data(self) -> dict[str, Any]:
        """The variant for machines."""
        trunk = self.cost.trunk
        return {
            "settings": self.settings,
            "size": list(self.size) if self.size else None,
            "params": trunk.params,
            "macs": trunk.macs,
            "activations": trunk.activations,
            "depth": trunk.depth,
            "receptive_field": list(trunk.receptive_field),
        }


def shown(value: Scalar | Pair) -> str:
    """A value as a command line has it: a size is `224` or `224x320`."""
    if isinstance(value, tuple):
        return str(value[0]) if value[0] == value[1] else "x".join(map(str, value))
    return str(value)
