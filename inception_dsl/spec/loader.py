"""Loads spec files, with the files that they extend and the settings of the command line."""

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
from inception_dsl.spec.network import Base, NetworkSpec, read_spec
from inception_dsl.syntax import source as sources
from inception_dsl.syntax import yaml
from inception_dsl.syntax.document import Document

MAX_CHAIN: Final = 20
"""The most files in a chain of `extends`."""

MOST_NODES: Final = 10_000
"""The most operations of all networks in a chain of variants, each of which is compiled for the next."""

_ABSOLUTE: Final = re.compile(r"[/\\~]|[A-Za-z]:")


AsBase = Callable[[NetworkSpec], Base]
"""Compiles a spec as the base of a variant."""

Read = Callable[[str], Source]
"""Reads a file by its path: from the disk, or as an editor holds it before it is saved. Raises `SpecError`."""


def load(
    path: str | Path,
    as_base: AsBase,
    settings: Mapping[str, str] | None = None,
    outside: bool = False,
    read: Read = sources.read,
) -> NetworkSpec:
    """Load a spec file, with new values for some settings. Its bases must be in its folder unless `outside` is true.

    Raises `SpecError`.
    """
    file = os.fspath(path)
    spec = _varied(chain(yaml.parse(read(file)), file, outside, read), as_base)
    if not settings:
        return spec
    from inception_dsl.spec.set_settings import with_settings

    return with_settings(as_base(spec), settings)


def load_source(source: Source, as_base: AsBase) -> NetworkSpec:
    """Load a spec given as text, which may extend built-in specs. Raises `SpecError`."""
    return _varied(chain(yaml.parse(source)), as_base)


def _varied(documents: Sequence[Document], as_base: AsBase) -> NetworkSpec:
    """The spec of the last document; each extends the one before it. Raises `SpecError`."""
    first, *variants = documents
    spec = read_spec(first)
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


def chain(document: Document, path: str = "", outside: bool = False, read: Read = sources.read) -> list[Document]:
    """The documents that a spec extends, the base of all first, then the spec; `path` is the spec's, if it has a file.

    Bases must be built in, or in the spec's folder or below unless `outside` is true. Raises `SpecError`: E120 for a
    base that cannot or must not be read, E121 for a cycle or too long a chain.
    """
    paths, documents = [builtin.full(path)], [document]
    while "extends" in documents[-1].data:
        paths.append(_base(documents[-1], paths, outside))
        documents.append(_read(documents[-1], paths[-1], read))
    return documents[::-1]


def noted(error: SpecError, document: Document) -> SpecError:
    """The errors of a variant, with a note on those in a base, which is valid without the variant."""
    note = Note(document.value_span(("extends",)), "this variant causes it")
    init = document.root.children.get("init")
    paths = {str(path): child.key for path, child in init.children.items()} if init else {}

    def with_note(error: Diagnostic) -> Diagnostic:
        if not error.span or error.span.source is document.source:
            return error
        hint = "remove it in the variant with `remove: {columns: [...]}`" if error.code == UNUSED_COLUMN else error.help
        for path, span in paths.items():
            if error.span == span and error.code == UNDEFINED_NAME:
                hint = f"write a complete `init:` in the variant, without `{path}`"
        return replace(error, notes=(*error.notes, note), help=hint)

    return SpecError(map(with_note, error.diagnostics))


def _base(document: Document, paths: list[str], outside: bool) -> str:
    """The path of the base of a document, the last of `paths`; raises `SpecError` if it must not be read."""
    written = document.data["extends"]
    if not isinstance(written, str) or not written.isprintable() or not written.strip():
        raise _fault(
            document,
            INVALID_BASE,
            "`extends` must be the path of a spec",
            hint="write `extends: googlenet.yaml`, for example",
        )
    if _ABSOLUTE.match(written):
        hint = "write it relative to the folder of this file"
        raise _fault(document, INVALID_BASE, "the path of a base must be relative", hint=hint)
    if not (paths[-1] or written.startswith(builtin.PREFIX)):
        hint = f"save it beside its base, or extend a built-in one, such as `{builtin.PREFIX}googlenet.yaml`"
        raise _fault(document, INVALID_BASE, "only a spec in a file can extend another file", hint=hint)
    path = beside(paths[-1], written)
    real = _real(path, document)
    if not outside and not path.startswith(builtin.PREFIX):
        folder = os.path.realpath(os.path.dirname(paths[0]) or ".")
        if not real.startswith(os.path.join(folder, "")):
            hint = f"move it there, or allow it with `{OPTION}`"
            raise _fault(document, INVALID_BASE, f"`{written}` is outside the folder of `{paths[0]}`", hint=hint)
    chain = " -> ".join(f"`{file}`" for file in [*paths, path] if file)
    if real in (_real(file, document) for file in paths if file):
        raise _fault(document, CIRCULAR_EXTENDS, f"`{path}` extends itself", chain if len(paths) > 1 else "")
    if len(paths) >= MAX_CHAIN:
        raise _fault(
            document,
            CIRCULAR_EXTENDS,
            f"`extends` chains more than {MAX_CHAIN} files",
            hint="extend a file nearer to its start",
        )
    return path


def _too_large(document: Document, nodes: int) -> SpecError:
    """The error of a variant whose bases are too large together."""
    message = f"the files that this one extends have {nodes:,} layers together; the limit is {MOST_NODES:,}"
    return _fault(document, CIRCULAR_EXTENDS, message, hint="extend a file nearer to the start of the chain")


def beside(path: str, base: str) -> str:
    """The path of a base as a file names it: a built-in spec, or a file relative to the folder of `path`."""
    if base.startswith(builtin.PREFIX):
        return builtin.full(base)
    if path.startswith(builtin.PREFIX):
        above = os.path.dirname(path.removeprefix(builtin.PREFIX))
        return builtin.full(f"{builtin.PREFIX}{os.path.normpath(os.path.join(above, base))}")
    return os.path.normpath(os.path.join(os.path.dirname(path), base))


def _real(path: str, document: Document) -> str:
    """The path with all symbolic links resolved."""
    try:
        return os.path.realpath(builtin.resolve(path))
    except SpecError as error:
        (unknown,) = error.diagnostics
        raise _fault(document, INVALID_BASE, unknown.message, hint=unknown.help) from None


def _read(document: Document, path: str, read: Read) -> Document:
    try:
        return yaml.parse(read(path))
    except SpecError as error:
        (first, *_) = error.diagnostics
        if first.span:
            raise
        raise _fault(document, INVALID_BASE, first.message, hint=first.help) from None


OPTION: Final = "--extend-outside"


def _fault(document: Document, code: Code, message: str, label: str = "", hint: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, document.value_span(("extends",)), label, help=hint)])
