"""What a spec says beside its layers: its paper, the places of its training settings, where its heads leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inception_dsl.diagnostics.codes.modules import UNKNOWN_HEAD_ROW
from inception_dsl.diagnostics.codes.syntax import DUPLICATE_NAME
from inception_dsl.diagnostics.diagnostic import Findings, Note, Span
from inception_dsl.diagnostics.spelling import did_you_mean
from inception_dsl.ir.program import Paper
from inception_dsl.spec.network import NetworkSpec


def paper(data: Mapping[str, Any]) -> Paper:
    """The paper of a spec, from its section."""
    texts: dict[str, Any] = {key: str(value) for key, value in data.items()}
    return Paper(**{**texts, "year": data.get("year")})


def training_places(spec: NetworkSpec) -> Iterator[tuple[str, Span]]:
    """The place of each setting of the recipe by `group.name`, of `recipe`, and of the whole section ("")."""
    section = spec.document.root.children.get("training") if spec.training else None
    if section is None:
        return
    yield "", section.key or section.span
    for group, node in section.children.items():
        yield str(group), node.span
        yield from ((f"{group}.{name}", setting.span) for name, setting in node.children.items())


def check_heads(spec: NetworkSpec, findings: Findings) -> None:
    """Report heads that leave after no row, or have the name of one."""
    rows = [row.name for row in spec.rows]
    for head in spec.heads:
        if head.source not in rows:
            hint = did_you_mean(head.source, rows) or "`from` names a row of the table"
            findings.error(UNKNOWN_HEAD_ROW, f"unknown row `{head.source}`", head.source_origin, help=hint)
        if head.name in rows:
            note = Note(spec.rows[rows.index(head.name)].span("name"), "the row")
            findings.error(DUPLICATE_NAME, f"a row and a head are both called `{head.name}`", head.origin, notes=[note])
