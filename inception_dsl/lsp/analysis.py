"""What a text that is being written gives: diagnostics, and a network where it compiles."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar

from inception_dsl import compilation, compiler
from inception_dsl.diagnostics.codes.tool import INTERNAL_ERROR
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError
from inception_dsl.diagnostics.spelling import raised
from inception_dsl.files import builtin
from inception_dsl.lint.lint import lint
from inception_dsl.lint.rule import Finding
from inception_dsl.paper.measurements import Measured, Subject
from inception_dsl.spec import loader
from inception_dsl.spec.network import NetworkSpec

LANGUAGE: Final = "inception-dsl"
"""The language that a client gives to specs which it knows as such; others are YAML with the keys of a spec."""

_KEYS: Final = re.compile(r"^(network|layers|extends|claims)[ \t]*:", re.MULTILINE)
_CLAIMS: Final = re.compile(r"^claims[ \t]*:", re.MULTILINE)

T = TypeVar("T")


@dataclass(frozen=True)
class Analysis:
    """What a spec gives: `spec` if its keys, names and formulas can be read, `build` if it compiles.

    `faults` are its errors and warnings without those of lint, in all files that it reads; `read` are these files.
    """

    faults: tuple[Diagnostic, ...] = ()
    spec: NetworkSpec | None = None
    build: compilation.Build | None = None
    read: frozenset[str] = frozenset()

    @cached_property
    def lint(self) -> tuple[Finding, ...]:
        """What lint finds in a text that compiles."""
        spec, build = self.spec, self.build
        if spec is None or build is None:
            return ()
        found, faults = _attempt(lambda: lint(spec, build.own))
        return (*(found or ()), *map(Finding, faults))

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All diagnostics."""
        return (*self.faults, *(finding.diagnostic for finding in self.lint))


class Networks:
    """The networks that claims measure: each is compiled once, though the claims are written letter by letter.

    `paths` are the files that they were read from.
    """

    def __init__(self, read: loader.Read) -> None:
        self.paths: set[str] = set()
        self._read = read
        self._known: dict[tuple[Path, Subject], Measured | SpecError] = {}

    def measure(self, path: Path, subject: Subject) -> Measured:
        """A spec as a claim measures it. Raises `SpecError`."""
        if (path, subject) not in self._known:
            try:
                self._known[path, subject] = compilation.measured(path, subject, self._recorded)
            except SpecError as error:
                self._known[path, subject] = error
        found = self._known[path, subject]
        if isinstance(found, SpecError):
            raise found
        return found

    def _recorded(self, path: str) -> Source:
        self.paths.add(real(path))
        return self._read(path)


def is_ours(text: str, language: str) -> bool:
    """Whether a text is a spec, or claims: other YAML files get no diagnostics."""
    return language == LANGUAGE or _KEYS.search(text) is not None


def holds_claims(text: str) -> bool:
    """Whether a text is a file of claims."""
    return _CLAIMS.search(text) is not None


def analyse(source: Source, path: str, read: loader.Read, networks: Networks | None = None) -> Analysis:
    """Compile a text whose file, if it has one, is at `path`; `read` reads the other files.

    Claims are compared with `networks`, which keep what earlier texts have measured.
    """
    paths = {real(path)} if path else set()

    def recorded(file: str) -> Source:
        paths.add(real(file))
        return source if file == path else read(file)

    if holds_claims(source.text):
        folder, networks = Path(path).parent, networks or Networks(read)
        examination, faults = _attempt(lambda: compilation.examine_source(source, folder, networks.measure))
        found = (*faults, *(examination.findings if examination else ()))
        return Analysis(_about(found, source), read=frozenset(paths | networks.paths))
    spec, faults = _attempt(
        lambda: compiler.load(path, read=recorded) if path else loader.load_source(source, compiler.as_base)
    )
    build = None
    if spec is not None:
        loaded = spec
        build, faults = _attempt(lambda: compilation.Build(compiler.compile_spec(loaded), path=path))
    if build is not None:
        compiled = build
        findings, faults = _attempt(lambda: compiled.findings)
        faults = (*faults, *(findings or ()))
        build = None if findings is None else build
    return Analysis(_about(faults, source), spec, build, frozenset(paths))


def real(path: str) -> str:
    """The one path of a file by which it is known here, whatever links and names lead to it."""
    try:
        return os.path.realpath(builtin.resolve(path))
    except (SpecError, ValueError):
        return path


def _attempt(action: Callable[[], T]) -> tuple[T | None, tuple[Diagnostic, ...]]:
    """What an action gives, or its errors: what no text should cause is a diagnostic too, and the server goes on."""
    try:
        return action(), ()
    except SpecError as error:
        return None, error.diagnostics
    except Exception as error:  # noqa: BLE001 - see above
        message, hint = f"internal error: {raised(error)}", "please report it, with the spec"
        return None, (Diagnostic(INTERNAL_ERROR, message, help=hint),)


def _about(faults: tuple[Diagnostic, ...], source: Source) -> tuple[Diagnostic, ...]:
    return tuple(fault.about(source.file) for fault in faults)
