"""`schema`: JSON Schema for editors."""

from __future__ import annotations

import click

from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.spec import json_schema


@click.command()
@click.option("--kind", type=click.Choice(json_schema.KINDS), default="spec", show_default=True, help="What it is for.")
@output_formats("text", "json")
def command(run: CommandRun, kind: str) -> None:
    """Print the JSON Schema of specs, claims or recipes, for editors."""
    run.echo(json_schema.schema_text(kind).removesuffix("\n"))
    run.result = {"schema": json_schema.schema(kind)}
