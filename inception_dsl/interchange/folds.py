"""Batch norms that a tool has folded into the layers before them: how the weights of the two forms belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from inception_dsl.interchange.graph import INPUT, Graph, GraphNode
from inception_dsl.ir.ops.norms import BatchNorm

if TYPE_CHECKING:
    from inception_dsl.interchange.graph import Array


class Fold(NamedTuple):
    """A layer of the spec and the norm after it, which are one layer in the target. Tensors go by their names there."""

    layer: GraphNode
    norm: GraphNode
    target: GraphNode

    @property
    def names(self) -> dict[str, str]:
        """The target's tensors, by the spec's, where the norm adds a bias and does nothing else."""
        pairs = {"weight": self.layer, "bias": self.norm}
        return {node.weights[key]: self.target.weights[key] for key, node in pairs.items() if key in node.weights}

    @property
    def plain(self) -> dict[str, Array]:
        """The spec's other tensors, with which the norm adds a bias and does nothing else."""
        import numpy as np

        width = self.norm.types[0].channels
        numbers = {"weight": 1.0, "running_mean": 0.0, "running_var": 1.0 - _eps(self.norm)}
        tensors = {self.norm.weights[key]: value for key, value in numbers.items() if key in self.norm.weights}
        tensors |= {self.layer.weights["bias"]: 0.0} if "bias" in self.layer.weights else {}
        return {name: np.full(width, value, np.float32) for name, value in tensors.items()}

    def folded(self, weights: Mapping[str, Array]) -> dict[str, Array]:
        """The target's tensors for some weights of the spec."""
        import numpy as np

        given = {key: weights[name] for key, name in self.norm.weights.items()}
        factor = given.get("weight", np.float32(1)) / np.sqrt(given["running_var"] + np.float32(_eps(self.norm)))
        kernel = weights[self.layer.weights["weight"]]
        shift = weights[self.layer.weights["bias"]] if "bias" in self.layer.weights else 0
        return {
            self.target.weights["weight"]: kernel * factor.reshape(-1, *[1] * (kernel.ndim - 1)),
            self.target.weights["bias"]: given.get("bias", 0) + (shift - given["running_mean"]) * factor,
        }


def folds(spec: Graph, target: Graph, pairs: Mapping[int, int]) -> Iterator[tuple[int, Fold]]:
    """The norms of a spec that a target has in the layer before, by their index."""
    for index, norm in enumerate(spec.nodes):
        if not isinstance(norm.op, BatchNorm) or index in pairs or (before := norm.inputs[0]) == INPUT:
            continue
        layer, other = spec.nodes[before], target.nodes[pairs[before]] if before in pairs else None
        if (
            other
            and {"weight", "bias"} == other.weights.keys()
            and layer.op.weights(*layer.types)["weight"] == (other.op.weights(*other.types).get("weight"))
        ):
            yield index, Fold(layer, norm, other)


def _eps(norm: GraphNode) -> float:
    assert isinstance(norm.op, BatchNorm)
    return norm.op.eps
