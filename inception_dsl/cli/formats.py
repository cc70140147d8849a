"""What a run of a command came to, for machines: JSON, workflow commands, SARIF, and Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from inception_dsl.cli import tables, versions
from inception_dsl.cli.digest import digest
from inception_dsl.cli.outcome import Held, Outcome
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.sarif import sarif
from inception_dsl.ir.shapes import TensorType
from inception_dsl.paper.verdicts import Verdict
from inception_dsl.text.jsonable import finite

VERSION: Final = 1
"""Of the JSON: another one where a key goes or means something else (docs/json.md)."""


def as_json(outcome: Outcome) -> str:
    """The JSON of a run: the same keys whatever the command and whatever it found."""
    severities = Counter(each.severity for each in outcome.diagnostics)
    data = {
        "version": VERSION,
        "tool": {"name": "inception-dsl", "version": versions.tool()},
        "command": outcome.command,
        "summary": {
            "exit_code": outcome.exit_code,
            "errors": severities["error"],
            "warnings": severities["warning"],
            "specs": outcome.asked,
            "holding": sum(each.holds for each in outcome.specs),
            "verdicts": _counts(tables.ORDER, (each.verdict for held in outcome.specs for each in held.verdicts)),
            "claims": _counts(tables.CLAIMS_ORDER, (each.word for each in outcome.claims)),
        },
        "specs": [_held(each) for each in outcome.specs],
        "claims": [each.data() for each in outcome.claims],
        "files": [each._asdict() for each in outcome.files],
        "result": outcome.result,
        "diagnostics": render.as_json(outcome.diagnostics),
    }
    return json.dumps(finite(data), indent=2, allow_nan=False)


def as_github(outcome: Outcome) -> str:
    """Workflow commands: an annotation a finding, and a notice of what was looked at where nothing is wrong."""
    commands = [render.github(outcome.diagnostics)] if outcome.diagnostics else []
    if outcome.exit_code == 0:
        said = "; ".join(outcome.sentences()) or "done"
        commands.append(render.command("notice", said, {"title": f"inception-dsl {outcome.command}"}))
    return "\n".join(commands)


def as_sarif(outcome: Outcome) -> str:
    """A SARIF log, for code scanning."""
    return json.dumps(sarif(outcome.diagnostics, versions.tool(), outcome.exit_code), indent=2)


FORMATS: Final[dict[str, Callable[[Outcome], str]]] = {
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
    "markdown": digest,
}
"""What `--format` prints, other than text for people."""


def _held(each: Held) -> dict[str, Any]:
    return {
        "spec": each.file,
        "network": each.network,
        "title": each.title,
        "holds": each.holds,
        "verdicts": [_verdict(verdict) for verdict in each.verdicts],
        "dropped": [f"{claim.row}.{claim.column}" for claim in each.dropped],
        "explanations": [explanation._asdict() for explanation in each.explanations],
        "witnesses": list(each.cross_check),
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
