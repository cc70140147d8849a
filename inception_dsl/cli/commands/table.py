"""`table`: the table of a paper as a spec, with questions where it leaves something open."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.ir import names
from inception_dsl.syntax import source as sources
from inception_dsl.tables.formats import FORMATS

STDIN = "-"


@click.command()
@click.argument("file", metavar="FILE|-", type=click.Path())
@click.option("--from", "kind", type=click.Choice(FORMATS), help="The form of the table. [default: recognised]")
@click.option(
    "--table", "number", type=click.IntRange(1), default=1, show_default=True, help="Which table of the file."
)
@click.option("--name", help="The name of the network. [default: that of --out, else of FILE]")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the spec to this file.")
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@output_formats("text", "json")
def command(
    run: CommandRun, file: str, kind: str | None, number: int, name: str | None, out: Path | None, force: bool
) -> None:
    """Make a spec of the table that a paper prints.

    FILE, or `-` for the standard input, is CSV, TSV, Markdown, LaTeX, HTML, or text that was copied from a PDF file.
    The spec has a comment that starts with `# ?` wherever the table leaves something open: answer it, and delete it.
    """
    from inception_dsl.authoring.new import check_absent
    from inception_dsl.authoring.transcription.transcript import network_name, transcribe
    from inception_dsl.files.output import write
    from inception_dsl.tables.formats import read

    if name and (problem := names.problem(name)):
        raise click.UsageError(f"`{name}` cannot name a network: {problem}. Try `{names.from_column(name)}`.")
    with run.step(file):
        found = read(_source(file), kind, number)
        name = name or network_name(out.stem if out else "network" if file == STDIN else Path(file).stem)
        written = transcribe(found, name, out.as_posix() if out else f"{name}.yaml")
        questions = [question._asdict() for question in written.questions]
        run.result = {"spec": written.text, "form": found.form, "tables": found.tables, "questions": questions}
        if out is None:
            run.echo(written.text.removesuffix("\n"))
            return
        if not force:
            check_absent(out)
        run.record_written(write({out.name: written.text.encode()}, out.parent, force=True))
        run.echo(f"answer its {len(questions)} questions: the comments that start with `# ?`")


def _source(file: str) -> Source:
    if file != STDIN:
        return sources.read(file)
    return sources.decode(sys.stdin.buffer.read(sources.MAX_BYTES + 1), "<stdin>")
