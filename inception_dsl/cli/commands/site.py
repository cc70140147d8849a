"""`site`: an index of networks, and a page for every network, as a folder of HTML files."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path

import click

from inception_dsl.cli.checking import compile_specs, print_claims, print_overall, print_verdicts
from inception_dsl.cli.options import OUTSIDE, SPECS, VariantOptions
from inception_dsl.cli.outcome import File
from inception_dsl.cli.run import FORMATS, CommandRun, output_formats
from inception_dsl.diagnostics.spelling import counted
from inception_dsl.emit.options import Options
from inception_dsl.spec import discovery
from inception_dsl.syntax.source import citation


@click.command()
@SPECS
@click.option("--out", type=click.Path(path_type=Path), default="site", show_default=True, help="Output folder.")
@OUTSIDE
@output_formats(*FORMATS)
def command(run: CommandRun, specs: tuple[str, ...], out: Path, outside: bool) -> None:
    """Write a website of networks: an index, and a page for each.

    SPEC is a spec file or a file of claims; DIR means every one in it and in its folders (default: specs). The index
    has the networks by year, their error and cost, and the claims with their verdicts. Nothing is loaded from
    elsewhere, so the folder can be published as it is, or opened from a disk. Nothing is written unless everything
    holds.
    """
    from inception_dsl.emit.site.site import files
    from inception_dsl.files import builtin, output, site_folder

    paths = specs or ("specs",)
    with run.step(file=out):
        site_folder.check(out)
    options = Options(out=out, outside=outside, page=True)
    builds, _ = compile_specs(run, paths, VariantOptions({}, outside), options)
    for build in builds:
        print_verdicts(run, build, alone=False)
    for path in discovery.claims_in(paths):
        print_claims(run, path, alone=False)
    print_overall(run)
    if run.errors:
        return
    source = shlex.join(path if path.startswith(builtin.PREFIX) else citation(path) for path in paths)
    made = run.attempt(lambda: files([build.subject for build in builds], run.claims, source), file=out)
    if made is None:
        return
    written = run.attempt(partial(output.write, made, out), file=out)
    if written is not None:
        run.files += [File(str(path), "written") for path in written]
        run.echo(f"wrote {out / site_folder.INDEX} and {counted(len(builds), 'page')}")
        run.diagnostics += site_folder.others(made, out)
