"""What a text that is being written gives: diagnostics, and a network where it compiles."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inception_dsl import compilation, compiler
from inception_dsl.diagnostics.codes.tool import INTERNAL_ERROR
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError
from inception_dsl.files import builtin
from inception_dsl.spec import loader
from inception_dsl.spec.network import NetworkSpec

LANGUAGE: Final = "inception-dsl"
"""The language that a client gives to specs which it knows as such; others are YAML with the keys of a spec."""

_KEYS: Final = re.compile(r"^(network|layers|extends|claims)[ \t]*:", re.MULTILINE)


@dataclass(frozen=True)
class Analysis:
    """The diagnostics of a spec, in all files that it reads (`read`).

    `spec` is what it says, if its keys, names and formulas can be read, and `build` what it gives, if it compiles.
    """

    diagnostics: tuple[Diagnostic, ...]
    spec: NetworkSpec | None
    build: compilation.Build | None
    read: frozenset[str]


def is_ours(text: str, language: str) -> bool:
    """Whether a text is a spec, or claims: other YAML files get no diagnostics."""
    return language == LANGUAGE or _KEYS.search(text) is not None


def analyse(source: Source, path: str, read: loader.Read) -> Analysis:
    """Compile a text whose file, if it has one, is at `path`; `read` reads the other files."""
    paths = {real(path)} if path else set()

    def recorded(file: str) -> Source:
        paths.add(real(file))
        return source if file == path else read(file)

    found: Iterable[Diagnostic]
    spec = build = None
    try:
        if re.search(r"^claims[ \t]*:", source.text, re.MULTILINE):
            found = compilation.examine_source(source, Path(path).parent).findings
        else:
            spec = compiler.load(path, read=recorded) if path else loader.load_source(source, compiler.as_base)
            compiled = compilation.Build(compiler.compile_spec(spec), path=path)
            found, build = compiled.findings, compiled
    except SpecError as error:
        found = error.diagnostics
    except Exception as error:  # noqa: BLE001 - what no text should cause is a diagnostic too, and the server goes on
        what = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
        found = (Diagnostic(INTERNAL_ERROR, f"internal error: {what}", help="please report it, with the spec"),)
    return Analysis(tuple(finding.about(source.file) for finding in found), spec, build, frozenset(paths))


def real(path: str) -> str:
    """The one path of a file by which it is known here, whatever links and names lead to it."""
    try:
        return os.path.realpath(builtin.resolve(path))
    except (SpecError, ValueError):
        return path
