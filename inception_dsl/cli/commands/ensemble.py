"""`ensemble`: networks scored together."""

from __future__ import annotations

from pathlib import Path

import click

from inception_dsl.cli.options import FILES, OUT_TABLES
from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.text.terminal import columns


@click.command()
@FILES
@OUT_TABLES
@output_formats("text", "json")
def command(run: CommandRun, files: tuple[Path, ...], out: Path | None) -> None:
    """Score networks together from their saved predictions.

    FILES are the predictions.npz that `eval --out` wrote for each network, or the folders with them.
    """
    with run.step(file=files[0]):
        from inception_dsl.evaluation.evaluate import ensemble_files

        scores = ensemble_files(files, out=out)
    run.result = {**scores.data, "images": ""}
    run.echo(scores.text(columns()))
