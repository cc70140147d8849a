"""`eval`: a network's weights, scored on a data set."""

from __future__ import annotations

from pathlib import Path

import click

from inception_dsl.cli.options import DATA, OUT_TABLES, SPEC, Readable, VariantOptions, variant_options
from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.text.terminal import columns


@click.command()
@SPEC
@click.argument("weights", type=Readable())
@DATA
@click.option(
    "--split", type=click.Choice(("train", "test")), default="test", show_default=True, help="Which images to use."
)
@click.option("--protocol", help="Crops: recipe, 1, 10, 144 or central. [default: as the weights state, or recipe]")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Use only N images, the same ones every time.")
@click.option("--batch", type=click.IntRange(1), default=64, show_default=True, help="Crops in a batch.")
@OUT_TABLES
@variant_options
@output_formats("text", "json")
def command(
    run: CommandRun,
    spec: str,
    weights: Path,
    data: str | None,
    split: str,
    protocol: str | None,
    limit: int | None,
    batch: int,
    out: Path | None,
    variant: VariantOptions,
) -> None:
    """Score a network's weights on a data set.

    WEIGHTS are a file, or the folder of a run. Uses one view of each image, or 1, 10 or 144 crops as papers do.
    Images are prepared as the weights state, if `weights import` or a run wrote them, or else as the spec's recipe
    does. --set data.mean, data.std and augment.resize override both, and so does --protocol for the crops.
    """
    with run.step(spec):
        from inception_dsl.training.plan import plan

        own, settings = variant.split()
        planned = plan(own.load(spec), settings, data)  # before torch is imported, which takes seconds
        from inception_dsl.evaluation.evaluate import evaluate_file
        from inception_dsl.evaluation.trained import trained

        network = trained(planned, weights, split, settings.keys(), protocol, spec)
        run.diagnostics += network.warnings
        for note in network.notes:
            run.echo(note)
        images, count = network.images, min(limit or len(network.reader), len(network.reader))
        scores = evaluate_file(
            network.module,
            network.reader,
            images.config,
            network.context,
            protocols=[name.strip() for name in (protocol or "recipe").split(",")],
            limit=limit,
            batch=batch,
            out=out,
            view=images.view,
            show=lambda done: run.waiting.note(f"{spec}: {done:,} of {count:,} images"),
        )
    run.result = {**scores.data, "images": images.sentence}
    run.echo(scores.text(columns()))
