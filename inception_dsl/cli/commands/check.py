"""`check`: specs, and files of claims, compared with their papers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click

from inception_dsl import compilation
from inception_dsl.cli.checking import compile_specs, print_claims, print_overall, print_verdicts
from inception_dsl.cli.options import (
    SPECS,
    VariantOptions,
    names_option,
    our_backends,
    plugin_backends,
    variant_options,
)
from inception_dsl.cli.outcome import SpecResult
from inception_dsl.cli.run import FORMATS, CommandRun, output_formats
from inception_dsl.emit.options import Options

if TYPE_CHECKING:
    from inception_dsl.emit.backend import Backend


@click.command()
@SPECS
@click.option("--explain", is_flag=True, help="Search for single edits of the spec that would explain a mismatch.")
@names_option("--against", our_backends, plugin_backends, help="Also compare with what these backends emit.")
@variant_options
@output_formats(*FORMATS)
def command(
    run: CommandRun, specs: tuple[str, ...], explain: bool, against: Sequence[str], variant: VariantOptions
) -> None:
    """Check the numbers that a paper prints against its spec.

    SPEC is a spec file, or a file of claims; DIR means every spec in it and in its folders
    (default: specs).
    """
    backends = _backends(run, against) if against else []
    builds, claims = compile_specs(run, specs or ("specs",), variant, Options())
    for build in builds:
        result = print_verdicts(run, build, alone=len(builds) == 1)
        if result is not None and explain:
            _explain(run, build, result)
        if result is not None and backends:
            _cross_check(run, build, backends, result)
    for path in claims:
        print_claims(run, path, alone=not builds and len(claims) == 1)
    print_overall(run)


def _backends(run: CommandRun, names: Collection[str]) -> list[Backend]:
    """The backends of some names, ours first. Stops at one of a plugin that fails, or that gives nothing to run."""
    from inception_dsl.emit.backends import by_name, find

    with run.step():
        found = [backend for name in dict.fromkeys([*by_name(), *names]) if name in names and (backend := find(name))]
    for backend in found:
        if backend.executor is None:
            raise click.UsageError(f"what `{backend.name}` gives does not run: `--against` takes other backends")
    return found


def _explain(run: CommandRun, build: compilation.Build, result: SpecResult) -> None:
    """Print single edits of the spec that would explain printed numbers which do not fit."""
    from inception_dsl.paper.single_edits import single_edits

    result.explanations = tuple(run.attempt(lambda: single_edits(build.own, build.verdicts), build.file) or ())
    for explanation in result.explanations:
        run.echo(f"  {explanation.row}: {explanation.sentence}")
    if not result.explanations:
        run.echo("  no parameters or multiply-adds to explain: `--explain` tries no other numbers")


def _cross_check(run: CommandRun, build: compilation.Build, backends: Sequence[Backend], result: SpecResult) -> None:
    """Compare the spec with the network that backends emit for it."""
    from inception_dsl.crosscheck.crosscheck import cross_check

    report = run.attempt(lambda: cross_check(build.program, backends), build.file)
    if report is not None:
        run.diagnostics += [finding.about(build.file) for finding in report.findings]
        result.cross_checks = report.sentences
        result.holds &= not report.findings
        for sentence in report.sentences:
            run.echo(f"  {sentence}")
