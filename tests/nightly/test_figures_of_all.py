"""The gallery: every spec and every module, closed and open, in both directions, without overlaps and crossings."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from figure_geometry import faults
from test_tikz import compiled

from inception_dsl.compiler import at_size, compile_file
from inception_dsl.emit.figures.diagram import module_figure, network_figure
from inception_dsl.emit.figures.placement import scene
from inception_dsl.spec import discovery

ROOT = Path(__file__).parent.parent.parent
SPECS = discovery.find_specs([str(ROOT / "specs")])


@pytest.mark.parametrize("path", SPECS, ids=lambda path: Path(path).stem)
def test_every_figure_of_a_spec(path: Path) -> None:
    typed = at_size(compile_file(path))
    modules = dict.fromkeys(template.module for template in typed.program.templates.values())
    for opened, down in product((False, True), (True, False)):
        assert faults(scene(network_figure(typed, opened), down)) == []
        for module in modules:
            assert faults(scene(module_figure(typed.program, module, opened), down)) == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: Path(path).stem)
def test_pdflatex_prints_a_figure_of_every_spec(path: Path, tmp_path: Path) -> None:
    for opened in (False, True):
        log = compiled(network_figure(at_size(compile_file(path)), opened), tmp_path, down=opened)
        assert "(1 page," in log
        assert "Overfull" not in log


def test_a_figure_has_the_same_bytes_whatever_the_hashes() -> None:
    command = [sys.executable, "-m", "inception_dsl", "draw", "specs/nasnet_a_large.yaml", "--level", "layers"]
    drawn = {
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(drawn) == 1
