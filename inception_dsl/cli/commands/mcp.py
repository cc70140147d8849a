"""`mcp`: the tools of the command line that only read, for assistants."""

from __future__ import annotations

from pathlib import Path

import click

from inception_dsl.build import missing
from inception_dsl.cli import versions
from inception_dsl.cli.run import CommandRun, output_formats


@click.command()
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The folder whose specs are served.",
)
@output_formats("text")
def command(run: CommandRun, root: Path) -> None:
    """Serve check, show, diff, explain and ops to an assistant.

    The server speaks the Model Context Protocol over stdin and stdout. It writes nothing, and reads only files in the
    folder: docs/mcp.md.
    """
    try:
        from inception_dsl.cli.in_process import answer
        from inception_dsl.mcp.server import serve
    except ModuleNotFoundError as error:
        raise missing(error.name or "mcp", "mcp") from None
    with run.step(file=root):
        serve(str(root), versions.tool(), answer)
