"""`draw`: a network, or one of its modules, as a figure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import click

from inception_dsl import compiler
from inception_dsl.cli.options import SPEC, VariantOptions, variant_options
from inception_dsl.cli.run import CommandRun
from inception_dsl.diagnostics.spelling import did_you_mean, listing, sentence

FORMATS: Final = ("svg", "mermaid", "json")


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
    from inception_dsl.emit.figures import diagram
    from inception_dsl.emit.figures.mermaid import mermaid
    from inception_dsl.emit.figures.svg import svg
    from inception_dsl.files.output import write

    if module and rows:
        raise click.UsageError("--module draws a module alone; leave out --rows")
    run, opened = CommandRun("json" if form == "json" else "text"), level == "layers"

    def draw() -> None:
        with run.step(spec):
            typed = compiler.at_size(variant.compile(spec))
            if module:
                _known("module", module, dict.fromkeys(one.module for one in typed.program.templates.values()))
                figure = diagram.module_figure(typed.program, module, opened)
            else:
                first, last = _ends(rows, typed.trunk) if rows else ("", "")
                figure = diagram.network_figure(typed, opened, first, last)
            drawn = {"svg": svg(figure, direction == "down"), "mermaid": mermaid(figure, direction == "down")}
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


def _ends(rows: str, trunk: Sequence[str]) -> tuple[str, str]:
    """The first and the last of the rows `A..B`, where `A..` goes on to the end and `..B` begins at the input."""
    first, dots, last = (rows, "..", rows) if rows in trunk else rows.partition("..")
    first, last = first or trunk[0], last or (trunk[-1] if dots else first)
    for name in (first, last):
        _known("row", name, trunk)
    if trunk.index(first) > trunk.index(last):
        raise click.UsageError(f"row `{first}` comes after `{last}`: write --rows {last}..{first}")
    return first, last


def _known(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        expected = f"expected {listing(known, 'or')}" if known else f"the spec has no {what}s"
        raise click.UsageError(f"unknown {what} `{name}`: {expected}. {sentence(did_you_mean(name, known))}".rstrip())
