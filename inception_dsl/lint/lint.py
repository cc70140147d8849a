"""Runs the rules of lint on a compiled network."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from inception_dsl.diagnostics.diagnostic import Diagnostic, Note, Span
from inception_dsl.ir.typed import Typed
from inception_dsl.lint import table
from inception_dsl.lint.ignores import INVALID_IGNORE, UNUSED_IGNORE, read_ignores, unused
from inception_dsl.lint.rule import Finding, Rule
from inception_dsl.lint.subject import Subject
from inception_dsl.spec.network import NetworkSpec

Found = Mapping[tuple[str, Span | None], Finding]
"""Findings by code and place, one for each."""


def lint(spec: NetworkSpec, typed: Typed, codes: Collection[str] | None = None) -> tuple[Finding, ...]:
    """What the rules find in a spec and its network, `typed` at its own image size, in the order of the file.

    `codes` are those to report, by default all. Findings about a file that the spec extends belong to that file: of
    those, only what the variant adds is reported, at its `extends`. Findings that a comment ignores are left out.
    """
    chosen = table.selected() if codes is None else codes
    rules = [rule for rule in table.rules() if rule.code in chosen]
    found = list(_own(spec, typed, rules))
    ignores, findings = read_ignores(spec.document.source, table.codes())
    kept: list[Finding] = []
    used: set[tuple[int, str]] = set()
    for finding in found:
        covering = [ignore for ignore in ignores if ignore.covers(finding.diagnostic)]
        used.update((ignore.span.line, finding.diagnostic.code) for ignore in covering)
        kept += [] if covering else [finding]
    kept += findings if INVALID_IGNORE in chosen else []
    kept += unused(ignores, used, {rule.code for rule in rules}) if UNUSED_IGNORE in chosen else []
    return tuple(sorted(kept, key=_place))


def _own(spec: NetworkSpec, typed: Typed, rules: Sequence[Rule]) -> Iterator[Finding]:
    """The findings about a spec's own file, and at its `extends` those that it causes in another."""
    source = spec.document.source
    base = spec.base
    while base and base.spec.document.source is source:  # the spec with the values of its settings before `--set`
        base = base.spec.base
    before = _run(Subject(*base), rules) if base else {}
    for key, finding in _run(Subject(spec, typed), rules).items():
        span = finding.diagnostic.span
        if span is None or span.source is source:
            edits = finding.edits if all(edit.span.source is source for edit in finding.edits) else ()
            yield Finding(finding.diagnostic, edits)
        elif key not in before:
            yield Finding(_at_extends(finding.diagnostic, span, spec))


def _run(subject: Subject, rules: Iterable[Rule]) -> Found:
    found: dict[tuple[str, Span | None], Finding] = {}
    for rule in rules:
        for finding in rule.check(subject):
            found.setdefault((rule.code, finding.diagnostic.span), finding)
    return found


def _at_extends(diagnostic: Diagnostic, span: Span, spec: NetworkSpec) -> Diagnostic:
    place = spec.document.value_span(("extends",))
    return replace(diagnostic, span=place, label="", notes=(Note(span, diagnostic.label or "here"), *diagnostic.notes))


def _place(finding: Finding) -> tuple[int, int, str]:
    span = finding.diagnostic.span
    return (span.line, span.column, finding.diagnostic.code) if span else (0, 0, finding.diagnostic.code)
