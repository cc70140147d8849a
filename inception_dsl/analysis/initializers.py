"""Which layers of a network each statement of `init` is about."""

from __future__ import annotations

from collections.abc import Iterator

from inception_dsl.diagnostics.codes.modules import UNDEFINED_NAME
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.diagnostics.spelling import did_you_mean
from inception_dsl.ir.ops import BatchNorm
from inception_dsl.ir.program import Fill
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.spec.init import WORDS


def filled(typed: Typed) -> dict[Fill, tuple[Node, ...]]:
    """The layers that begin as each statement says, in its order; of two about the same layer the longer path wins.

    A path is about the convolutions and fully connected layers below it, and about the batch norm that it names.
    """
    fills = typed.program.init.fills if typed.program.init else ()
    said = {fill.path: fill for fill in fills}
    chosen: dict[Fill, list[Node]] = {fill: [] for fill in fills}
    for node in typed.nodes if fills else ():
        paths = [path for path in _paths(node) if path in said]
        if paths:
            chosen[said[max(paths, key=lambda path: path not in WORDS and path.count(".") + 1)]].append(node)
    return {fill: tuple(nodes) for fill, nodes in chosen.items()}


def _paths(node: Node) -> Iterator[str]:
    """The paths that are about a layer: its word, and what the names of its weights begin with, the shortest first."""
    if node.op.name in WORDS:
        yield node.op.name
    first = len(node.owner) if isinstance(node.op, BatchNorm) else 1
    if node.weights:
        yield from (path for path in _prefixes(node, first) if path not in WORDS)


def _prefixes(node: Node, first: int = 1) -> Iterator[str]:
    return (".".join(node.owner[:length]) for length in range(first, len(node.owner) + 1))


def check_init(typed: Typed) -> None:
    """Raise `SpecError` E206 for each statement of `init` that is about no layer."""
    fills = typed.program.init.fills if typed.program.init else ()
    about = {path for node in typed.nodes for path in _paths(node)} if fills else set()
    missing = [fill for fill in fills if fill.path not in about]
    if not missing:
        return
    findings = Findings()
    known = [*WORDS, *dict.fromkeys(path for node in typed.nodes if node.weights for path in _prefixes(node))]
    for fill in missing:
        message = f"no layer with weights is called `{fill.path}`"
        hint = did_you_mean(fill.path, known)
        hint = hint or "write `conv`, `fc`, `bn`, or what the names of some weights begin with"
        if fill.path in WORDS:
            message, hint = f"the network has no layer `{fill.path}`", "delete the line"
        findings.error(UNDEFINED_NAME, message, fill.origin, help=hint)
    findings.stop()
