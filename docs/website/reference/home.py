"""The home page: a paper's table, the figure, the verdicts, the code, and a slip that is found; all of it is real."""

from __future__ import annotations

import tomllib
from typing import Final

from click.testing import CliRunner
from prose import fenced, plain, terminal
from sources import ROOT

import inception_dsl as idsl
from inception_dsl.cli.main import main
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.diagnostic import Diagnostic

SPEC: Final = "specs/googlenet.yaml"
SHOWN: Final = ("inception_3a", "inception_3b", "inception_4a")
FIGURE: Final = "images/googlenet_inception_3a.svg"
SLIP: Final = ("conv 5x5 {#5x5}", "conv 3x3 {#5x5}")
"""What torchvision's GoogLeNet has in this branch: https://github.com/pytorch/vision/issues/906."""

PAGE: Final = """\
---
title: Home
hide: [navigation, toc]
---

# {description} {{ .lead }}

[A variant in ten minutes](tutorial-variant.md){{ .md-button .md-button--primary }}
[A paper's table in twenty](tutorial-table.md){{ .md-button }}
[Quick start](readme.md){{ .md-button }}

## You write the table as the paper prints it

Rows are the paper's rows, modules its figures, and `output`, `depth`, `params` and `ops` its numbers:

{table}
## You see the network

[![Row inception_3a of GoogLeNet, with shapes and verdicts]({figure})]({figure})

Every network, module or range of rows has a [figure](figures.md).

## Every printed number has a verdict

{verdicts}
A number that does not follow from the table needs an erratum, with a reason: [papers have errors too](errata.md).

## You get PyTorch and ONNX

{code}
The file imports `torch` alone, so that nobody needs this tool to use the network.

## A slip is found

torchvision's GoogLeNet has a 3x3 convolution in the branch that the paper calls 5x5
([pytorch/vision#906](https://github.com/pytorch/vision/issues/906)). In the table above, that is an error:

{slip}"""


def pages() -> dict[str, str]:
    """The home page."""
    return {"index.md": PAGE.format(description=plain(description()), figure=FIGURE, **_excerpts())}


def description() -> str:
    """What the program is, in a sentence."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["description"])


def _excerpts() -> dict[str, str]:
    spec = (ROOT / SPEC).read_text(encoding="utf-8")
    checked = CliRunner().invoke(main, ["check", str(ROOT / SPEC)], env={"FORCE_COLOR": "1", "COLUMNS": "120"}).output
    return {
        "table": fenced(_table(spec), "yaml", SPEC),
        "verdicts": terminal(_lines(checked, "row", *SHOWN, checked.splitlines()[-1])),
        "code": fenced(_code((ROOT / "generated/googlenet/model.py").read_text(encoding="utf-8")), "python"),
        "slip": terminal(render.text(_slip(spec), colour=True)),
    }


def _table(spec: str) -> str:
    """The module and some rows of a spec, with columns as wide as these rows need."""
    module = _between(spec, "modules:\n", "\n  aux:").rstrip()
    rows = _lines(_between(spec, "layers: |\n", "\n\n"), "layers", "name", *SHOWN)
    return idsl.format(f"{module}\n\n{rows}\n")


def _code(model: str) -> str:
    """The branches of the module, and the lines of the rows."""
    module = _between(model, "class Inception(", "def forward")
    network = _between(model, "class GoogLeNet(", "def forward")
    branches = _lines(module, "class", "self.b", "self.pool")
    return f"{branches}\n\n\n{_lines(network, 'class', *(f'self.{row} =' for row in SHOWN))}"


def _between(text: str, start: str, end: str) -> str:
    """The part of a text from one mark up to another; both are there."""
    first = text.index(start)
    return text[first : text.index(end, first)]


def _lines(text: str, *starts: str) -> str:
    """The lines that start with one of some words."""
    return "\n".join(line for line in text.splitlines() if line.lstrip().startswith(starts))


def _slip(spec: str) -> list[Diagnostic]:
    """The first error of the spec with the slip."""
    findings = idsl.loads(spec.replace(*SLIP), SPEC).check().findings
    return [next(finding for finding in findings if finding.severity == "error")]
