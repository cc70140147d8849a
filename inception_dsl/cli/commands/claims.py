"""`claims`: what papers say in sentences, compared with specs."""

from __future__ import annotations

import click

from inception_dsl.cli.checking import print_claims
from inception_dsl.cli.run import FORMATS, CommandRun, output_formats
from inception_dsl.spec import discovery


@click.command()
@click.argument("file", default="specs/claims.yaml", metavar="[FILE|DIR]", type=click.Path())
@output_formats(*FORMATS)
def command(run: CommandRun, file: str) -> None:
    """Check what papers claim in sentences against their specs.

    FILE lists the sentences (default: specs/claims.yaml); the specs are in its folder and in the folders below. DIR
    means every file of claims in it and in its folders.
    """
    with run.step(file):
        files = discovery.find_claims(file)
    for path in files:
        print_claims(run, path, alone=len(files) == 1)
