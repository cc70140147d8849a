"""`plugins`: what installed distributions add."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import click

from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.text.terminal import columns

if TYPE_CHECKING:
    from inception_dsl.plugins.offers import Offer


@click.command()
@output_formats("text", "json")
def command(run: CommandRun) -> None:
    """List what plugins add, each with where it comes from.

    Loads all of it: what cannot be used is a warning that says why, and the exit code is 1.
    """
    from inception_dsl.emit import backends
    from inception_dsl.lint import table
    from inception_dsl.plugins.offers import SINGULAR, left_out
    from inception_dsl.spec import plugin_recipes
    from inception_dsl.spec.vocabulary import plugins
    from inception_dsl.text.aligned import wrap

    offers = [*plugins.offered(), *backends.offered(), *table.offered(), *plugin_recipes.offered(), *_readers()]
    keys = ("kind", "name", "distribution", "version", "problem")
    run.result = {"plugins": [{key: getattr(offer, key) for key in keys} for offer in offers]}
    rows = [(SINGULAR[offer.kind], offer.name, offer.origin) for offer in offers if not offer.problem]
    run.echo(wrap([("kind", "name", "from"), *rows], columns() or 100) if rows else "no plugin is installed")
    run.diagnostics += left_out(offers)
    run.exit_code = int(any(offer.problem for offer in offers))


def _readers() -> list[Offer]:
    """What plugins offer as readers of images."""
    from inception_dsl.plugins import offers

    names = offers.names("readers")
    if not names:
        return []
    try:
        from inception_dsl.runner.readers.readers import READERS
    except ModuleNotFoundError:  # without torch, nothing is read
        ours: Collection[str] = ()
    else:
        ours = READERS
    return [offer for name in names if (offer := offers.find("readers", name, ours, _problem_of_reader))]


def _problem_of_reader(name: str, reader: Any) -> str:
    from inception_dsl.plugins.offers import wrong_type

    return "" if callable(reader) else wrong_type(reader, "a function")
