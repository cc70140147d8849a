"""What fuzzing holds the tool to: a verb gives diagnostics with places that are there, and raises nothing else.

A text stands where a spec stands, `path`, so that a variant finds its base; verbs read it as if it were saved there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from inception_dsl import compilation, compiler
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.codes.tool import INTERNAL_ERROR
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, Span, SpecError
from inception_dsl.diff.data import as_data
from inception_dsl.diff.diff import diff
from inception_dsl.diff.markdown import markdown
from inception_dsl.diff.migration import breaks, migration
from inception_dsl.diff.sides import Side
from inception_dsl.diff.text import text
from inception_dsl.edit.edit import apply
from inception_dsl.formatting.format import format_edits
from inception_dsl.ir.typed import Typed
from inception_dsl.lint.lint import lint
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.syntax import source as sources

ROOT = Path(__file__).parent.parent
GOOGLENET: Final = ROOT / "specs" / "googlenet.yaml"
SPECS: Final = sorted(path for path in ROOT.glob("specs/**/*.yaml") if path.stem != "claims")
UNSAVED: Final = ROOT / "specs" / "unsaved.yaml"
"""Where a text stands that no file has."""

Findings = Sequence[Diagnostic]


def in_file(diagnostic: Diagnostic) -> bool:
    """Whether a diagnostic's places exist."""
    spans = [note.span for note in diagnostic.notes] + ([diagnostic.span] if diagnostic.span else [])
    return all(map(_exists, spans))


def _exists(span: Span) -> bool:
    lines = span.source.lines
    return 1 <= span.line <= len(lines) and 1 <= span.column <= span.end <= len(lines[span.line - 1]) + 2


def answer(verb: str, data: bytes, path: Path = UNSAVED) -> tuple[Diagnostic, ...]:
    """What a verb finds in a file of these bytes; fails where it is wrong about where that is."""
    try:
        found = (*VERBS[verb](sources.decode(data, str(path)), path),)
    except SpecError as error:
        found = error.diagnostics
    assert all(map(in_file, found)), [str(diagnostic.span) for diagnostic in found]
    assert INTERNAL_ERROR not in {diagnostic.code for diagnostic in found}, [diagnostic.message for diagnostic in found]
    assert bool(render.text(found)) == bool(found)
    return found


@lru_cache(maxsize=1)
def _loaded(source: Source, path: Path) -> NetworkSpec:
    return compiler.load(path, read=lambda file: source if file == str(path) else sources.read(file))


@lru_cache(maxsize=1)
def _compiled(source: Source, path: Path) -> Typed:
    return compiler.at_size(compiler.compile_spec(_loaded(source, path)))


def _build(source: Source, path: Path) -> compilation.Build:
    return compilation.Build(_compiled(source, path).program, path=str(path))


def check(source: Source, path: Path) -> Findings:
    """`check`: the errors, the warnings, and what is not as printed."""
    return _build(source, path).findings


def compile_(source: Source, path: Path) -> Findings:
    """`compile`: the files too, of which the PyTorch file is Python, where nothing is wrong."""
    build = _build(source, path)
    if not any(finding.severity == "error" for finding in build.findings):
        compile(build.files[f"{build.program.name}/model.py"], "model.py", "exec")
    return build.findings


def fmt(source: Source, _: Path) -> Findings:
    """`fmt`: a text that is formatted then; that it means the same is tested before it is given."""
    formatted = apply(source, format_edits(source))
    assert format_edits(Source(source.file, formatted)) == []
    return ()


def lint_(source: Source, path: Path) -> Findings:
    """`lint`: of a network that compiles."""
    return [finding.diagnostic for finding in lint(_loaded(source, path), _compiled(source, path))]


def diff_(source: Source, path: Path) -> Findings:
    """`diff`: with the spec that stands there, or with GoogLeNet, in all forms; and with itself."""
    after = Side(_loaded(source, path), _compiled(source, path))
    found = diff(_saved(path if path.exists() else GOOGLENET), after)
    assert text(found)
    assert markdown(found)
    assert as_data(found)
    assert migration(found)
    assert diff(after, after).equal
    return breaks(found)


@cache
def _saved(path: Path) -> Side:
    return Side.load(str(path))


def edit(source: Source, path: Path) -> Findings:
    """The language server: every feature is asked at a place in the text, which need not compile."""
    from lsp_editor import ask_everything, opened

    file = opened(source.text, path)
    line = len(source.text) * 7919 % len(source.lines)
    ask_everything(file, file.files.units.position(file.source, line + 1, len(source.lines[line]) // 2 + 1))
    return file.analysis.diagnostics


VERBS: Final[dict[str, Callable[[Source, Path], Findings]]] = {
    "check": check,
    "compile": compile_,
    "fmt": fmt,
    "lint": lint_,
    "diff": diff_,
    "edit": edit,
}
