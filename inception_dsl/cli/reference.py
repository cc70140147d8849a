"""The commands that print what the tool knows by itself: the codes of its diagnostics, and its ops."""

from __future__ import annotations

import click

from inception_dsl.cli.run import Run, form_option
from inception_dsl.diagnostics.spelling import did_you_mean, sentence
from inception_dsl.text.terminal import columns


@click.command()
@click.argument("code", required=False)
@form_option("text", "json")
def explain(code: str | None, form: str) -> None:
    """Print the rule behind a diagnostic's code.

    If a spec can break the rule: with an example that does, and one that is right. Without CODE: every code and its
    title.
    """
    from inception_dsl.diagnostics.codes.table import CODES, find

    run = Run(form)
    if code is None:
        run.echo("\n".join(f"{known}  {known.summary}" for known in CODES))
        run.result = {"codes": {known: known.summary for known in CODES}}
    else:
        found = find(code)
        if found is None:
            raise click.UsageError(f"there is no code {code!r}. {sentence(did_you_mean(code.upper(), CODES))}".rstrip())
        run.echo(found.markdown())
        run.result = {"code": found, "title": found.summary, "text": found.markdown()}
    run.finish()


@click.command()
@click.argument("name", required=False)
@form_option("text", "json")
def ops(name: str | None, form: str) -> None:
    """Print the language: every word, its default and values.

    NAME is a layer, a word, an operator, a function or a key; without one, all of them.
    """
    from inception_dsl.emit import catalogue

    run = Run(form)
    entries = catalogue.entries() if name is None else catalogue.find(name)
    if not entries:
        raise click.UsageError(f"{name!r} is not a word of the language. {catalogue.instead(name or '')}".rstrip())
    run.echo(catalogue.text(entries, name is not None, columns()))
    run.result = dict(entries)
    run.finish()
