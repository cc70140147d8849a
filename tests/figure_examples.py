"""Figures to test with: networks of this repository, small ones, and those whose text is hostile."""

from __future__ import annotations

import json
from pathlib import Path

from cli_runner import SMALL

from inception_dsl.compiler import at_size, compile_file, compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.figures.diagram import module_figure, network_figure
from inception_dsl.emit.figures.model import Box, Figure, Fork, Frame, Head, Row, Trunk
from inception_dsl.ir.typed import Typed

ROOT = Path(__file__).parent.parent


def spec(name: str) -> Typed:
    """A network of this repository."""
    return at_size(compile_file(ROOT / "specs" / f"{name}.yaml"))


def small(text: str = SMALL) -> Typed:
    """A network given as text."""
    return at_size(compile_source(Source("small.yaml", text)))


HOSTILE = (
    "</title><script>alert(1)</script>\"'&]]> `#quot;` %%{init}%% \\input{x} \\\\[9cm] }\\end{document} ^^5c$_~# "
    "-- '' ?` \u2713\u2248\u2020\u2717\u00d7 \u00fc\u0151\u4f60 \u0435\u0301 \u202e\u2066 \u0007 end"
)
QUOTED = json.dumps(HOSTILE)[1:-1]
SAYING = f"""
network: small
title: "{QUOTED}"
input: 3x8x8
modules:
  mod:
    doc: "{QUOTED}"
    columns: ["#1 größe"]
    graph: "a: conv 1x1 {{#1 größe}} -> conv 1x1 4"
layers: |
  name | layer | #1 größe
  conv | mod   | 4
"""


def hostile() -> list[Figure]:
    """Figures with hostile text: wherever a spec may have it, and everywhere."""
    typed = small(SAYING)
    box = Box(HOSTILE, "pool", (HOSTILE,), HOSTILE)
    frame = Frame(HOSTILE, (box, Fork(((box,), ()), box, (HOSTILE, ""))), (HOSTILE,), HOSTILE)
    rows, heads = (Row(HOSTILE, frame),), (Head(Row(f"{HOSTILE} head", box), HOSTILE),)
    everywhere = Figure(HOSTILE, HOSTILE, HOSTILE, (Trunk(box, rows, heads, HOSTILE),), (HOSTILE,))
    return [network_figure(typed), module_figure(typed.program, "mod"), everywhere]
