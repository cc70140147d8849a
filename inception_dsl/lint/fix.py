"""Lints files, and applies the edits that findings carry."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.edit.edit import Edit, OverlappingEditsError, apply
from inception_dsl.ir.typed import Typed
from inception_dsl.lint.lint import lint
from inception_dsl.lint.rule import Finding
from inception_dsl.spec import loader
from inception_dsl.syntax import source as sources

MOST_ROUNDS: Final = 10
"""The most times that edits are made and the rules run again: one edit may be the cause of another finding."""


class Linted(NamedTuple):
    """A file as it was linted: what was found, the network, and the number of findings that edits put right before."""

    source: Source
    typed: Typed
    findings: tuple[Finding, ...]
    fixed: int = 0


def lint_file(
    path: str | Path,
    codes: Collection[str] | None = None,
    settings: Mapping[str, str] | None = None,
    outside: bool = False,
    read: loader.Read = sources.read,
) -> Linted:
    """Lint a spec file; `codes` are those to report, by default all. Raises `SpecError` where it does not compile."""
    spec = compiler.load(path, settings, outside, read)
    typed = compiler.at_size(compiler.compile_spec(spec))
    return Linted(spec.document.source, typed, lint(spec, typed, codes))


def fix_file(
    path: str | Path,
    codes: Collection[str] | None = None,
    settings: Mapping[str, str] | None = None,
    outside: bool = False,
    read: loader.Read = sources.read,
) -> Linted:
    """Lint a spec file after the edits of its findings, which are made in its text and not in the file.

    The network stays the same: a text that gives another is given up, and so is one that does not compile. Raises
    `SpecError` where the file does not compile.
    """
    best = lint_file(path, codes, settings, outside, read)
    for _ in range(MOST_ROUNDS):
        edits = _compatible(finding.edits for finding in best.findings)
        if not edits:
            break
        text = Source(best.source.file, apply(best.source, edits), best.source.name)

        def edited(file: str, text: Source = text) -> Source:
            return text if file == os.fspath(path) else read(file)

        try:
            after = lint_file(path, codes, settings, outside, edited)
        except SpecError:
            break
        if after.typed.nodes != best.typed.nodes:
            break
        best = after._replace(fixed=best.fixed + len(best.findings) - len(after.findings))
    return best


def _compatible(found: Iterable[tuple[Edit, ...]]) -> list[Edit]:
    """The edits of all findings, except those that replace what earlier ones replace."""
    edits: list[Edit] = []
    for several in found:
        try:
            if several:
                apply(several[0].span.source, [*edits, *several])
                edits += several
        except OverlappingEditsError:
            continue
    return edits
