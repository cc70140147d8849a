"""`new`: starts a spec, or a variant of one."""

from __future__ import annotations

from pathlib import Path

import click

from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.files import builtin
from inception_dsl.ir import names
from inception_dsl.spec import loader


@click.command()
@click.argument("name")
@click.option("--from", "base", metavar="SPEC", help="Start a variant of this spec: a file, or builtin:NAME.")
@click.option("--out", "folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Its folder.")
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@click.option(loader.OPTION, "outside", is_flag=True, help="Let it extend a spec outside its own folder.")
@output_formats("text", "json")
def command(run: CommandRun, name: str, base: str | None, folder: Path | None, force: bool, outside: bool) -> None:
    """Start a spec called NAME, in the file NAME.yaml.

    It has a small table, and a comment at every key of the language. With --from it is a variant, with the settings,
    rows and columns of its base as examples of edits. A variant of a file lies beside it, because a spec may
    extend only files in its own folder and below. Any other spec goes to the folder `specs` if there is one, else to
    this folder; --out names another.
    """
    from inception_dsl.authoring.new import check_absent, new
    from inception_dsl.files.output import write

    name = name.removesuffix(builtin.SUFFIX)
    if problem := names.problem(name):
        hint = names.from_column(name)
        raise click.UsageError(f"`{name}` cannot name a network: {problem}. Try `{hint}`; --out chooses a folder.")
    with run.step(base or ""):
        started = new(name, base, folder, outside)
        if not force:
            check_absent(started.path)
        run.record_written(write({started.path.name: started.text.encode()}, started.path.parent, force=True))
    if base and not folder and not base.startswith(builtin.PREFIX) and started.path.parent != Path():
        run.echo("it lies beside its base, which it extends; --out chooses another folder")
