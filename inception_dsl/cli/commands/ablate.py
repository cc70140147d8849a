"""`ablate`: variants of a network, trained under one recipe with several seeds, and compared."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from inception_dsl.cli.options import DATA, VariantOptions, variant_options
from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.diagnostics.codes.tool import UNUSABLE_INPUT
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.diagnostics.spelling import counted
from inception_dsl.text.aligned import TextColumn, format_table
from inception_dsl.text.terminal import columns

if TYPE_CHECKING:
    from inception_dsl.training.ablate import Trial, Variant
    from inception_dsl.training.ablate_results import Row
    from inception_dsl.training.ablate_runs import Result


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="[SPEC|DIR]...", type=click.Path())
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True, help="Runs of each network.")
@DATA
@click.option(
    "--out", type=click.Path(path_type=Path), default="runs/ablation", show_default=True, help="Folder for all runs."
)
@click.option(
    "--jobs", type=click.IntRange(1, 1024), help="Runs at a time. [default: one for each GPU, or else for each core]"
)
@variant_options
@output_formats("text", "json", "markdown")
def command(
    run: CommandRun,
    specs: tuple[str, ...],
    seeds: int,
    data: str | None,
    out: Path,
    jobs: int | None,
    variant: VariantOptions,
) -> None:
    """Train variants of a network; compare scores and cost.

    All networks are trained with the same recipe, which --set changes for all. OUT/NETWORK/seed-N is the folder of a
    run, as `train` writes it. The same command continues where it stopped.
    Exit codes: 0 done, 75 preempted (start it again), 1 a run failed, 2 could not run.
    """
    if out == Path():
        raise click.UsageError("--out is empty: name a folder for the runs")
    variants = _read(run, specs, data, variant)
    if run.errors:
        return
    with run.step(), run.waiting.on("training"):
        from inception_dsl.training.ablate import trials

        found = [*trials(variants, seeds, out)]
        _progress(
            run,
            f"{counted(len(found), 'run')} in {out}: {counted(len(variants), 'network')} x {counted(seeds, 'seed')}",
        )
        rows = _train(run, variants, found, jobs, workers="data.workers" not in variant.settings)
    with run.step(file=out):
        _print(run, rows, seeds, out)
    if any(result.status == "stopped" for row in rows for result in row.results):
        run.echo("stopped; run the same command again to continue")
        run.exit_code = 75
    elif any(row.failed for row in rows):
        run.exit_code = 1


def _read(run: CommandRun, specs: tuple[str, ...], data: str | None, options: VariantOptions) -> list[Variant]:
    """Plan to train all networks; what is wrong with any of them is recorded, and nothing is trained."""
    with run.step():
        from inception_dsl.spec import discovery

        files = [str(path) for path in discovery.find_specs(specs)]
    with run.step():
        from inception_dsl.training.ablate import check_variants, read_variant

        own, settings = options.split()

        def read(file: str) -> Variant:
            return read_variant(file, own.load(file), settings, data)

        found = [run.attempt(partial(read, file), file) for file in files]
        variants = [variant for variant in found if variant]
        if not run.errors:
            check_variants(variants)
    return variants


def _train(run: CommandRun, variants: list[Variant], trials: list[Trial], jobs: int | None, workers: bool) -> list[Row]:
    """Train what is not done yet, and report every run as it ends."""
    from inception_dsl.training import ablate_results, ablate_runs
    from inception_dsl.training.images import open_source  # imports torch, which takes seconds

    config = variants[0].plan.runnable.config()
    images = open_source(config, "train")
    done, left = ablate_runs.prepare_all(trials, images)
    shares = ablate_runs.shares(jobs, workers)
    threads = shares[0].environment["OMP_NUM_THREADS"]
    _progress(run, f"{len(done)} are done; the others run {len(shares)} at a time, with OMP_NUM_THREADS={threads}")
    begun, ended = time.monotonic(), 0

    def report(result: Result) -> None:
        nonlocal ended
        ended += 1
        minutes = (time.monotonic() - begun) / ended * (len(left) - ended) / 60
        outcome = (
            ablate_results.sentence(result.score)
            if result.score
            else ": ".join(filter(None, (result.status, result.reason)))
        )
        took = f"{result.seconds:.0f} s; about {minutes:.0f} min left"
        name = f"{result.trial.variant} seed {result.trial.seed}"
        _progress(run, f"{len(done) + ended}/{len(trials)}  {name}: {outcome}  ({took})")

    results = [*done, *ablate_runs.run_all(left, shares, report)]
    return ablate_results.summarise(variants, results, len(images.classes))


def _print(run: CommandRun, rows: list[Row], seeds: int, out: Path) -> None:
    """Print the table, and write it as JSON and as a plot."""
    from inception_dsl.files.output import write
    from inception_dsl.training import ablate_results
    from inception_dsl.training.ablate_runs import LOG

    metric = ablate_results.metric([result for row in rows for result in row.results])
    run.result = {"folder": str(out), "seeds": seeds, "metric": metric, "networks": ablate_results.data(rows)}
    run.table = ablate_results.table(rows, metric)
    name, *numbers = zip(*run.table, strict=True)
    cells = [TextColumn.of(name), *(TextColumn.of(column, right=True) for column in numbers)]
    run.echo("\n".join(["", *format_table(cells, gap=2, room=columns()), "", ablate_results.note(metric)]))
    for row in rows:
        for result in row.failed:
            message = f"{row.variant.name} with seed {result.trial.seed} failed: {result.reason}"
            run.diagnostics.append(Diagnostic(UNUSABLE_INPUT, message, file=str(result.trial.folder / LOG)))
    run.record_written(write({"ablation.json": json.dumps(run.result, indent=2).encode() + b"\n"}, out, force=True))
    if any(row.score for row in rows):
        from inception_dsl.training.ablate_plot import plot_ablation

        plot_ablation(rows, metric, out / "ablation.svg")
        run.record_written([out / "ablation.svg"])


def _progress(run: CommandRun, line: str) -> None:
    """Print a line of progress; to stderr if stdout holds a result for machines."""
    if run.form == "text":
        run.echo(line)
    else:
        click.echo(line, err=True)
