"""`ops`: the words of the language."""

from __future__ import annotations

import click

from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.text.terminal import columns


@click.command()
@click.argument("name", required=False)
@output_formats("text", "json")
def command(run: CommandRun, name: str | None) -> None:
    """List the words of the language, with defaults and values.

    NAME is a layer, a word, an operator, a function or a key; without it, all of them.
    """
    from inception_dsl.emit import catalogue

    entries = catalogue.entries() if name is None else catalogue.find_entries(name)
    if not entries:
        raise click.UsageError(f"unknown word `{name}`. {catalogue.instead(name or '')}".rstrip())
    run.echo(catalogue.catalogue_text(entries, name is not None, columns()))
    run.result = dict(entries)
    run.diagnostics += catalogue.left_out()
