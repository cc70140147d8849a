"""The command line. Exit codes: 0 everything holds, 1 there are findings, 2 the command could not run."""

from __future__ import annotations

import click
from click.core import ParameterSource

from inception_dsl.cli.group import Commands
from inception_dsl.cli.run import TRACEBACK, CommandRun


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    subcommand_metavar="COMMAND [ARGS]...",
    invoke_without_command=True,
    no_args_is_help=True,
)
@click.option("--version", is_flag=True, help="Print the version.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="Format of --version.")
@click.option(f"--{TRACEBACK}", is_flag=True, help="Show the Python traceback of an error in code.")
@click.pass_context
def main(context: click.Context, version: bool, form: str, traceback: bool) -> None:
    """Compile a paper's architecture table into a network you can trust.

    Exit codes: 0 everything holds, 1 there are findings, 2 could not run.
    """
    context.meta[TRACEBACK] = traceback
    if version:
        from inception_dsl.cli import versions

        run = CommandRun(form)
        run.echo(f"inception-dsl {versions.tool()}")
        run.result = versions.environment() if form == "json" else None
        run.finish()
    if context.get_parameter_source("form") is not ParameterSource.DEFAULT:
        context.fail("--format goes after the command, or with --version")
    if context.invoked_subcommand is None:
        context.fail("Missing command.")
