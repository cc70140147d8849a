"""Which files some paths mean: specs, folders of specs, built-in specs and files of claims."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from inception_dsl.diagnostics.codes.tool import NO_SPEC_FOUND
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.files import builtin, folders
from inception_dsl.files.paths import reason, unreadable
from inception_dsl.syntax import source as sources

_CLAIMS: Final = re.compile(rb"^claims[ \t]*:", re.MULTILINE)


class Found(NamedTuple):
    """Spec files, files of claims that were named explicitly, and errors for the paths that are neither."""

    specs: list[Path]
    claims: list[Path]
    faults: list[Diagnostic]


def find_files(paths: Iterable[str | Path], claims: bool = False) -> Found:
    """The files that some paths mean; a folder means the spec files in it and in its folders, by name.

    With `claims`, files of claims are taken for specs.

    `builtin:` is the folder of the built-in specs, each of which is `builtin:NAME`; `builtin:GROUP` is a folder in it.
    The faults are E007 for a folder without specs, E001 for one that cannot be read.
    """
    found = Found([], [], [])
    for given in paths:
        path = Path(builtin.full(os.fspath(given)))
        if given == "":  # `Path("")` is the working folder
            found.faults.append(Diagnostic(NO_SPEC_FOUND, "a path is empty", help="name a spec, or a folder of specs"))
            continue
        try:
            specs = _files_in(path) if claims else specs_in(path)
        except OSError as error:
            found.faults.extend(unreadable(error.filename or path, reason(error)).diagnostics)
            continue
        found.specs.extend(specs)
        if not specs and path.is_dir():
            hint = "a spec is a file `<network>.yaml`"
            found.faults.append(Diagnostic(NO_SPEC_FOUND, f"there is no spec in `{path}`", help=hint, file=str(path)))
        elif not specs:
            found.claims.append(path)
    return Found(list(dict.fromkeys(found.specs)), list(dict.fromkeys(found.claims)), found.faults)


def find_specs(paths: Iterable[str | Path]) -> list[Path]:
    """The spec files that some paths mean. Raises `SpecError` with the faults of `find_files`."""
    found = find_files(paths)
    if found.faults:
        raise SpecError(found.faults)
    return found.specs


def specs_in(path: Path) -> list[Path]:
    """The spec files that one path means; empty for a file of claims. Raises `OSError` for an unreadable folder."""
    return [file for file in _files_in(path) if not _holds_claims(file)]


def find_claims(path: str) -> list[Path]:
    """The files of claims in a folder and in its folders; a file is taken as it is.

    Raises `SpecError`: E001 for a folder that cannot be read, E007 for one without claims.
    """
    try:
        files = _files_in(Path(path))
    except OSError as error:
        raise unreadable(error.filename or path, reason(error)) from None
    if files == [Path(path)]:
        return files
    if found := [file for file in files if _holds_claims(file)]:
        return found
    hint = "a file of claims has the key `claims`"
    raise SpecError([Diagnostic(NO_SPEC_FOUND, f"there is no file of claims in `{path}`", help=hint, file=path)])


def claims_beside(spec: Path) -> list[Path]:
    """The files of claims in the folder of a spec and, in a folder `specs`, in those above it up to that one."""
    if str(spec).startswith(builtin.PREFIX):
        return [file for file in _files_in(Path(builtin.PREFIX)) if _holds_claims(file)]
    above = [*spec.absolute().parents]
    names = [folder.name for folder in above]
    folders = above[: names.index(sources.SPECS) + 1] if sources.SPECS in names else above[:1]
    files = (file for folder in folders for file in sorted(folder.glob("*.y*ml")) if file.is_file())
    return [file for file in files if _holds_claims(file)]


def claims_in(paths: Iterable[str | Path]) -> list[Path]:
    """The files of claims that some paths mean, those in folders included. Raises `SpecError` E001."""
    found: dict[Path, None] = {}
    for path in (Path(builtin.full(os.fspath(given))) for given in paths):
        try:
            found |= dict.fromkeys(file for file in _files_in(path) if _holds_claims(file))
        except OSError as error:
            raise unreadable(error.filename or path, reason(error)) from None
    return list(found)


def _files_in(path: Path) -> list[Path]:
    """The files of a folder that may hold specs or claims; a file alone."""
    if (group := builtin.group_of(str(path))) is not None:
        return [Path(f"{builtin.PREFIX}{name}{builtin.SUFFIX}") for name in builtin.spec_names(group)]
    if not path.is_dir():
        return [path]
    files = (path / name for name in folders.walk(path))
    return [file for file in files if file.suffix in (".yaml", ".yml") and file.is_file()]


def _holds_claims(file: Path) -> bool:
    """Whether a file has the top-level key `claims`, which no spec has."""
    try:
        file = Path(builtin.resolve(str(file)))
        if not file.is_file():
            return False
        with file.open("rb") as opened:
            return _CLAIMS.search(opened.read(sources.MAX_BYTES)) is not None
    except (OSError, SpecError):
        return False  # reported when it is read as a spec
