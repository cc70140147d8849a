"""`audit`: a network that was not written here, compared with a spec."""

from __future__ import annotations

from collections.abc import Mapping

import click

from inception_dsl.cli.options import SPEC, VariantOptions, settings_option, variant_options
from inception_dsl.cli.run import FORMATS, CommandRun, output_formats
from inception_dsl.text.terminal import columns


@click.command()
@SPEC
@click.argument("target")
@settings_option("--arg", "arguments", "An argument of the callable.")
@click.option("--no-heads", is_flag=True, help="Leave the heads out.")
@click.option("--against-paper", is_flag=True, help="Also compare the target with the numbers that the paper prints.")
@click.option("--values", is_flag=True, help="Also run both on the same weights; find the row where they part.")
@variant_options
@output_formats(*FORMATS)
def command(
    run: CommandRun,
    spec: str,
    target: str,
    arguments: Mapping[str, str],
    no_heads: bool,
    against_paper: bool,
    values: bool,
    variant: VariantOptions,
) -> None:
    """Compare a network that was not written here with a spec.

    TARGET is an ONNX file, a file of weights (.safetensors, .pt, .pth), or package.module:callable,
    such as torchvision.models:googlenet: that module is imported, which runs it. Every deviation is
    reported at its row, whatever the layers are called.
    """
    from inception_dsl.audit import report
    from inception_dsl.audit.target import audit_target
    from inception_dsl.interchange.target import is_target

    if is_target(spec):
        raise click.UsageError(f"`{spec}` is not a spec: the spec comes before the network, as in `audit SPEC {spec}`")
    with run.step(spec):
        program = variant.compile(spec)
    with run.step(spec, target, failure=2):
        found = audit_target(program, target, arguments, not no_heads, values, spec)
    run.result, run.body = report.as_data(found), report.markdown(found) if run.form == "markdown" else ""
    run.diagnostics += report.diagnostics(found)
    run.echo(report.text(found, columns()))
    if against_paper and found.pairs:
        from inception_dsl.audit.printed import printed_cells, sentences

        cells = printed_cells(found)
        run.result["printed"] = [cell._asdict() for cell in cells]
        for sentence in sentences(cells):
            run.echo(sentence)
            run.body += f"\n\n{sentence}" if run.body else ""
