"""`export`: a network and its weights as one ONNX file."""

from __future__ import annotations

from pathlib import Path

import click

from inception_dsl import compiler
from inception_dsl.cli.options import SPEC, TAPS, Readable, VariantOptions, variant_options
from inception_dsl.cli.run import CommandRun, output_formats


@click.command()
@SPEC
@click.option("--weights", "file", type=Readable(), help="The weights: .safetensors, .pt, .pth, or a run's checkpoint.")
@click.option(
    "--init",
    "seed",
    type=click.IntRange(0),
    help="Instead of --weights: the initial weights of model.py for this seed.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx file to write.")
@click.option("--heads", is_flag=True, help="Add the heads' outputs.")
@TAPS
@click.option("--opset", type=int, help="ONNX opset. [default: the newest that onnxruntime supports]")
@click.option("--no-verify", is_flag=True, help="Do not compare the file with the PyTorch network.")
@variant_options
@output_formats("text", "json")
def command(
    run: CommandRun,
    spec: str,
    file: Path | None,
    seed: int | None,
    out: Path,
    heads: bool,
    taps: tuple[str, ...],
    opset: int | None,
    no_verify: bool,
    variant: VariantOptions,
) -> None:
    """Write a network and its weights as an ONNX file.

    The file needs nothing else to run, and is compared with PyTorch. Its input is `input`, a batch of images; its
    outputs are `logits`, and the heads and taps by their names. Above 2 GB the weights go to a second file, OUT.data.
    """
    from inception_dsl.emit.onnx import onnx
    from inception_dsl.files.output import write
    from inception_dsl.weights import deploy
    from inception_dsl.weights.drawn import draw
    from inception_dsl.weights.files import WeightFile
    from inception_dsl.weights.transfer import load_weights

    if (file is None) == (seed is None):
        raise click.UsageError("choose the weights: --weights FILE or --init SEED")
    with run.step(spec):
        typed = compiler.at_size(variant.compile(spec))
    needs_heads = heads or not {*typed.heads}.isdisjoint(taps)
    with run.step(spec, file or spec):
        weights = load_weights(typed, file, needs_heads) if file else WeightFile(draw(typed, seed or 0), {})
    for note in weights.notes:
        run.echo(note)
    with run.step(spec):
        files = deploy.onnx_files(
            typed,
            weights.tensors,
            out.name,
            opset=opset or onnx.NEWEST,
            heads=heads,
            taps=taps,
            metadata=deploy.onnx_metadata(weights),
        )
    with run.step():
        run.record_written(write(files, out.parent))
    if no_verify:
        return
    with run.step(spec, out):
        comparison = deploy.compare_with_pytorch(typed, weights.tensors, out, heads, taps)
    run.diagnostics += comparison.findings(out)
    run.result = {"comparison": comparison._asdict()}
    if not run.errors:
        run.echo(comparison.sentence)
