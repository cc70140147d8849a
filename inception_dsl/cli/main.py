"""The command line: a thin layer over the compiler. Exit codes: 0 holds, 1 findings, 2 could not run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from inception_dsl import compilation, compiler
from inception_dsl.cli import tables
from inception_dsl.cli.group import Commands
from inception_dsl.cli.parameters import Names, Size, taps_option
from inception_dsl.cli.run import FORMS, TRACEBACK, Run, chosen, form_option, variant_options
from inception_dsl.diagnostics.spelling import did_you_mean, listing, sentence
from inception_dsl.emit.options import NO_RUNNER, Options
from inception_dsl.spec import loader
from inception_dsl.text.terminal import columns

if TYPE_CHECKING:
    from inception_dsl.emit.backend import Backend

F = TypeVar("F", bound=Callable[..., Any])


def _specs(command: F) -> F:
    return click.argument("specs", nargs=-1, metavar="[SPEC|DIR]...", type=click.Path())(command)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    subcommand_metavar="COMMAND [ARGS]...",
    invoke_without_command=True,
    no_args_is_help=True,
)
@click.option("--version", is_flag=True, help="Print the version.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", help="Format of --version.")
@click.option(f"--{TRACEBACK}", is_flag=True, help="Show the Python traceback of an internal error.")
@click.pass_context
def main(context: click.Context, version: bool, form: str, traceback: bool) -> None:
    """Compile a paper's architecture table into a network you can trust.

    Exit codes: 0 everything holds, 1 there are findings, 2 could not run.
    """
    context.meta[TRACEBACK] = traceback
    if version:
        from inception_dsl.cli import versions

        run = Run(form)
        run.echo(f"inception-dsl {versions.tool()}")
        run.result = versions.environment() if form == "json" else None
        run.finish()
    if context.get_parameter_source("form") is not ParameterSource.DEFAULT:
        context.fail("--format stands after the command, or with --version")
    if context.invoked_subcommand is None:
        context.fail("Missing command.")


@main.command("compile")
@_specs
@click.option("--out", type=click.Path(path_type=Path), default="generated", show_default=True, help="Output folder.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail where a file is out of date.")
@click.option("--opset", type=int, help="ONNX opset. [default: the newest that onnxruntime supports]")
@click.option("--batch", type=click.IntRange(1, 65536), help="Fix the batch of the ONNX graph. [default: any]")
@click.option("--size", type=Size(), help="Image size: 224, 224x320 or dynamic. [default: the spec's]")
@click.option("--heads", is_flag=True, help="Give the heads' outputs in the ONNX graph too.")
@taps_option
@click.option(NO_RUNNER, is_flag=True, help="Leave out the files that train the network.")
@click.option("--force", is_flag=True, help="Overwrite a train.py or support.py that was edited.")
@variant_options
@form_option(*FORMS)
def compile_(
    specs: tuple[str, ...],
    out: Path,
    only_check: bool,
    opset: int | None,
    batch: int | None,
    size: Any,
    heads: bool,
    taps: tuple[str, ...],
    no_runner: bool,
    force: bool,
    form: str,
) -> None:
    """Write each spec's PyTorch file, ONNX graph, report and runner.

    SPEC is a spec file; DIR means every spec in it (default: specs). Nothing is written unless everything holds, and a
    network's files are written all together or not at all. With an option that makes other files than the spec's own
    (--set, --size, --opset, --batch, --heads, --taps), say where to write with --out.
    """
    from inception_dsl.emit.runner import runner
    from inception_dsl.files import freshness, output

    settings, outside = chosen()["settings"], chosen()["outside"]
    options = Options(size, batch, opset, heads, taps, out, outside, not no_runner)
    words = [*(word for each in settings.items() for word in ("--set", "=".join(each))), *options.words]
    if click.get_current_context().get_parameter_source("out") is not ParameterSource.DEFAULT:
        words += ["--out", str(out)]
    elif other := [word for word in words if word != NO_RUNNER]:
        raise click.UsageError(f"{other[0]} makes other files than the spec's: say where they go with --out")
    run = Run(form)
    builds = run.builds(specs or ("specs",), options)
    for path in run.claims:
        run.echo(f"skipped {path}: it holds claims, and no network")
    made: list[Mapping[str, bytes]] = []
    for build in builds:
        run.tell(build, alone=len(builds) == 1)
        made.append(run.attempt(partial(getattr, build, "files"), build.file) or {})
    run.overall()
    files = {name: content for each in made for name, content in each.items()}
    whole = not specs or any(Path(spec).is_dir() for spec in specs)
    if only_check and not run.errors:
        command = shlex.join(["inception-dsl", "compile", *specs, *words, *([loader.OPTION] if outside else [])])
        found = run.attempt(lambda: [*freshness.stale(files, out, whole, runner.FILES)], file=out)
        if found is not None:
            run.compared(files, out, found, command)
    elif not run.errors:
        for build, mine in zip(builds, made, strict=True):
            run.wrote(run.attempt(partial(output.write, mine, out, force), build.file) or ())
        if not run.errors:
            run.diagnostics += run.attempt(lambda: [*freshness.orphans(files, out, whole)], file=out) or ()
    run.finish()


def _backends(names: Sequence[str]) -> list[Backend]:
    """The backends that `--against` names, in the order of their table."""
    if not names:
        return []
    from inception_dsl.emit.backends import by_name

    known = by_name()
    for name in names:
        if name not in known:
            hint = sentence(did_you_mean(name, known))
            raise click.UsageError(f"--against knows {listing(known)}, not `{name}`. {hint}".rstrip())
    return [backend for name, backend in known.items() if name in names]


@main.command()
@_specs
@click.option("--explain", is_flag=True, help="Search the single edits that would explain what is printed.")
@click.option(
    "--against", type=Names(), metavar="BACKEND,...", default=(), help="Compare with backends, such as pytorch,onnx."
)
@variant_options
@form_option(*FORMS)
def check(specs: tuple[str, ...], explain: bool, against: tuple[str, ...], form: str) -> None:
    """Hold every number that papers print against what specs give.

    SPEC is a spec file, or a file of claims; DIR means every spec in it (default: specs).
    """
    backends = _backends(against)
    run = Run(form)
    builds = run.builds(specs or ("specs",), Options())
    for build in builds:
        entry = run.tell(build, alone=len(builds) == 1)
        if entry is not None and explain:
            run.explain(build, entry)
        if entry is not None and backends:
            run.cross_check(build, backends, entry)
    for path in run.claims:
        run.examine(path, alone=not builds and len(run.claims) == 1)
    run.overall()
    run.finish()


@main.command()
@click.argument("file", default="specs/claims.yaml", type=click.Path())
@form_option(*FORMS)
def claims(file: str, form: str) -> None:
    """Hold what papers say in sentences against their specs.

    FILE lists the sentences (default: specs/claims.yaml); the specs lie beside it.
    """
    run = Run(form)
    run.examine(file, alone=True)
    run.finish()


@main.command()
@click.argument("spec", type=click.Path())
@click.option("--after", metavar="PASS", help="Print the program after elaborate, or after a pass.")
@click.option("--size", type=Size(), help="Image size: 224 or 224x320. [default: the spec's]")
@click.option("--resolved", is_flag=True, help="Print the spec instead, as one that extends no other.")
@click.option("--blame", is_flag=True, help="With --resolved: where each line was written, before it.")
@variant_options
@form_option("text", "json", "markdown")
def show(spec: str, after: str | None, size: Any, resolved: bool, blame: bool, form: str) -> None:
    """Print a spec's table as inferred.

    Of each row: the output's shape, parameters, multiply-adds, depth, receptive field and stride.
    """
    from inception_dsl.passes import pipeline

    if blame and not resolved:
        raise click.UsageError("--blame goes with --resolved")
    if resolved and (after or size):
        raise click.UsageError(f"--resolved prints the spec, which {'--after' if after else '--size'} does not change")
    run = Run(form)
    known = ["elaborate", *(step.__name__ for step in pipeline.PIPELINE)]
    if after and after not in (*known, *pipeline.RENAMED):
        raise click.UsageError(f"--after knows {', '.join(known)}. {sentence(did_you_mean(after, known))}".rstrip())
    if size == "dynamic":
        raise click.UsageError("--size takes one size here")
    if resolved:
        text = run.attempt(lambda: compilation.print_resolved(spec, blame, **chosen()), spec)
        run.give("spec", text)
    elif after:
        from inception_dsl.elaborate.printer import print_program

        text = run.attempt(lambda: print_program(run.compile(spec, until=after)), spec)
        run.give("program", text)
    else:
        typed = run.attempt(lambda: compiler.at_size(run.compile(spec), size), spec)
        if typed:
            run.echo(tables.inferred_table(typed, columns()))
            run.result, run.table = tables.as_data(typed), tables.inferred_rows(typed)
    run.finish()
