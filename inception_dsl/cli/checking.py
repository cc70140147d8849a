"""How `check`, `compile` and `claims` go through specs and claims, and print their verdicts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import click

from inception_dsl import compilation
from inception_dsl.cli import streams, tables
from inception_dsl.cli.options import VariantOptions
from inception_dsl.cli.outcome import SpecResult
from inception_dsl.cli.run import CommandRun
from inception_dsl.diagnostics.codes.syntax import DUPLICATE_NAME
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.emit.options import Options
from inception_dsl.paper.verdicts import dropped_sentence
from inception_dsl.spec import discovery
from inception_dsl.text.aligned import Paint, plain
from inception_dsl.text.terminal import columns

VERDICT_COLOURS: Final = {"exact": "green", "rounds": "green", "MISMATCH": "red"}
"""Colours of verdicts; the others are yellow."""


def compile_specs(
    run: CommandRun, paths: Sequence[str], variant: VariantOptions, options: Options
) -> tuple[list[compilation.Build], list[Path]]:
    """Compile specs, and return them and the files of claims among the paths; a spec that fails is left out."""
    builds: list[compilation.Build] = []
    found = run.attempt(lambda: discovery.find_files(paths)) or discovery.Found([], [], [])
    run.diagnostics += found.faults
    for path in found.specs:
        run.asked += 1
        program = run.attempt(partial(variant.compile, path), path)
        if program is None:
            continue
        if other := next((build for build in builds if build.program.name == program.name), None):
            message = f"`{path}` and `{other.file}` are both called `{program.name}`"
            hint = "give every network a unique name"
            run.diagnostics.append(Diagnostic(DUPLICATE_NAME, message, help=hint, file=str(path)))
            continue
        builds.append(compilation.Build(program, options, str(path)))
    return builds, found.claims


def print_verdicts(run: CommandRun, build: compilation.Build, alone: bool) -> SpecResult | None:
    """Compare a network with its paper, print a summary, and the table too if it is the only one; None on failure."""
    return run.attempt(partial(_print_verdicts, run, build, alone), build.file)


def _print_verdicts(run: CommandRun, build: compilation.Build, alone: bool) -> SpecResult:
    verdicts = build.verdicts
    run.diagnostics += build.findings
    program = build.program
    dropped = program.published.dropped
    holds = all(finding.severity == "warning" for finding in build.findings)
    result = SpecResult(build.file, program.name, program.title, verdicts, dropped, holds)
    run.specs.append(result)
    if alone:
        run.echo(f"{program.title}: {build.file}\n")
        run.echo(tables.verdict_table(build.own, verdicts, paint(), columns()))
        run.echo("")
    run.echo(("" if alone else f"{program.name}: ") + tables.summary(verdicts, paint(), len(dropped)))
    if alone and dropped:
        run.echo(dropped_sentence(dropped))
    return result


def print_overall(run: CommandRun) -> None:
    """Print how all specs did, if there are several."""
    if run.asked > 1:
        results = [(result.verdicts, result.holds) for result in run.specs]
        run.echo(f"\n{tables.overall(run.asked, results, paint())}")


def print_claims(run: CommandRun, path: str | Path, alone: bool) -> None:
    """Check a file of claims, print a summary, and the table too if it is the only file."""
    examined = run.attempt(lambda: compilation.examine(path), path)
    if examined is None:
        return
    run.diagnostics += [finding.about(str(path)) for finding in examined.findings]
    run.claims += examined.verdicts
    if alone:
        run.echo(tables.claims_table(examined.verdicts, paint(), columns()))
    else:
        run.echo(f"{path}: {tables.claims_summary(examined.verdicts, paint())}")


def paint() -> Paint:
    """Return what colours text on stdout by a verdict's name."""
    return _paint if streams.coloured(sys.stdout) else plain


def _paint(text: str, verdict: str) -> str:
    return click.style(text, fg=VERDICT_COLOURS.get(verdict, "yellow"))
