"""The weights with which a spec's network and its source run: the source's own, or drawn ones."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.executor import Executor
from inception_dsl.emit.onnx.executor import Onnx
from inception_dsl.emit.pytorch.executor import PyTorch
from inception_dsl.interchange.network import Network
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from inception_dsl.interchange.graph import Array, Graph


def transplanted(source: Graph, typed: Typed, names: Mapping[str, str]) -> dict[str, Array] | None:
    """A source's weights by the network's names, in the network's shapes; None where the source has no values.

    `names` gives the source's name of a tensor, by the network's own.
    """
    try:
        return {
            ours: source.tensor(theirs).reshape(typed.weights[ours].shape).astype("float32", copy=False)
            for ours, theirs in names.items()
        }
    except KeyError:
        return None


def drawn_for(source: Graph, typed: Typed, names: Mapping[str, str]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Weights in which no error can hide, by the network's names and by the source's; scaled where torch is installed.

    Those that the source computes of others keep its values, and so do those of a file that takes its other weights as
    inputs. Raises `ValueError` where these are not known.
    """
    weights: dict[str, Array] = probe.weights(typed)
    if find_spec("torch"):
        weights = dict(PyTorch(typed).scale(weights))
    held = {theirs for theirs in names.values() if _has_values(source, theirs)}
    fixed = {*source.computed} | (held if len(held) < len({*names.values()}) else set())
    given = {theirs: weights[ours] for ours, theirs in names.items() if theirs not in fixed}
    kept = {ours: theirs for ours, theirs in names.items() if theirs in fixed}
    if (computed := transplanted(source, typed, kept)) is None:
        raise ValueError("the weights that the source computes have no values")
    return weights | computed, given


def _has_values(source: Graph, name: str) -> bool:
    try:
        source.tensor(name)
    except KeyError:
        return False
    return True


def executor(target: Network, typed: Typed) -> Executor:
    """What runs a spec's network row by row, in the system that runs the target."""
    return Onnx(typed) if target.is_file else PyTorch(typed)
