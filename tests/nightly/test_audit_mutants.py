"""Every mutant is found, nearly all at the right row and with the right cause, and nothing in networks as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_mutants import Outcome, judged, known_findings, module_mutants, onnx_mutants, ports

EACH = 3
"""Mutants of a kind and a network."""

EQUIVALENT: frozenset[str] = frozenset()
"""Mutants that compute what the network computes; none has been found among these."""


@pytest.mark.parametrize("source", ["onnx", "modules"])
def test_mutants(source: str, tmp_path: Path) -> None:
    known = {port.spec: known_findings(port) for port in ports()} if source == "modules" else {}
    mutants = [*(module_mutants(ports(), EACH) if source == "modules" else onnx_mutants(EACH))]
    judgements: dict[str, Outcome] = {
        mutant.id: judged(mutant, tmp_path, known.get(mutant.spec, frozenset())) for mutant in mutants
    }
    judgements = {name: outcome for name, outcome in judgements.items() if name not in EQUIVALENT}

    assert len(judgements) >= 100
    assert [name for name, outcome in judgements.items() if not outcome.found] == []
    located = [name for name, outcome in judgements.items() if outcome.located]
    assert len(located) >= 0.95 * len(judgements), {*judgements} - {*located}
