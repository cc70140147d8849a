"""The formats for machines: JSON, workflow commands, SARIF and Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from inception_dsl.cli import tables, versions
from inception_dsl.cli.digest import digest
from inception_dsl.cli.outcome import Outcome, SpecResult
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.sarif import sarif
from inception_dsl.ir.shapes import TensorType
from inception_dsl.paper.verdicts import Verdict
from inception_dsl.text.jsonable import finite

VERSION: Final = 1
"""Version of the JSON; it grows when a key is removed or changes its meaning (docs/json.md)."""


def outcome_json(outcome: Outcome) -> str:
    """Format as JSON, with the same keys whatever the command and whatever it found."""
    severities = Counter(diagnostic.severity for diagnostic in outcome.diagnostics)
    data = {
        "version": VERSION,
        "tool": {"name": "inception-dsl", "version": versions.tool()},
        "command": outcome.command,
        "summary": {
            "exit_code": outcome.exit_code,
            "errors": severities["error"],
            "warnings": severities["warning"],
            "specs": outcome.asked,
            "holding": sum(result.holds for result in outcome.specs),
            "verdicts": _counts(tables.ORDER, (cell.verdict for result in outcome.specs for cell in result.verdicts)),
            "claims": _counts(tables.CLAIMS_ORDER, (claim.word for claim in outcome.claims)),
        },
        "specs": [_spec(result) for result in outcome.specs],
        "claims": [claim.data() for claim in outcome.claims],
        "files": [file._asdict() for file in outcome.files],
        "result": outcome.result,
        "diagnostics": render.diagnostics_data(outcome.diagnostics),
    }
    return json.dumps(finite(data), indent=2, allow_nan=False)


def as_github(outcome: Outcome) -> str:
    """Format as workflow commands: an annotation per finding, or a notice that sums up what holds."""
    commands = [render.github(outcome.diagnostics)] if outcome.diagnostics else []
    if outcome.exit_code == 0:
        summary = "; ".join(outcome.sentences()) or "done"
        commands.append(render.command("notice", summary, {"title": f"inception-dsl {outcome.command}"}))
    return "\n".join(commands)


def as_sarif(outcome: Outcome) -> str:
    """Format as a SARIF log, for code scanning."""
    return json.dumps(sarif(outcome.diagnostics, versions.tool(), outcome.exit_code), indent=2)


FORMATTERS: Final[dict[str, Callable[[Outcome], str]]] = {
    "json": outcome_json,
    "github": as_github,
    "sarif": as_sarif,
    "markdown": digest,
}
"""The formats of `--format`, other than text for people."""


def _spec(result: SpecResult) -> dict[str, Any]:
    return {
        "spec": result.file,
        "network": result.network,
        "title": result.title,
        "holds": result.holds,
        "verdicts": [_verdict(verdict) for verdict in result.verdicts],
        "dropped": [f"{claim.row}.{claim.column}" for claim in result.dropped],
        "explanations": [explanation._asdict() for explanation in result.explanations],
        "witnesses": list(result.cross_checks),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    computed = verdict.computed
    return {
        "row": verdict.claim.row,
        "column": verdict.claim.column,
        "printed": verdict.claim.text,
        "computed": list(computed.shape) if isinstance(computed, TensorType) else computed,
        "shown": verdict.shown,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }


def _counts(words: Iterable[str], verdicts: Iterable[str]) -> dict[str, int]:
    counts = Counter(verdicts)
    return {word: counts[word] for word in words}
