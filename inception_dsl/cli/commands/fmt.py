"""`fmt`: specs and files of claims, laid out alike."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Final

import click

from inception_dsl.cli.outcome import File
from inception_dsl.cli.run import FORMATS, CommandRun, output_formats
from inception_dsl.files import builtin, output
from inception_dsl.formatting.format import Formatted, format_bytes
from inception_dsl.spec import discovery
from inception_dsl.syntax.source import MAX_BYTES, read_bytes

STDIN: Final = "-"


@click.command()
@click.argument("files", nargs=-1, metavar="[SPEC|DIR|-]...", type=click.Path(allow_dash=True))
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail if a file is not formatted.")
@click.option("--diff", is_flag=True, help="As --check, and print what would change.")
@output_formats(*FORMATS)
def command(run: CommandRun, files: tuple[str, ...], only_check: bool, diff: bool) -> None:
    """Align the tables and graphs of specs; indent all alike.

    SPEC is a spec file, or a file of claims; DIR means all of them in it and in its folders (default: specs); - reads
    the standard input and prints the result. The meaning, comments, blank lines and breaks of lines stay. A file that
    does not parse is left as it is.
    """
    writes = not only_check and not diff
    if STDIN in files:
        if len(files) > 1:
            raise click.UsageError("`-` is the standard input: it cannot be formatted together with files")
        with run.step("<stdin>"):
            formatted = format_bytes(sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>")
            _print(run, formatted) if writes else _report(run, formatted, diff)
        return
    for name in files:
        if name.startswith(builtin.PREFIX):
            raise click.UsageError(f"`{name}` comes with the tool: format a copy of it")
    found = discovery.find_files(files or ("specs",), claims=True)
    run.diagnostics += found.faults
    for path in (*found.specs, *found.claims):
        run.attempt(partial(_format, run, path, writes, diff), path)
    if run.files:
        counts = Counter(file.status for file in run.files)
        run.echo(", ".join(f"{count} {_WORDS[status]}" for status, count in sorted(counts.items())))


_WORDS: Final = {"current": "formatted already", "unformatted": "not formatted", "written": "formatted"}


def _format(run: CommandRun, path: Path, writes: bool, diff: bool) -> None:
    """Format one file."""
    formatted = format_bytes(read_bytes(str(path), str(path)), str(path))
    if writes and formatted.edits:
        file = path.resolve()  # of a link, what it leads to
        output.write({file.name: formatted.text}, file.parent, force=True)
        run.record_written([path])
    else:
        run.files.append(File(str(path), "unformatted" if formatted.edits else "current"))
        _report(run, formatted, diff)


def _report(run: CommandRun, formatted: Formatted, diff: bool) -> None:
    """Record what is not formatted."""
    if formatted.edits:
        run.diagnostics.append(formatted.diagnostic)
        if diff:
            run.result = {"diff": [*(run.result or {"diff": []})["diff"], formatted.difference]}
            run.echo(formatted.difference)


def _print(run: CommandRun, formatted: Formatted) -> None:
    """Print a formatted text, byte by byte."""
    run.result = {"text": formatted.text.decode()}
    if run.form == "text":
        sys.stdout.buffer.write(formatted.text)
