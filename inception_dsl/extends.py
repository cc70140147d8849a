"""Spec files read with the files that they extend."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Final

from inception_dsl.diagnostics import Diagnostic, Note, SpecError
from inception_dsl.syntax import source as sources
from inception_dsl.syntax import yaml
from inception_dsl.syntax.document import Document

LONGEST: Final = 20
"""Files in the longest chain that is followed."""

_ABSOLUTE: Final = re.compile(r"[/\\~]|[A-Za-z]:")


def chain(path: str | os.PathLike[str], outside: bool = False) -> list[Document]:
    """Read a spec file, and the files that it extends, the last of which comes first.

    They lie in its folder or below, unless `outside` is true. Raises `SpecError`: E120 for a base that cannot be read,
    or not from here, E121 for files that extend each other.
    """
    paths = [os.fspath(path)]
    documents = [yaml.parse(sources.read(path))]
    while "extends" in documents[-1].data:
        paths.append(_base(documents[-1], paths, outside))
        documents.append(_read(documents[-1], paths[-1]))
    return documents[::-1]


def refuse(document: Document) -> None:
    """Tell that a text that is in no file extends one (E120)."""
    if "extends" in document.data:
        raise _fault(document, "E120", "only a spec in a file can extend another", hint="save it beside its base")


def noted(error: SpecError, document: Document) -> SpecError:
    """Errors of a variant, with a note where a fault stands in a base, which is right without the variant."""
    note = Note(document.value_span(("extends",)), "this variant makes it so")

    def told(each: Diagnostic) -> Diagnostic:
        if not each.span or each.span.source is document.source:
            return each
        hint = "take it out of the variant with `remove: {columns: [...]}`" if each.code == "E115" else each.help
        return replace(each, notes=(*each.notes, note), help=hint)

    return SpecError(map(told, error.diagnostics))


def _base(document: Document, paths: list[str], outside: bool) -> str:
    """The path of the file that the last of some extends; raises `SpecError` where it must not be read."""
    said = document.data["extends"]
    if not isinstance(said, str) or not said.isprintable() or not said.strip():
        raise _fault(document, "E120", "`extends` must be the path of a spec", hint="such as `extends: googlenet.yaml`")
    if _ABSOLUTE.match(said):
        hint = "write it as seen from the folder of this file"
        raise _fault(document, "E120", "the path of a base is a relative one", hint=hint)
    path = os.path.normpath(os.path.join(os.path.dirname(paths[-1]), said))
    folder, real = (os.path.realpath(each) for each in (os.path.dirname(paths[0]) or ".", path))
    if not outside and not real.startswith(os.path.join(folder, "")):
        hint = f"move it there, or allow it with `{OPTION}`"
        raise _fault(document, "E120", f"`{said}` lies outside the folder of `{paths[0]}`", hint=hint)
    chain = " -> ".join(f"`{each}`" for each in [*paths, path])
    if real in map(os.path.realpath, paths):
        raise _fault(document, "E121", f"`{path}` extends itself", chain if len(paths) > 1 else "")
    if len(paths) >= LONGEST:
        raise _fault(
            document, "E121", f"a chain of more than {LONGEST} files", hint="extend a file nearer to its start"
        )
    return path


def _read(document: Document, path: str) -> Document:
    try:
        return yaml.parse(sources.read(path))
    except SpecError as error:
        (first, *_) = error.diagnostics
        if first.span:
            raise
        raise _fault(document, "E120", first.message, hint=first.help) from None


OPTION: Final = "--extend-outside"


def _fault(document: Document, code: str, message: str, label: str = "", hint: str = "") -> SpecError:
    return SpecError([Diagnostic(code, message, document.value_span(("extends",)), label, help=hint)])
