"""The pipeline: a spec file is read, elaborated into a program, rewritten by passes, and lowered to a typed graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from inception_dsl.analysis.class_scores import check_class_scores
from inception_dsl.analysis.initializers import check_init
from inception_dsl.analysis.recipe_fit import check_recipe
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.elaborate.elaborate import elaborate
from inception_dsl.ir.program import Program
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.verify import verify
from inception_dsl.lower import lower
from inception_dsl.passes import pipeline
from inception_dsl.spec import loader
from inception_dsl.spec.network import Base, NetworkSpec
from inception_dsl.syntax import source as sources


def compile_source(source: Source, until: str = "") -> Program:
    """Compile a spec given as text; `until` stops after the pass of that name. Raises `SpecError`."""
    return compile_spec(loader.load_source(source, as_base), until)


def compile_file(
    path: str | Path,
    until: str = "",
    settings: Mapping[str, str] | None = None,
    outside: bool = False,
    read: loader.Read = sources.read,
) -> Program:
    """Compile a spec file with some of its settings set; its bases lie in its folder unless `outside` is true.

    Raises `SpecError`.
    """
    return compile_spec(load(path, settings, outside, read), until)


def load(
    path: str | Path,
    settings: Mapping[str, str] | None = None,
    outside: bool = False,
    read: loader.Read = sources.read,
) -> NetworkSpec:
    """Read a spec file, and apply its edits to the files that it extends. Raises `SpecError`."""
    return loader.load(path, as_base, settings, outside, read)


def compile_spec(spec: NetworkSpec, until: str = "") -> Program:
    """Compile a spec that was read. Raises `SpecError`."""
    if until == "elaborate":
        return elaborate(spec)
    if spec.base is None or until:
        return pipeline.run_passes(elaborate(spec), until=until)
    return _typed(spec).program  # a variant keeps the printed numbers that still describe it: it must be lowered


def as_base(spec: NetworkSpec) -> Base:
    """A spec with its network, as the base of variants. Raises `SpecError`."""
    return Base(spec, _typed(spec))


def _typed(spec: NetworkSpec) -> Typed:
    base = spec.base
    if base is None:
        return at_size(pipeline.run_passes(elaborate(spec)))
    from inception_dsl.paper.inherited import inherit

    try:
        typed = at_size(pipeline.run_passes(elaborate(spec)))
        return replace(typed, program=inherit(typed, base.network))
    except SpecError as error:
        raise error if spec.document is base.spec.document else loader.noted(error, spec.document) from None


def at_size(program: Program, image: Pair | None = None) -> Typed:
    """Lower a program and verify the graph, at its own image size or at another height and width.

    Raises `SpecError` where a layer cannot take its input; E206 for an initializer that applies to no layer; E218 where
    a layer has other weights at another size; E221 where a network with `training` does not end in its classes; E222
    where its recipe does not fit it.
    """
    typed = _lowered(program)
    check_init(typed)
    check_class_scores(typed)
    check_recipe(program)
    if image is None or image == typed.input.image:
        return typed
    from inception_dsl.analysis import image_size

    if constraint := image_size.fixed_by(program, image):
        raise SpecError([image_size.describe_constraint(constraint)])
    return _lowered(program, image)


def _lowered(program: Program, image: Pair | None = None) -> Typed:
    try:
        return verify(lower(program, image))
    except SpecError as error:  # a warning may name the cause of the error
        raise SpecError([*error.diagnostics, *program.warnings]) from None
