"""`plot`: the curves of training runs."""

from __future__ import annotations

from pathlib import Path

import click

from inception_dsl.cli.options import FILES
from inception_dsl.cli.run import CommandRun, output_formats


@click.command()
@FILES
@click.option("--out", type=click.Path(path_type=Path), default="curves.svg", show_default=True, help="A .svg or .png.")
@output_formats("text", "json")
def command(run: CommandRun, files: tuple[Path, ...], out: Path) -> None:
    """Plot loss, scores, learning rate and speed of training runs.

    FILES are the folders of runs, or their metrics.jsonl.
    """
    from inception_dsl.training.plot import plot

    with run.step(file=files[0]):
        plot(files, out)
    run.record_written([out])
