"""`specs`: the built-in specs, listed, or one printed for copying."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import click

from inception_dsl import compilation, compiler
from inception_dsl.analysis.cost import cost
from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.cli.tables import ORDER
from inception_dsl.files import builtin
from inception_dsl.files.modeline import modeline, with_modeline
from inception_dsl.spec import discovery
from inception_dsl.syntax import source as sources
from inception_dsl.syntax import yaml
from inception_dsl.text.aligned import TextColumn, format_table
from inception_dsl.text.terminal import columns

HEADER: Final = ("name", "params", "ops", *ORDER, "title")


@click.command()
@click.argument("name", required=False)
@output_formats("text", "json", "markdown")
def command(run: CommandRun, name: str | None) -> None:
    """List the built-in specs, or print one.

    Without NAME: all of them, with their totals and verdicts. Every command that takes a SPEC takes builtin:NAME, and
    your own specs can use `extends: builtin:NAME.yaml`.
    """
    if name is not None:
        run.print_result("spec", _text(name.removeprefix(builtin.PREFIX)))
        return
    entries: list[dict[str, Any]] = []
    rows: list[tuple[str, ...]] = [HEADER]
    for path in discovery.find_specs([builtin.PREFIX]):
        entry = run.attempt(partial(_entry, str(path)), path)
        if entry:
            entries.append(entry)
            rows.append(_row(entry))
    first, *numbers, titles = zip(*rows, strict=True)
    right = [TextColumn.of(column, right=True) for column in numbers]
    table = [TextColumn.of(first), *right, TextColumn.of(titles, least=16)]
    run.echo("\n".join(format_table(table, gap=2, room=columns())))
    run.result, run.table = {"specs": entries}, rows


def _entry(path: str) -> dict[str, Any]:
    """Compile a spec, and return its totals and the counts of its verdicts."""
    build = compilation.Build(compiler.compile_file(path))
    counts = Counter(verdict.verdict for verdict in build.verdicts)
    trunk = cost(build.own).trunk
    return {
        "spec": path,
        "network": build.program.name,
        "title": build.program.title,
        "params": trunk.params,
        "macs": trunk.macs,
        "verdicts": {verdict: counts[verdict] for verdict in ORDER},
    }


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    numbers = (entry["params"], entry["macs"], *entry["verdicts"].values())
    return (entry["network"], *(f"{number:,}" for number in numbers), entry["title"])


def _text(name: str) -> str:
    """Return the text of a spec for a copy: `extends:` names the base from any folder, the modeline its own schema."""
    source = sources.read(f"{builtin.PREFIX}{name}")
    document = yaml.parse(source)
    lines = source.lines.copy()
    if not str(document.data.get("extends", builtin.PREFIX)).startswith(builtin.PREFIX):
        _, number, column, _ = document.value_span(("extends",))
        line = lines[number - 1]
        lines[number - 1] = f"{line[: column - 1]}{builtin.PREFIX}{line[column - 1 :]}"
    line = modeline("copy.yaml", "claims" if "claims" in document.data else "spec")
    return with_modeline("\n".join(lines), line)
