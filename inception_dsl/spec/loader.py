"""Reads spec files, with the files that they extend and the settings of the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.extends import CIRCULAR_EXTENDS, INVALID_BASE
from inception_dsl.diagnostics.codes.modules import UNDEFINED_NAME
from inception_dsl.diagnostics.codes.syntax import UNUSED_COLUMN
from inception_dsl.diagnostics.diagnostic import Diagnostic, Note, Source, SpecError
from inception_dsl.files import builtin
from inception_dsl.spec.network import Base, NetworkSpec, read
from inception_dsl.syntax import source as sources
from inception_dsl.syntax import yaml
from inception_dsl.syntax.document import Document

LONGEST: Final = 20
"""Files in the longest chain that is followed."""

MOST_NODES: Final = 10_000
"""Operations of all networks in a chain, where one variant extends another: each is worked out for the next."""

_ABSOLUTE: Final = re.compile(r"[/\\~]|[A-Za-z]:")


AsBase = Callable[[NetworkSpec], Base]
"""Compiles a spec, so that a variant can be made of it."""


def load(
    path: str | Path, as_base: AsBase, settings: Mapping[str, str] | None = None, outside: bool = False
) -> NetworkSpec:
    """Read a spec file with some of its settings set; its bases lie in its folder unless `outside` is true.

    Raises `SpecError`.
    """
    spec = _varied(chain(yaml.parse(sources.read(path)), os.fspath(path), outside), as_base)
    if not settings:
        return spec
    from inception_dsl.spec.set_settings import with_settings

    return with_settings(as_base(spec), settings)


def load_source(source: Source, as_base: AsBase) -> NetworkSpec:
    """Read a spec given as text, which may extend built-in specs. Raises `SpecError`."""
    return _varied(chain(yaml.parse(source)), as_base)


def _varied(documents: Sequence[Document], as_base: AsBase) -> NetworkSpec:
    """The spec that the last of some documents makes, each of which extends the one before it. Raises `SpecError`."""
    first, *variants = documents
    spec = read(first)
    if variants:
        from inception_dsl.spec.variants import vary
    nodes = 0
    for document in variants:
        base = as_base(spec)
        nodes += len(base.network.nodes)
        if document is not variants[0] and nodes > MOST_NODES:
            raise _too_large(document, nodes)
        try:
            spec = vary(base, document)
        except SpecError as error:
            raise noted(error, document) from None
    return spec


def chain(document: Document, path: str = "", outside: bool = False) -> list[Document]:
    """A spec after the files that it extends, of which the last comes first; `path` is its own, where it is in a file.

    They lie in its folder or below, unless `outside` is true, or are built in. Raises `SpecError`: E120 for a base that
    cannot be read, or not from here, E121 for files that extend each other.
    """
    paths, documents = [builtin.full(path)], [document]
    while "extends" in documents[-1].data:
        paths.append(_base(documents[-1], paths, outside))
        documents.append(_read(documents[-1], paths[-1]))
    return documents[::-1]


def noted(error: SpecError, document: Document) -> SpecError:
    """Errors of a variant, with a note where a fault stands in a base, which is right without the variant."""
    note = Note(document.value_span(("extends",)), "this variant causes it")
    init = document.root.children.get("init")
    paths = {str(path): child.key for path, child in init.children.items()} if init else {}

    def told(each: Diagnostic) -> Diagnostic:
        if not each.span or each.span.source is document.source:
            return each
        hint = "remove it in the variant with `remove: {columns: [...]}`" if each.code == UNUSED_COLUMN else each.help
        for path, span in paths.items():
            if each.span == span and each.code == UNDEFINED_NAME:
                hint = f"write a complete `init:` in the variant, without `{path}`"
        return replace(each, notes=(*each.notes, note), help=hint)

    return SpecError(map(told, error.diagnostics))


def _base(document: Document, paths: list[str], outside: bool) -> str:
    """The path of the file that the last of some extends; raises `SpecError` where it must not be read."""
    said = document.data["extends"]
    if not isinstance(said, str) or not said.isprintable() or not said.strip():
        raise _fault(
            document,
            INVALID_BASE,
            "`extends` must be the path of a spec",
            hint="write `extends: googlenet.yaml`, for example",
        )
    if _ABSOLUTE.match(said):
        hint = "write it relative to the folder of this file"
        raise _fault(document, INVALID_BASE, "the path of a base must be relative", hint=hint)
    if not (paths[-1] or said.startswith(builtin.PREFIX)):
        hint = f"save it beside its base, or extend a built-in one, such as `{builtin.PREFIX}googlenet.yaml`"
        raise _fault(document, INVALID_BASE, "only a spec in a file can extend another file", hint=hint)
    path = _beside(paths[-1], said)
    real = _real(path, document)
    if not outside and not path.startswith(builtin.PREFIX):
        folder = os.path.realpath(os.path.dirname(paths[0]) or ".")
        if not real.startswith(os.path.join(folder, "")):
            hint = f"move it there, or allow it with `{OPTION}`"
            raise _fault(document, INVALID_BASE, f"`{said}` lies outside the folder of `{paths[0]}`", hint=hint)
    chain = " -> ".join(f"`{each}`" for each in [*paths, path] if each)
    if real in (_real(each, document) for each in paths if each):
        raise _fault(document, CIRCULAR_EXTENDS, f"`{path}` extends itself", chain if len(paths) > 1 else "")
    if len(paths) >= LONGEST:
        raise _fault(
            document,
            CIRCULAR_EXTENDS,
            f"`extends` chains more than {LONGEST} files",
            hint="extend a file nearer to its start",
        )
    return path


def _too_large(document: Document, nodes: int) -> SpecError:
    """The error of a variant whose bases, of which one extends another, are too large together."""
    message = f"the files that this one extends have {nodes:,} layers together; the limit is {MOST_NODES:,}"
    return _fault(document, CIRCULAR_EXTENDS, message, hint="extend a file nearer to the start of the chain")


def _beside(path: str, said: str) -> str:
    """The path of what a file calls `said`: a built-in spec, or a file as seen from its folder."""
    if said.startswith(builtin.PREFIX):
        return builtin.full(said)
    if path.startswith(builtin.PREFIX):
        return f"{builtin.PREFIX}{os.path.normpath(said)}"
    return os.path.normpath(os.path.join(os.path.dirname(path), said))


def _real(path: str, document: Document) -> str:
    """The file that a path means in the end, by way of all links."""
    try:
        return os.path.realpath(builtin.place(path))
    except SpecError as error:
        (unknown,) = error.diagnostics
        raise _fault(document, INVALID_BASE, unknown.message, hint=unknown.help) from None


def _read(document: Document, path: str) -> Document:
    try:
        return yaml.parse(sources.read(path))
    except SpecError as error:
        (first, *_) = error.diagnostics
        if first.span:
            raise
        raise _fault(document, INVALID_BASE, first.message, hint=first.help) from None


OPTION: Final = "--extend-outside"


def _fault(document: Document, code: Code, message: str, label: str = "", hint: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, document.value_span(("extends",)), label, help=hint)])
