"""`draw`: a network, or one of its modules, as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from inception_dsl import compiler
from inception_dsl.cli.options import SPEC, VariantOptions, variant_options
from inception_dsl.cli.run import CommandRun
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.text.terminal import columns

if TYPE_CHECKING:
    from inception_dsl.emit.figures.model import Figure

SUFFIXES: Final = {".svg": "svg", ".tex": "tikz", ".mmd": "mermaid", ".png": "png"}


@click.command()
@SPEC
@click.option("--module", metavar="NAME", help="Draw this module alone, in all its forms, with its symbolic widths.")
@click.option("--rows", metavar="A..B", help="Draw the rows from A to B only; one name draws that row.")
@click.option(
    "--level", type=click.Choice(("rows", "layers")), default="rows", show_default=True, help="Closed or open modules."
)
@click.option(
    "--format",
    "form",
    type=click.Choice((*SUFFIXES.values(), "json")),
    help="Output format. [default: that of --out's suffix, else svg]",
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
    form: str | None,
    direction: str,
    out: Path | None,
    variant: VariantOptions,
) -> None:
    """Draw a network, or one of its modules, as its paper does.

    Edges have shapes, and heads stand aside. Marks after printed numbers are their verdicts; the legend explains them.
    """
    from inception_dsl.emit.figures.draw import FORMATS, chosen
    from inception_dsl.files.output import write

    kind = _kind(form, out)
    if out and (out.suffix in (".yaml", ".yml") or out == Path(spec)):
        raise click.UsageError(f"{out} is a spec, which a figure would replace: name another file")
    run, opened = CommandRun("json" if form == "json" else "text"), level == "layers"

    def draw() -> None:
        with run.step(spec):
            typed = compiler.at_size(variant.compile(spec))
            try:
                figure = chosen(typed, module, rows, opened)
            except ValueError as error:
                raise click.UsageError(str(error)) from None
            if form == "json" and not out:
                run.result = {name: made(figure, direction == "down") for name, made in FORMATS.items()}
                return
            data = _drawn(kind, figure, direction == "down")
        if out:
            with run.step(file=out):
                run.record_written(write({out.name: data}, out.parent, force=True))
        else:
            click.echo(data, nl=False)

    run.attempt(draw)
    run.finish()


def _kind(form: str | None, out: Path | None) -> str:
    """The format of the file, by `--format` or its suffix, which may not contradict each other."""
    named = SUFFIXES.get(out.suffix) if out else None
    if form in SUFFIXES.values():
        kind = str(form)
        if named not in (None, kind):
            raise click.UsageError(f"{out}: the suffix says {named}, and --format {kind}: leave out --format")
    elif out and out.suffix and named is None:
        raise click.UsageError(f"{out}: expected the suffix {listing(SUFFIXES, 'or')}, or --format")
    else:
        kind = named or "svg"
    if kind == "png" and not out and columns() is not None:
        raise click.UsageError("a PNG file is not text for a terminal: give --out FILE.png")
    return kind


def _drawn(kind: str, figure: Figure, down: bool) -> bytes:
    from inception_dsl.emit.figures.draw import FORMATS
    from inception_dsl.emit.figures.pixels import pixels

    return FORMATS[kind](figure, down).encode() if kind in FORMATS else pixels(figure, down)
