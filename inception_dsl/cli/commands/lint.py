"""`lint`: what is unwise in specs that compile."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path

import click

from inception_dsl.cli.options import SPECS, VariantOptions, names_option, variant_options
from inception_dsl.cli.run import FORMATS, CommandRun, output_formats
from inception_dsl.diagnostics.spelling import counted
from inception_dsl.files import builtin, output
from inception_dsl.spec import discovery
from inception_dsl.syntax.source import encode, read_bytes


def _prefixes() -> list[str]:
    """The codes of lint, and what they begin with."""
    from inception_dsl.lint.table import codes

    return list(dict.fromkeys([*codes(), *(code[:end] for code in codes() for end in range(1, len(code)))]))


@click.command()
@SPECS
@names_option("--select", _prefixes, metavar="CODE,...", help="Only these rules; L01 is all whose code begins so.")
@names_option("--ignore", _prefixes, metavar="CODE,...", help="Leave out these rules.")
@click.option("--fix", is_flag=True, help="Edit the files where the fix is sure: the network stays the same.")
@variant_options
@output_formats(*FORMATS)
def command(
    run: CommandRun,
    specs: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fix: bool,
    variant: VariantOptions,
) -> None:
    """Find what is unwise in specs that compile.

    SPEC is a spec file; DIR means every spec in it and in its folders (default: specs). `inception-dsl explain L011`
    prints a rule. A comment `# lint: ignore L011 because ...` in a spec states why a finding is right as it is.
    """
    from inception_dsl.lint.table import offered, selected
    from inception_dsl.plugins.offers import left_out

    if fix and (name := next((name for name in specs if name.startswith(builtin.PREFIX)), None)):
        raise click.UsageError(f"`{name}` comes with the tool: edit a copy of it")
    run.diagnostics += left_out(offered())
    codes = selected(select, ignore)
    found = run.attempt(lambda: discovery.find_files(specs or ("specs",))) or discovery.Found([], [], [])
    run.diagnostics += found.faults
    counts = {"specs": 0, "findings": 0, "fixed": 0, "fixable": 0}
    for path in found.claims:
        run.echo(f"skipped {path}: it holds claims, not a network")
    for path in found.specs:
        run.attempt(partial(_lint, run, path, codes, fix, variant, counts), path)
    run.result = counts
    if counts["specs"]:
        run.echo(_summary(counts, fix))


def _lint(
    run: CommandRun, path: Path, codes: Collection[str], fix: bool, variant: VariantOptions, counts: dict[str, int]
) -> None:
    """Lint one file, and count what was found."""
    from inception_dsl.lint.fix import fix_file, lint_file

    linted = (fix_file if fix else lint_file)(path, codes, *variant)
    if linted.fixed:
        file = path.resolve()  # of a link, what it leads to
        text = encode(linted.source.text, read_bytes(str(file), str(path)))
        output.write({file.name: text}, file.parent, force=True)
        run.record_written([path])
    counts["specs"] += 1
    counts["findings"] += len(linted.findings)
    counts["fixed"] += linted.fixed
    counts["fixable"] += sum(bool(finding.edits) for finding in linted.findings)
    run.diagnostics += [finding.diagnostic for finding in linted.findings]


def _summary(counts: dict[str, int], fix: bool) -> str:
    """What was found, in one line."""
    fixed = f"{counts['fixed']} fixed, " if fix else ""
    able = f"; `--fix` can fix {counts['fixable']}" if counts["fixable"] and not fix else ""
    return f"{counted(counts['specs'], 'spec')}: {fixed}{counted(counts['findings'], 'finding')}{able}"
