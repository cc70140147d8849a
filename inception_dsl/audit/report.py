"""An audit as diagnostics, as text, as Markdown and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from inception_dsl.audit import wording
from inception_dsl.audit.audit import Audit
from inception_dsl.audit.effects import Count
from inception_dsl.audit.findings import Finding
from inception_dsl.audit.values import Values
from inception_dsl.diagnostics.codes.audit_structure import UNLIKE, VALUES
from inception_dsl.diagnostics.diagnostic import Diagnostic, Note
from inception_dsl.diagnostics.spelling import counted
from inception_dsl.ir.program import Head, Row
from inception_dsl.text.aligned import TextColumn, format_table
from inception_dsl.text.markdown import code, escaped, table

HEADER: Final = ("row", "deviation", "spec", "target", "places", "parameters", "multiply-adds")

LITTLE: Final = 0.25
"""The share of layers in common below which two networks are unlike, and the deviations are not listed."""


def unlike(audit: Audit) -> bool:
    """Whether the two networks have so little in common that a list of what differs would say nothing."""
    return bool(audit.findings) and audit.in_common < LITTLE


def diagnostics(audit: Audit) -> list[Diagnostic]:
    """Every finding, at its first layer in the spec; other layers of the spec that it concerns are notes.

    The last is the row where the values part. Networks that are unlike have one diagnostic, which says so.
    """
    if unlike(audit):
        hint = "`inception-dsl identify TARGET` looks for the spec that it is"
        return [Diagnostic(UNLIKE, _little(audit), help=hint, file=audit.typed.program.file)]
    return [*(_diagnostic(audit, finding) for finding in audit.findings), *_parted(audit)]


def _parted(audit: Audit) -> Iterator[Diagnostic]:
    """The row where the values part, with the layers that end it on both sides, and what deviates since they agreed."""
    if not audit.values or not (row := audit.values.parted):
        return
    program = audit.typed.program
    parts: tuple[Row | Head, ...] = (*program.rows, *program.heads)
    origin = next((each.origin for each in parts if each.name == row.row), None)
    agree, places = [each.row for each in audit.values.rows if each.equal], (*audit.typed.trunk, *audit.typed.heads)
    since = places[places.index(agree[-1]) + 1 if agree else 0 : places.index(row.row) + 1]
    causes = [wording.sentence(finding) for finding in audit.findings if {*finding.rows} & {*since}]
    hint = f"the structure deviates here: {'; '.join(causes)}" if causes else ""
    label = f"`{row.layer}` here, `{row.found}` in the target"
    yield Diagnostic(VALUES, audit.values.difference, origin, label, (), hint, "" if origin else audit.spec.source)


def _diagnostic(audit: Audit, finding: Finding) -> Diagnostic:
    first = finding.first
    others = {each.origin: each for each in reversed(finding.deviations) if each.origin and each.origin != first.origin}
    notes = [
        Note(origin, wording.label(each)) for origin, each in sorted(others.items(), key=lambda pair: pair[0].line)
    ]
    more = wording.effect(finding.effect)
    hint = f"the target has {more}" if more else ""
    label, file = wording.label(first), audit.spec.source
    return Diagnostic(
        first.code,
        wording.sentence(finding),
        first.origin,
        label,
        tuple(notes[: wording.MOST_ROWS]),
        hint,
        "" if first.origin else file,
    )


def text(audit: Audit, room: int | None = None) -> str:
    """What differs, in a table, and the totals, in lines of at most `room` columns where they can be so short."""
    return "\n".join(_lines(audit, room))


def _lines(audit: Audit, room: int | None) -> Iterator[str]:
    yield f"{audit.typed.program.name} ({audit.spec.source}) against {audit.target.source}"
    yield ""
    if audit.findings and not unlike(audit):
        columns = zip(HEADER, *_rows(audit), strict=True)
        yield from format_table(
            [TextColumn.of(cells, right=i > 3, least=12 if i < 4 else None) for i, cells in enumerate(columns)], 2, room
        )
        yield ""
    yield from verdict(audit)
    yield from (f"Not compared: {note}." for note in audit.notes)


def verdict(audit: Audit) -> list[str]:
    """In sentences, whether the target is the network of the spec, and what both count."""
    values = audit.values.sentences if audit.values else []
    return [*_of_structure(audit), *values]


def _of_structure(audit: Audit) -> list[str]:
    spec, target = audit.totals
    if audit.holds:
        return [f"The target is the network of the spec: {_totals(spec)}."]
    if not audit.findings:
        return [f"Every layer is as in the spec: {_totals(spec)}."]
    places = sum(len(finding.deviations) for finding in audit.findings)
    found = f"{counted(len(audit.findings), 'deviation')} in {counted(places, 'place')}."
    if unlike(audit):
        found = f"{_little(audit)}. Of its deviations, {len(audit.findings)}, `--format json` has the list."
    if spec == target:
        return [found, f"Both have {_totals(spec)}, heads left out."]
    return [found, f"The spec has {_totals(spec)}, heads left out; the target {_totals(target)}."]


def _little(audit: Audit) -> str:
    name, share = audit.typed.program.name, f"{audit.in_common:.0%}"
    return f"`{audit.target.source}` is another network than {name}: {share} of their layers have a counterpart alike"


def _totals(count: Count) -> str:
    return f"{count.params:,} parameters, {count.macs:,} multiply-adds"


def _rows(audit: Audit) -> list[tuple[str, ...]]:
    return [
        (
            wording.rows(finding),
            finding.first.what,
            finding.first.spec,
            finding.first.target,
            str(len(finding.deviations)),
            wording.signed(finding.effect.params),
            wording.signed(finding.effect.macs),
        )
        for finding in audit.findings
    ]


def markdown(audit: Audit) -> str:
    """The same, for a pull request."""
    blocks = [f"## {code(audit.typed.program.name)} against {code(audit.target.source)}", " ".join(verdict(audit))]
    if audit.findings and not unlike(audit):
        blocks.append(table(HEADER, [[*map(escaped, row)] for row in _rows(audit)], 4))
    blocks += [f"Not compared: {escaped(note)}." for note in audit.notes]
    return "\n\n".join(blocks)


def as_data(audit: Audit) -> dict[str, Any]:
    """An audit as JSON values."""
    spec, target = audit.totals
    return {
        "spec": audit.spec.source,
        "target": audit.target.source,
        "holds": audit.holds,
        "in_common": round(audit.in_common, 4),
        "totals": {"spec": spec._asdict(), "target": target._asdict()},
        "findings": [_finding(finding) for finding in audit.findings],
        "notes": [*audit.notes],
        **({"values": _values(audit.values)} if audit.values else {}),
    }


def _values(values: Values) -> dict[str, Any]:
    return {
        "drawn": values.drawn,
        "parted": values.parted.row if values.parted else None,
        "rows": [{**row._asdict(), "found": row.found or None} for row in values.rows],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    first = finding.first
    return {
        "code": first.code,
        "what": first.what,
        "spec": first.spec,
        "target": first.target,
        "effect": finding.effect._asdict(),
        "places": [
            {
                "row": each.row,
                "repetition": each.repetition.number if each.repetition else None,
                "layer": each.layer,
                "found": each.found or None,
                "line": each.origin.line if each.origin else None,
            }
            for each in finding.deviations
        ],
    }
