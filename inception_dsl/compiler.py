"""The whole story: a spec is read, elaborated, rewritten, lowered, held against its paper, and emitted as files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from inception_dsl.analysis.class_scores import check_ends
from inception_dsl.analysis.cost import Cost, cost
from inception_dsl.analysis.initializers import check_init
from inception_dsl.diagnostics.codes.tool import NO_SPEC_FOUND
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError
from inception_dsl.elaborate.elaborate import elaborate
from inception_dsl.files import builtin
from inception_dsl.files.paths import reason, unreadable
from inception_dsl.ir import verify
from inception_dsl.ir.program import Program
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower
from inception_dsl.passes import pipeline
from inception_dsl.spec import loader
from inception_dsl.spec.network import Base, NetworkSpec, read
from inception_dsl.syntax import source as sources
from inception_dsl.syntax import yaml
from inception_dsl.syntax.document import Document

if TYPE_CHECKING:
    from inception_dsl.paper.claims import Examination

_CLAIMS: Final = re.compile(rb"^claims[ \t]*:", re.MULTILINE)


def compile_source(source: Source, until: str = "") -> Program:
    """A spec's text as a program, after the passes (up to and with the one called `until`). Raises `SpecError`."""
    return compile_spec(_varied(loader.chain(yaml.parse(source))), until)


def compile_file(
    path: str | Path, until: str = "", settings: Mapping[str, str] | None = None, outside: bool = False
) -> Program:
    """A spec file as a program, with some of its settings set; its bases lie in its folder unless `outside` is true.

    Raises `SpecError`.
    """
    return compile_spec(load(path, settings, outside), until)


def load(path: str | Path, settings: Mapping[str, str] | None = None, outside: bool = False) -> NetworkSpec:
    """Read a spec file as `compile_file` does. Raises `SpecError`."""
    document = yaml.parse(sources.read(path))
    spec = _varied(loader.chain(document, os.fspath(path), outside))
    if not settings:
        return spec
    from inception_dsl.spec.set_settings import with_settings

    return with_settings(as_base(spec), settings)


def _varied(documents: Sequence[Document]) -> NetworkSpec:
    """What the last of some documents says, each of which extends the one before it. Raises `SpecError`."""
    first, *variants = documents
    spec = read(first)
    if variants:
        from inception_dsl.spec.variants import vary
    nodes = 0
    for document in variants:
        base = as_base(spec)
        nodes += len(base.network.nodes)
        if document is not variants[0] and nodes > loader.MOST_NODES:
            raise loader.too_large(document, nodes)
        try:
            spec = vary(base, document)
        except SpecError as error:
            raise loader.noted(error, document) from None
    return spec


def as_base(spec: NetworkSpec) -> Base:
    """A spec as one that variants are made of. Raises `SpecError`."""
    return Base(spec, at_size(compile_spec(spec)))


def compile_spec(spec: NetworkSpec, until: str = "") -> Program:
    """A spec as a program. Raises `SpecError`."""
    if until == "elaborate":
        return elaborate(spec)
    if spec.base is None or until:
        return pipeline.run(elaborate(spec), until=until)
    from inception_dsl.paper.inherited import inherit

    try:
        return inherit(at_size(pipeline.run(elaborate(spec))), spec.base.network)
    except SpecError as error:
        raise error if spec.document is spec.base.spec.document else loader.noted(error, spec.document) from None


def print_resolved(
    path: str | Path, blame: bool = False, settings: Mapping[str, str] | None = None, outside: bool = False
) -> str:
    """Print a spec file as one that extends no other, `blame` before each line the file and line it was written at.

    Raises `SpecError`.
    """
    from inception_dsl.paper.inherited import resolved
    from inception_dsl.spec import blame as blamed
    from inception_dsl.spec.printer import print_spec

    spec = load(path, settings, outside)
    flat = resolved(spec, compile_spec(spec).published)
    return blamed.print_blamed(flat) if blame else print_spec(flat)


