"""Which network a weight file belongs to: one of a library's, or one of the built-in specs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.files import builtin
from inception_dsl.ir.typed import Typed
from inception_dsl.weights.alike import Shapes, percent, share_of
from inception_dsl.weights.builtin_specs import compiled
from inception_dsl.weights.files import COUNTER
from inception_dsl.weights.matching import match, own_names
from inception_dsl.weights.names.libraries import LIBRARIES
from inception_dsl.weights.names.notation import Names

NEAR: Final = 0.9
"""The least share of tensors that a network has in common with the one that a hint names."""


def hint(typed: Typed, shapes: Shapes, library: str) -> str:
    """Name the network that tensors of these names and shapes belong to; "" if it is `typed` itself or unknown.

    The classifier may have another number of classes. Libraries are tried first, `library` before the others, and first
    the networks that have as many classes.
    """
    if _fits(typed, shapes):
        return ""
    ordered = sorted(LIBRARIES, key=lambda name: name != library)
    named = [(candidate, names) for candidate in ordered for names in networks_with_names(candidate, shapes)]
    for classes in (True, False):
        for candidate, names in named:
            own = names.spec == typed.program.name
            other = typed if own else compiled(names.spec)
            if other and _fits(other, shapes, candidate, classes):
                return "" if own else f"this is {candidate}'s {names.name}: use {_place(typed, names.spec)}"
    for spec in builtin.spec_names():
        other = compiled(spec) if spec != typed.program.name else None
        if other and _fits(other, shapes):
            return f"this is {spec}: use {_place(typed, spec)}"
    return _nearest(typed, shapes)


def _nearest(typed: Typed, shapes: Shapes) -> str:
    """The built-in spec that has nearly all of the tensors, and more than `typed` has."""
    shares = [(share_of(other, shapes), spec) for spec in builtin.spec_names() if (other := compiled(spec))]
    most, spec = max(shares, default=(0.0, ""))
    if most < NEAR or most <= share_of(typed, shapes) or spec == typed.program.name:
        return ""
    return f"{percent(most)} of its tensors have the shapes of {spec}'s: compare it with {_place(typed, spec)}"


def networks_with_names(library: str, names: Collection[str]) -> list[Names]:
    """The networks of a library that have exactly the layers of these tensors, with or without heads."""
    layers = {name.rpartition(".")[0] for name in names}
    return [
        network
        for network in LIBRARIES[library]
        if layers.issuperset(network.trunk) and layers.issubset({*network.trunk, *network.heads})
    ]


def _fits(typed: Typed, shapes: Shapes, library: str = "", classes: bool = False) -> bool:
    """Whether tensors are those of a network, with or without heads; with `classes`, also for as many classes."""
    try:
        theirs = match(typed, library, shapes).theirs if library else own_names(typed, heads=True)
    except SpecError:
        return False
    wanted = {name: typed.weights[ours].shape for ours, name in theirs.items() if ours in typed.weights}
    heads = {theirs[name] for head in typed.heads for node in typed.of(head) for name in node.weights}
    present = {name: shape for name, shape in shapes.items() if not name.endswith(COUNTER)}
    missing = wanted.keys() - present.keys()
    pairs = [(shape, wanted[name]) for name, shape in present.items() if name in wanted]
    compatible = all(shape == other or (not classes and _compatible(shape, other, typed)) for shape, other in pairs)
    return compatible and present.keys() <= wanted.keys() and (not missing or missing == heads)


def _compatible(shape: tuple[int, ...], wanted: tuple[int, ...], typed: Typed) -> bool:
    return wanted[:1] == (typed.program.env["classes"],) and shape[1:] == wanted[1:]


def _place(typed: Typed, spec: str) -> str:
    """Where a spec is: in the folder of a file that `typed` comes from, or built in."""
    files = dict.fromkeys(node.origin.source.file for node in typed.nodes if node.origin)
    local = [path for file in files if (path := Path(file).with_name(f"{spec}.yaml")).is_file()]
    return str(next(iter(local), f"{builtin.PREFIX}{spec}"))
