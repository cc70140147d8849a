"""`explain`: the rules behind the codes of diagnostics."""

from __future__ import annotations

import click

from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.diagnostics.spelling import did_you_mean, sentence


@click.command()
@click.argument("code", required=False)
@output_formats("text", "json")
def command(run: CommandRun, code: str | None) -> None:
    """Explain the code of a diagnostic.

    Prints the rule and, if a spec can break it, a wrong and a right example. Without CODE: every code and its title.
    """
    from inception_dsl.diagnostics.codes.table import CODES, find_code
    from inception_dsl.lint.table import codes

    found = find_code(code, CODES) if code else None
    all_codes = CODES if found else (*CODES, *codes())
    if code is None:
        run.echo("\n".join(f"{known}  {known.summary}" for known in all_codes))
        run.result = {"codes": {known: known.summary for known in all_codes}}
        return
    found = found or find_code(code, all_codes)
    if found is None:
        hint = sentence(did_you_mean(code.upper(), all_codes))
        raise click.UsageError(f"unknown code `{code}`. {hint}".rstrip())
    run.echo(found.markdown())
    run.result = {"code": found, "title": found.summary, "text": found.markdown()}
