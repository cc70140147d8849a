"""`claims`: what papers say in sentences, compared with specs."""

from __future__ import annotations

import click

from inception_dsl.cli.checking import print_claims
from inception_dsl.cli.run import FORMATS, CommandRun, output_formats


@click.command()
@click.argument("file", default="specs/claims.yaml", type=click.Path())
@output_formats(*FORMATS)
def command(run: CommandRun, file: str) -> None:
    """Check what papers claim in sentences against their specs.

    FILE lists the sentences (default: specs/claims.yaml); the specs are in its folder.
    """
    print_claims(run, file, alone=True)
