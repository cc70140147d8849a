"""`diff`: two specs, or one at two revisions, compared."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from inception_dsl.cli import streams
from inception_dsl.cli.options import OUTSIDE, Written, settings_option
from inception_dsl.cli.run import FORMATS, CommandRun, output_formats
from inception_dsl.diff.sides import Side
from inception_dsl.text.terminal import columns

COLOURS: Final = {"added": "green", "removed": "red"}
"""Colours of rows by what happened to them; the others are yellow."""


@click.command()
@click.argument("before", type=click.Path())
@click.argument("after", type=click.Path())
@settings_option("--set", "settings", "Change a setting of both specs.")
@settings_option("--set-before", "settings_before", "Change a setting of BEFORE.")
@settings_option("--set-after", "settings_after", "Change a setting of AFTER.")
@click.option("--breaking", is_flag=True, help="Fail if a checkpoint of BEFORE no longer loads into AFTER.")
@click.option("--map", "map_file", type=Written(".json"), help="Write the migration for `weights migrate`.")
@OUTSIDE
@output_formats(*FORMATS)
def command(
    run: CommandRun,
    before: str,
    after: str,
    settings: Mapping[str, str],
    settings_before: Mapping[str, str],
    settings_after: Mapping[str, str],
    breaking: bool,
    map_file: Path | None,
    outside: bool,
) -> None:
    """Compare two specs, row by row.

    BEFORE and AFTER are spec files; FILE@REVISION is one as of a revision in git, with its base files. Rows are paired
    by name and content, so that renamed and moved rows are found.
    """
    from inception_dsl.diff.data import as_data
    from inception_dsl.diff.diff import diff
    from inception_dsl.diff.markdown import markdown
    from inception_dsl.diff.migration import breaks, migration
    from inception_dsl.diff.text import text
    from inception_dsl.files.output import write

    sides = []
    for spec, own in ((before, settings_before), (after, settings_after)):
        with run.step(spec):
            sides.append(Side.load(spec, {**settings, **own}, outside))
    found = diff(*sides)
    run.result, run.body = as_data(found), markdown(found) if run.form == "markdown" else ""
    if breaking:
        run.diagnostics += breaks(found)
    run.echo(text(found, columns(), _paint if streams.coloured(sys.stdout) else lambda text, _: text))
    if map_file:
        with run.step():
            run.record_written(write({map_file.name: migration(found).json().encode()}, map_file.parent))


def _paint(text: str, word: str) -> str:
    return click.style(text, fg=COLOURS.get(word, "yellow"))
