"""`train`: a network trained in a folder of its own, and exported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from inception_dsl.cli.options import DATA, SPEC, Readable, VariantOptions, names_option, variant_options
from inception_dsl.cli.run import CommandRun, output_formats

if TYPE_CHECKING:
    from inception_dsl.training.start import Start


@click.command()
@SPEC
@DATA
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder. [default: runs/<network>]")
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes, one per GPU, started by torchrun.",
)
@click.option(
    "--init-from",
    "weights",
    type=Readable(),
    metavar="FILE|RUN",
    help="Start from weights: of a run, torchvision, timm or keras.",
)
@names_option("--freeze", metavar="ROW,...", help="Rows, heads or modules that do not learn: conv1..inception_3b.")
@click.option("--recipe", default="", metavar="NAME", help="Train by another recipe, such as finetune or modern.")
@click.option("--resume", default="auto", show_default=True, help="auto, never, or a checkpoint file.")
@click.option("--steps", type=click.IntRange(1), metavar="N", help="Stop after N steps, whatever the schedule.")
@click.option("--deterministic", is_flag=True, help="Give identical results on a GPU every time; slower.")
@click.option("--force", is_flag=True, help="Overwrite an edited train.py; resume a run with other settings.")
@variant_options
@output_formats("text", "json")
def command(
    run: CommandRun,
    spec: str,
    data: str | None,
    out: Path | None,
    processes: int,
    weights: Path | None,
    freeze: tuple[str, ...],
    recipe: str,
    resume: str,
    steps: int | None,
    deterministic: bool,
    force: bool,
    variant: VariantOptions,
) -> None:
    """Train a network in a folder of its own, and export it.

    --set also changes the recipe: --set optim.lr=0.02. A stopped run continues where it stopped.
    Exit codes: 0 done, 75 preempted (start it again), 1 failed, 2 could not run.
    """
    from inception_dsl.training import launch

    if out == Path():
        raise click.UsageError("--out is empty: name the run's folder")
    starts: list[Start] = []
    with run.step(spec):
        from inception_dsl.training.plan import plan

        own, settings = variant.split()
        planned = plan(  # before torch is imported, which takes seconds
            own.load(spec),
            settings,
            data,
            other_recipe=recipe,
            weights=weights,
            freeze=freeze,
            folder=Path(spec).parent,
        )
        from inception_dsl.training import run_folder

        folder = out or Path("runs") / planned.typed.program.name
        done = run_folder.prepare(folder, planned, steps, force, starts.append)
    for start in starts:
        for sentence in start.sentences:
            run.echo(sentence)
    result = {"folder": str(folder), "start": starts[0].data if starts else None}
    run.result = {**result, "comparison": None}
    if not done or resume == "never":
        arguments = ["--out", str(folder), "--resume", resume, *(["--steps", str(steps)] if steps else [])]
        arguments += [f"--{name}" for name, given in (("deterministic", deterministic), ("force", force)) if given]
        run.echo(f"starting {folder / 'train.py'}")
        run.exit_code = launch.launch(folder, arguments, processes, quiet=run.form != "text")
        if run.exit_code == launch.PREEMPTED:
            saved = any((folder / "checkpoints").glob("step_*.pt"))
            run.echo(f"saved in {folder}" if saved else "nothing to save: no step was done")
        if run.exit_code:
            return
    else:
        run.echo(done.sentence)
    with run.step(spec, folder):
        from inception_dsl.training.export import export

        exported = export(folder)
        run.record_written(exported.paths)
        comparison = exported.compare()
        run.result = {**result, "comparison": comparison._asdict()}
        run.diagnostics += comparison.findings(exported.onnx)
        if not run.errors:
            run.echo(comparison.sentence)
