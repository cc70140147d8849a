"""`show`: a spec's table as inferred, its program, or the spec itself without a base."""

from __future__ import annotations

from typing import Any

import click

from inception_dsl import compilation, compiler
from inception_dsl.cli import tables
from inception_dsl.cli.options import SPEC, SizeType, VariantOptions, variant_options
from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.diagnostics.spelling import did_you_mean, sentence
from inception_dsl.text.terminal import columns


@click.command()
@SPEC
@click.option("--after", metavar="PASS", help="Print the program after `elaborate` or after this pass.")
@click.option("--size", type=SizeType(), help="Image size: 224 or 224x320. [default: the spec's]")
@click.option("--resolved", is_flag=True, help="Print the spec instead, with `extends` resolved.")
@click.option("--blame", is_flag=True, help="With --resolved: print the origin before each line.")
@variant_options
@output_formats("text", "json", "markdown")
def command(
    run: CommandRun, spec: str, after: str | None, size: Any, resolved: bool, blame: bool, variant: VariantOptions
) -> None:
    """Print the inferred table of a spec.

    For each row: output shape, parameters, multiply-adds, depth, receptive field and stride. Then the results that the
    spec reports, which nothing here checks.
    """
    from inception_dsl.passes import pipeline

    if blame and not resolved:
        raise click.UsageError("--blame needs --resolved")
    if resolved and (after or size):
        raise click.UsageError(f"--resolved prints the spec, which {'--after' if after else '--size'} does not change")
    known = ["elaborate", *(step.__name__ for step in pipeline.PIPELINE)]
    if after and after not in (*known, *pipeline.RENAMED):
        hint = sentence(did_you_mean(after, known))
        raise click.UsageError(f"unknown pass `{after}`: expected one of {', '.join(known)}. {hint}".rstrip())
    with run.step(spec):
        if resolved:
            run.print_result("spec", compilation.print_resolved(spec, blame, *variant))
        elif after:
            from inception_dsl.elaborate.printer import print_program

            run.print_result("program", print_program(variant.compile(spec, until=after)))
        else:
            typed = compiler.at_size(variant.compile(spec), size)
            run.echo(tables.inferred_table(typed, columns()))
            if typed.program.reported:
                run.echo(f"\n{tables.reported_table(typed.program.reported, columns())}")
            run.result, run.table = tables.table_data(typed), tables.inferred_rows(typed)
            run.reported = typed.program.reported
