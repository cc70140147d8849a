"""`lsp`: the language server, for editors."""

from __future__ import annotations

import click

from inception_dsl.build import missing
from inception_dsl.cli import versions
from inception_dsl.cli.run import CommandRun, output_formats


@click.command()
@output_formats("text")
def command(run: CommandRun) -> None:
    """Serve an editor: diagnostics, completion, hover and more.

    It speaks over stdin and stdout. Editors start it by themselves: docs/editors.md says how to set them up.
    """
    try:
        from inception_dsl.lsp.server import serve
    except ModuleNotFoundError as error:
        raise missing(error.name or "pygls", "lsp") from None
    run.exit_code = serve(versions.tool())
