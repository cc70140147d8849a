"""Which layers of a network each statement of `init` is about."""

from __future__ import annotations

from collections.abc import Iterator

from inception_dsl.diagnostics import Findings, did_you_mean
from inception_dsl.ir import Fill, Node, Typed
from inception_dsl.ops import BatchNorm
from inception_dsl.spec.init import WORDS


def filled(typed: Typed) -> dict[Fill, tuple[Node, ...]]:
    """The layers that begin as each statement says, in its order; of two about the same layer the longer path wins.

    A path is about the convolutions and fully connected layers below it, and about the batch norm that it names.
    """
    fills = typed.program.init.fills if typed.program.init else ()
    ranked = sorted(fills, key=lambda fill: fill.path not in WORDS and fill.path.count(".") + 1, reverse=True)
    chosen: dict[Fill, list[Node]] = {fill: [] for fill in fills}
    for node in typed.nodes:
        if fill := next((fill for fill in ranked if _about(fill.path, node)), None):
            chosen[fill].append(node)
    return {fill: tuple(nodes) for fill, nodes in chosen.items()}


def _about(path: str, node: Node) -> bool:
    if path in WORDS:
        return node.op.name == path
    owner = ".".join(node.owner)
    return path == owner if isinstance(node.op, BatchNorm) else path in _paths(node) and bool(node.weights)


def _paths(node: Node) -> Iterator[str]:
    """What the names of its weights begin with, the shortest first."""
    return (".".join(node.owner[:length]) for length in range(1, len(node.owner) + 1))


def check_init(typed: Typed) -> None:
    """Raise `SpecError` E206 for each statement of `init` that is about no layer."""
    findings = Findings()
    for fill in typed.program.init.fills if typed.program.init else ():
        if any(_about(fill.path, node) for node in typed.nodes):
            continue
        known = dict.fromkeys(path for node in typed.nodes if node.weights for path in _paths(node))
        message = f"no layer with weights is called `{fill.path}`"
        hint = did_you_mean(fill.path, [*WORDS, *known])
        hint = hint or "write `conv`, `fc`, `bn`, or what the names of some weights begin with"
        if fill.path in WORDS:
            message, hint = f"the network has no layer `{fill.path}`", "delete the line"
        findings.error("E206", message, fill.origin, help=hint)
    findings.stop()
