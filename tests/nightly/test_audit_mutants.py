"""Every mutant is found, nearly all at the right row and with the right cause, and nothing in networks as they are.

No mutant is equivalent to the network that it was made of, since edits are made only where they show: at padding that
a pool reads, in the order of a concatenation and not of a sum. All 749 mutants are found, and 748 are reported at the
right row with the right cause. The other is a layer at the start of a branch, which the audit puts behind the row
before.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import pytest
from audit_mutants import Mutant, Port, findings_of, judged, ports, scrambled, typed_of
from mutants_of_modules import module_mutants
from mutants_of_onnx import SPECS, exported, onnx_mutants
from test_interchange import without_names

from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.torch.reader import read_torch

PORTS = ports()

LOG = logging.getLogger(__name__)  # `--log-cli-level=info` shows the figures


def check(mutants: Iterable[Mutant], least: int, folder: Path) -> None:
    known = {port.spec: port.known for port in PORTS}
    found = {mutant.id: judged(mutant, folder, known.get(mutant.spec, frozenset())) for mutant in mutants}
    missed = {name: outcome.findings for name, outcome in found.items() if not outcome.located}
    LOG.info("%d mutants, of which %d are not reported at the right row with the right cause", len(found), len(missed))

    assert len(found) >= least
    assert [name for name, outcome in found.items() if not outcome.found] == []
    assert len(missed) <= 0.05 * len(found), missed


def test_files_of_specs(tmp_path: Path) -> None:
    check(onnx_mutants(3, SPECS), 250, tmp_path)


def test_files_of_libraries(tmp_path: Path) -> None:
    check(onnx_mutants(3, PORTS), 250, tmp_path)


@pytest.mark.parametrize("port", PORTS, ids=lambda port: port.spec)
def test_modules_of_libraries(port: Port, tmp_path: Path) -> None:
    check(module_mutants([port], 2), 20, tmp_path)


@pytest.mark.parametrize("port", PORTS, ids=lambda port: port.spec)
def test_networks_as_they_are(port: Port, tmp_path: Path) -> None:
    file = tmp_path / "port.onnx"
    file.write_bytes(without_names(exported(port)))

    assert findings_of(port.spec, read_onnx(file)) == frozenset()
    for heads in (False, True):
        graph = read_torch(port.module(), typed_of(port.spec).input.shape, "port", heads)
        assert findings_of(port.spec, scrambled(graph), heads) == port.known
