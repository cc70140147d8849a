"""Which layers of a network each initializer of `init` applies to."""

from __future__ import annotations

from collections.abc import Iterator

from inception_dsl.diagnostics.codes.layers import INAPPLICABLE_WORD
from inception_dsl.diagnostics.codes.modules import UNDEFINED_NAME
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.ir.program import Initializer
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.spec.init import DISTRIBUTIONS, LAYER_WORDS


def initializer_targets(typed: Typed) -> dict[Initializer, tuple[Node, ...]]:
    """The layers that each initializer applies to, in the order of the spec; a longer path overrides a shorter one.

    A path covers the convolutions and fully connected layers below it, and the norm, PReLU or `affine` that it names.
    """
    initializers = _initializers(typed)
    by_path = {initializer.path: initializer for initializer in initializers}
    targets: dict[Initializer, list[Node]] = {initializer: [] for initializer in initializers}
    for node in (node for node in typed.nodes if initializers and node.use == 1):
        paths = [path for path in _paths(node) if path in by_path]
        if paths:
            longest = max(paths, key=lambda path: path not in LAYER_WORDS and path.count(".") + 1)
            targets[by_path[longest]].append(node)
    return {initializer: tuple(nodes) for initializer, nodes in targets.items()}


def check_init(typed: Typed) -> None:
    """Raise `SpecError` E206 for each initializer that applies to no layer, E220 for one whose weights have no fan."""
    initializers = _initializers(typed)
    used = {path for node in typed.nodes for path in _paths(node)} if initializers else set()
    unused = [initializer for initializer in initializers if initializer.path not in used]
    findings = Findings()
    for initializer, nodes in initializer_targets(typed).items():
        scale = next((node for node in nodes if _is_scale(node)), None)
        if scale and DISTRIBUTIONS[initializer.distribution].fan:
            message = f"`{initializer.distribution}` counts the inputs of a weight, but `{scale.op.name}` has one"
            hint = "write `constant value=1`, or `normal std=0.01`"
            findings.error(INAPPLICABLE_WORD, message, initializer.origin, help=hint)
    paths = (path for node in typed.nodes if unused and node.weights for path in _prefixes(node))
    known = [*LAYER_WORDS, *dict.fromkeys(paths)]
    for initializer in unused:
        path = initializer.path
        message = f"no layer with weights is called `{path}`"
        hint = did_you_mean(path, known)
        hint = hint or f"write {listing(LAYER_WORDS, ',')}, or a prefix of the names of some weights"
        if path in LAYER_WORDS:
            message, hint = f"the network has no layer `{path}`", "delete the line"
        findings.error(UNDEFINED_NAME, message, initializer.origin, help=hint)
    findings.stop()


def _is_scale(node: Node) -> bool:
    """Whether the weight of a layer is one number for each channel."""
    weight = node.op.weights(*node.types).get("weight")
    return weight is not None and len(weight.shape) == 1


def _initializers(typed: Typed) -> tuple[Initializer, ...]:
    return typed.program.init.initializers if typed.program.init else ()


def _paths(node: Node) -> Iterator[str]:
    """The paths that cover a layer: its word, then the prefixes of its weights' names, the shortest first."""
    if node.op.name in LAYER_WORDS:
        yield node.op.name
    shortest = 1 if node.op.depth else len(node.path)
    if node.weights:
        yield from (path for path in _prefixes(node, shortest) if path not in LAYER_WORDS)


def _prefixes(node: Node, shortest: int = 1) -> Iterator[str]:
    return (".".join(node.path[:length]) for length in range(shortest, len(node.path) + 1))
