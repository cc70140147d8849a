"""Where a layer stands in its source: the path of its module, from what the source says or from names of weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from inception_dsl.adopt.units import Unit, Units
from inception_dsl.interchange.graph import GraphNode
from inception_dsl.ir.ops.shaping import Flatten

Path = tuple[str, ...]
"""The path of a module: its parts, outer before inner; empty for the network itself, or for an unknown one."""


def paths_of(network: Units) -> list[Path]:
    """The path of every layer of a network."""
    scoped = any(node.scope for node in network.graph.nodes)
    names = [_split(node) for node in network.graph.nodes]
    scopes = [name[:-1] for name in names if len(name) > 1]
    named, around = bool(scopes), common(scopes)  # where some have scopes, a name without one is that of a layer
    return [_path(network, unit, scoped, named, around) for unit in network.units]


def _path(network: Units, unit: Unit, scoped: bool, named: bool, around: Path) -> Path:
    nodes = [network.graph.nodes[index] for index in unit.nodes]
    if isinstance(unit.ops[0], Flatten) and len(nodes) > 1:  # that of the layer that flattens
        nodes = nodes[1:]
    if unit.joins:
        nodes = nodes[:1]
    if scoped:
        return _parts(nodes[0].scope)
    return next(filter(None, map(_from_weights, nodes)), None) or _from_name(nodes[0], named, around)


def _parts(scope: str) -> Path:
    return tuple(part for part in scope.split(".") if part)


def _from_weights(node: GraphNode) -> Path:
    """The path in the names of a node's weights, as torch writes them: `layer1.0.conv1.weight`."""
    name = next(iter(node.weights.values()), "")
    return _parts(name.rpartition(".")[0]) if re.fullmatch(r"[A-Za-z_][\w.]*\.[a-z_]+", name) else ()


def _split(node: GraphNode) -> Path:
    return tuple(node.name.strip("/").split("/"))


def _from_name(node: GraphNode, named: bool, around: Path) -> Path:
    """The path in the name of a node: `/layer1/layer1.0/relu/Relu` of torch's older exporter, or `mixed0/concat`.

    It leaves out the scopes around all nodes that have some, such as Caffe2's `gpu_0/`.
    """
    name = _split(node)
    *parts, last = (name[: len(around)] == around and name[len(around) :]) or name
    if not parts:
        return (last,) if named else ()
    found: list[str] = []
    for part in parts:
        *_, last = part.split(".")
        found += [last] if found else part.split(".")
    return tuple(found)


def common(paths: Sequence[Path]) -> Path:
    """The path that some have in common."""
    together = takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return tuple(first for first, *_ in together)
