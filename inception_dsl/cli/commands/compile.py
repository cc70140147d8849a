"""`compile`: the files of specs, written, or compared with those that are there."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from inception_dsl import compilation
from inception_dsl.cli.checking import compile_specs, print_overall, print_verdicts
from inception_dsl.cli.options import (
    SPECS,
    TAPS,
    Readable,
    SizeType,
    VariantOptions,
    names_option,
    plugin_backends,
    variant_options,
)
from inception_dsl.cli.outcome import File
from inception_dsl.cli.run import FORMATS, CommandRun, output_formats
from inception_dsl.emit.options import PAGE, Options
from inception_dsl.syntax.source import citation

if TYPE_CHECKING:
    from inception_dsl.diff.sides import Side
    from inception_dsl.files.freshness import Stale


@click.command()
@SPECS
@click.option("--out", type=click.Path(path_type=Path), default="generated", show_default=True, help="Output folder.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail if a file is out of date.")
@click.option("--opset", type=int, help="ONNX opset. [default: the newest that onnxruntime supports]")
@click.option("--batch", type=click.IntRange(1, 65536), help="Fix the batch size of the ONNX graph. [default: any]")
@click.option("--size", type=SizeType(dynamic=True), help="Image size: 224, 224x320 or dynamic. [default: the spec's]")
@click.option("--heads", is_flag=True, help="Add the heads' outputs to the ONNX graph.")
@TAPS
@names_option("--backend", tuple, plugin_backends, metavar="NAME,...", help="Add the files of backends of plugins.")
@click.option("--no-runner", is_flag=True, help="Leave out the files that train the network.")
@click.option("--page", is_flag=True, help="Add report.html, which shows a network in a browser.")
@click.option("--run", "trained", type=Readable(), metavar="RUN", help="Show a run of the network on its page.")
@click.option("--sweep", type=Readable(), help="Show a sweep on its page, the JSON that `sweep` writes.")
@click.option("--compare", type=click.Path(), metavar="OTHER", help="Show what differs from another spec on its page.")
@click.option("--force", is_flag=True, help="Overwrite a train.py or support.py that was edited.")
@variant_options
@output_formats(*FORMATS)
def command(
    run: CommandRun,
    specs: tuple[str, ...],
    out: Path,
    only_check: bool,
    opset: int | None,
    batch: int | None,
    size: Any,
    heads: bool,
    taps: tuple[str, ...],
    backend: tuple[str, ...],
    no_runner: bool,
    page: bool,
    trained: Path | None,
    sweep: Path | None,
    compare: str | None,
    force: bool,
    variant: VariantOptions,
) -> None:
    """Write each spec's PyTorch file, ONNX graph, report and runner.

    SPEC is a spec file; DIR means every spec in it and in its folders (default: specs). The files of a network are in
    OUT/<network>, wherever its spec is. Nothing is written unless everything holds, and the files of a network are
    written all together or not at all. Options that change the files (--set, --size, --opset, --batch, --heads,
    --taps, --backend) need --out.
    """
    from inception_dsl.emit.runner import runner
    from inception_dsl.files import freshness, output
    from inception_dsl.panels.further import Further

    with run.step():
        further = Further(trained, sweep, _side(compare, {}, variant.outside) if compare else None)
    asked = further.words
    options = Options(size, batch, opset, heads, taps, out, variant.outside, not no_runner, page, asked, backend)
    if asked and not page:
        raise click.UsageError(f"{asked[0]} is for the page: add --page")
    words = [*VariantOptions(variant.settings, outside=False).words, *options.words]
    if click.get_current_context().get_parameter_source("out") is not ParameterSource.DEFAULT:
        words += ["--out", str(out)]
    elif words:
        raise click.UsageError(f"{words[0]} changes the files: say where to write them with --out")
    builds, claims = compile_specs(run, specs or ("specs",), variant, options)
    for path in claims:
        run.echo(f"skipped {path}: it holds claims, not a network")
    if page:
        builds = run.attempt(lambda: compilation.with_claims(builds)) or builds
    if asked and len(builds) > 1:
        raise click.UsageError(f"{asked[0]} is for the page of one network: name its spec")
    for build in builds if asked else ():
        with run.step(build.file):
            own = partial(_side, build.file, *variant)
            builds = [replace(build, panels=tuple(further.panels(build.own, own)))]
    outputs: list[Mapping[str, bytes]] = []
    for build in builds:
        print_verdicts(run, build, alone=len(builds) == 1)
        outputs.append(run.attempt(partial(getattr, build, "files"), build.file) or {})
    print_overall(run)
    if run.errors:
        return
    files = {name: content for built in outputs for name, content in built.items()}
    left_out = (*(runner.FILES if no_runner else ()), *(() if page else (PAGE,)))
    folders = [citation(Path(spec, "*")).rpartition("/")[0] for spec in specs or ("specs",) if Path(spec).is_dir()]
    if only_check:
        words += ["--no-runner"] * no_runner + ["--page"] * page
        words += [*asked, *VariantOptions({}, variant.outside).words]
        rebuild = shlex.join(["inception-dsl", "compile", *specs, *words])
        with run.step(file=out):
            _record_stale(run, files, out, [*freshness.stale(files, out, folders, runner.FILES, left_out)], rebuild)
        return
    for build, built in zip(builds, outputs, strict=True):
        run.record_written(run.attempt(partial(output.write, built, out, force), build.file) or ())
    if not run.errors:
        with run.step(file=out):
            run.diagnostics += freshness.orphans(files, out, folders, left_out)


def _side(spec: str, settings: Mapping[str, str], outside: bool) -> Side:
    """A spec as a side of a comparison. Raises `SpecError`."""
    from inception_dsl.diff.sides import Side

    return Side.load(spec, settings, outside)


def _record_stale(run: CommandRun, files: Iterable[str], out: Path, stale: Iterable[Stale], rebuild: str) -> None:
    """Record which files differ from what their specs give, and the command that writes them anew."""
    problems = {str(file.path): file for file in stale}
    paths = dict.fromkeys([*(str(out / name) for name in files), *problems])
    run.files += [File(path, problems[path].problem if path in problems else "current") for path in paths]
    for file in problems.values():
        run.diagnostics.append(file.diagnostic(rebuild))
        if file.difference:
            run.echo(file.difference)
