"""Which network a file of weights is of, among those of the libraries and of the specs that come with the tool."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.files import builtin
from inception_dsl.ir.typed import Typed
from inception_dsl.weights.files import COUNTER
from inception_dsl.weights.matching import match, own
from inception_dsl.weights.names import LIBRARIES, SPECS

Shapes = Mapping[str, tuple[int, ...]]


def hint(typed: Typed, shapes: Shapes, library: str) -> str:
    """Say of which other network than this one tensors of some names and shapes are; nothing where it is this one.

    A classifier may be of another number of classes. Libraries are asked first, `library` before the others.
    """
    if _fits(typed, shapes):
        return ""
    for each in sorted(LIBRARIES, key=lambda name: name != library):
        name = of_library(each, shapes)
        spec = SPECS[each].get(name, "")
        if spec and spec != typed.program.name and (other := _compiled(spec)) and _fits(other, shapes, each):
            return f"this is {each}'s {name}: {_place(typed, spec)}"
    for spec in builtin.names():
        other = _compiled(spec) if spec != typed.program.name else None
        if other and _fits(other, shapes):
            return f"this is {spec}: {_place(typed, spec)}"
    return ""


def of_library(library: str, names: Collection[str]) -> str:
    """The network of a library whose layers are exactly those of some tensors, its heads or not; "" if none is."""
    layers = {name.rpartition(".")[0] for name in names}
    return next(
        (
            each.name
            for each in LIBRARIES[library]
            if layers.issuperset(each.trunk) and layers.issubset({*each.trunk, *each.heads})
        ),
        "",
    )


@cache
def _compiled(spec: str) -> Typed | None:
    try:
        return compiler.at_size(compiler.compile_file(f"{builtin.PREFIX}{spec}"))
    except SpecError:
        return None  # it is no spec, or not there: a hint less


def _fits(typed: Typed, shapes: Shapes, library: str = "") -> bool:
    """Whether the tensors are those of a network, up to its number of classes, with its heads or without."""
    try:
        theirs = match(typed, library, shapes).theirs if library else own(typed, heads=True)
    except SpecError:
        return False
    wanted = {name: typed.weights[ours].shape for ours, name in theirs.items() if ours in typed.weights}
    heads = {theirs[name] for head in typed.heads for node in typed.of(head) for name in node.weights}
    held = {name: shape for name, shape in shapes.items() if not name.endswith(COUNTER)}
    lacking = wanted.keys() - held.keys()
    alike = all(_alike(shape, wanted[name], typed) for name, shape in held.items() if name in wanted)
    return alike and held.keys() <= wanted.keys() and (not lacking or lacking == heads)


def _alike(held: tuple[int, ...], wanted: tuple[int, ...], typed: Typed) -> bool:
    return held == wanted or (wanted[:1] == (typed.program.env["classes"],) and held[1:] == wanted[1:])


def _place(typed: Typed, spec: str) -> str:
    """Where a spec is: beside one of those that make the network, or built in."""
    files = dict.fromkeys(node.origin.source.file for node in typed.nodes if node.origin)
    beside = [each for file in files if (each := Path(file).with_name(f"{spec}.yaml")).is_file()]
    return str(next(iter(beside), f"{builtin.PREFIX}{spec}"))
