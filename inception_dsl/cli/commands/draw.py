"""`draw`: a network, or one of its modules, as a figure."""

from __future__ import annotations

from pathlib import Path

import click

from inception_dsl import compiler
from inception_dsl.cli.options import SPEC, VariantOptions, variant_options
from inception_dsl.cli.run import CommandRun


@click.command()
@SPEC
@click.option("--module", metavar="NAME", help="Draw this module alone, with its symbolic widths.")
@click.option("--rows", metavar="A..B", help="Draw the rows from A to B only; one name draws that row.")
@click.option(
    "--level", type=click.Choice(("rows", "layers")), default="rows", show_default=True, help="Closed or open modules."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("svg", "mermaid", "json")),
    default="svg",
    show_default=True,
    help="Output format.",
)
@click.option(
    "--direction", type=click.Choice(("down", "right")), default="down", show_default=True, help="Where data flows."
)
@click.option("--out", type=click.Path(path_type=Path), help="The file to write. [default: stdout]")
@variant_options
def command(
    spec: str,
    module: str | None,
    rows: str | None,
    level: str,
    form: str,
    direction: str,
    out: Path | None,
    variant: VariantOptions,
) -> None:
    """Draw a network, or one of its modules, as its paper does.

    Edges have shapes, and heads stand aside. Marks after printed numbers are their verdicts; the legend explains them.
    """
    from inception_dsl.emit.figures.draw import FORMATS, chosen
    from inception_dsl.files.output import write

    run, opened = CommandRun("json" if form == "json" else "text"), level == "layers"

    def draw() -> None:
        with run.step(spec):
            typed = compiler.at_size(variant.compile(spec))
            try:
                figure = chosen(typed, module, rows, opened)
            except ValueError as error:
                raise click.UsageError(str(error)) from None
            drawn = {name: made(figure, direction == "down") for name, made in FORMATS.items()}
        text = drawn["svg" if form == "json" else form]
        if out:
            with run.step(file=out):
                run.record_written(write({out.name: text.encode()}, out.parent, force=True))
        elif form == "json":
            run.result = drawn
        else:
            click.echo(text, nl=False)

    run.attempt(draw)
    run.finish()