def at_size(program: Program, image: Pair | None = None) -> Typed:
    """A program lowered and verified, at its own size or at another height and width.

    Raises `SpecError` where a layer cannot take what arrives at it; E206 where `init` is about none; E218 where one has
    other weights at another size; E221 where a network that is trained does not end in its classes.
    """
    typed = _lowered(program)
    check_init(typed)
    check_ends(typed)
    if image is None or image == typed.input.image:
        return typed
    from inception_dsl.analysis import image_size

    if constraint := image_size.fixed_by(program, image):
        raise SpecError([image_size.describe(constraint)])
    return _lowered(program, image)


def _lowered(program: Program, image: Pair | None = None) -> Typed:
    """A program lowered and verified; what it warns of may be the cause of what is wrong, and is told with it."""
    try:
        return verify.verify(lower(program, image))
    except SpecError as error:
        raise SpecError([*error.diagnostics, *program.warnings]) from None


def examine(path: str | Path) -> Examination:
    """Hold a file of claims against the specs beside it. Raises `SpecError` where it cannot be read."""
    named = os.fspath(path).startswith(builtin.PREFIX)
    return examine_source(sources.read(path), Path(builtin.PREFIX) if named else Path(path).parent)


def examine_source(source: Source, folder: Path) -> Examination:
    """Hold claims against the specs in a folder; only those that are measured are compiled, each once.

    Raises `SpecError` where the claims cannot be read; what is wrong with a spec is among the findings.
    """
    from inception_dsl.paper import claims
    from inception_dsl.spec.claims import read as read_claims

    sentences = read_claims(yaml.parse(source))
    specs = {spec.stem.removeprefix(builtin.PREFIX): spec for spec in _specs_in(folder)}
    costs: dict[str, Cost] = {}
    faults: list[Diagnostic] = []
    for name in claims.networks(sentences):
        if name in specs:
            try:
                costs[name] = cost(at_size(compile_file(specs[name])))
            except SpecError as error:
                faults += error.diagnostics
    verdicts, findings = claims.examine(sentences, costs, specs)
    return claims.Examination(verdicts, (*faults, *findings))


class Found(NamedTuple):
    """Spec files, files of claims that were named themselves, and what is wrong with the paths that mean neither."""

    specs: list[Path]
    claims: list[Path]
    faults: list[Diagnostic]


def find(paths: Iterable[str | Path]) -> Found:
    """The files that some paths mean; a folder means the `.yaml` files of specs in it, in the order of their names.

    `builtin:` is the folder of the built-in specs, each of which is `builtin:NAME`. The faults are E007 for a folder
    without any, E001 for one that cannot be read.
    """
    found = Found([], [], [])
    for given in paths:
        path = Path(builtin.full(os.fspath(given)))
        if given == "":  # which would be the folder that the command runs in
            found.faults.append(Diagnostic(NO_SPEC_FOUND, "a path is empty", help="name a spec, or a folder of specs"))
            continue
        try:
            specs = _specs_in(path)
        except OSError as error:
            found.faults.extend(unreadable(path, reason(error)).diagnostics)
            continue
        found.specs.extend(specs)
        if not specs and path.is_dir():
            hint = "a spec is a file `<network>.yaml`"
            found.faults.append(Diagnostic(NO_SPEC_FOUND, f"there is no spec in `{path}`", help=hint, file=str(path)))
        elif not specs:
            found.claims.append(path)
    return Found(list(dict.fromkeys(found.specs)), list(dict.fromkeys(found.claims)), found.faults)


def find_specs(paths: Iterable[str | Path]) -> list[Path]:
    """The spec files that some paths mean. Raises `SpecError` with the faults that `find` gives."""
    found = find(paths)
    if found.faults:
        raise SpecError(found.faults)
    return found.specs


def _specs_in(path: Path) -> list[Path]:
    inside = [path]
    if str(path) == builtin.PREFIX:
        inside = [Path(builtin.full(f"{path}{name}")) for name in builtin.names()]
    elif path.is_dir():
        inside = sorted(each for each in path.iterdir() if each.suffix in (".yaml", ".yml") and each.is_file())
    return [file for file in inside if not _holds_claims(file)]


def _holds_claims(file: Path) -> bool:
    """Whether a file's top has the key `claims`, as no spec has."""
    try:
        file = Path(builtin.place(str(file)))
        if not file.is_file():
            return False
        with file.open("rb") as opened:
            return _CLAIMS.search(opened.read(sources.LIMIT)) is not None
    except (OSError, SpecError):
        return False  # told when it is read as a spec
