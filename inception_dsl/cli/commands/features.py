"""`features`: the outputs of an ONNX file for images."""

from __future__ import annotations

from pathlib import Path

import click

from inception_dsl.cli.options import Readable
from inception_dsl.cli.run import CommandRun, output_formats


@click.command()
@click.argument("model", type=Readable())
@click.argument("images", nargs=-1, required=True, metavar="IMAGE|DIR...", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .npz file to write.")
@click.option("--maps", is_flag=True, help="Keep the maps. [default: averaged over height and width]")
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Images in a batch.")
@output_formats("text", "json")
def command(run: CommandRun, model: Path, images: tuple[Path, ...], out: Path, maps: bool, batch: int) -> None:
    """Write the outputs of an ONNX file for images.

    MODEL is a file that `export` wrote, with outputs from --heads and --taps. onnxruntime runs it; torch is not needed.
    Images are prepared as the file's metadata states, and those below a folder are taken in sorted order. The .npz file
    has an array for each output, by its name, and the images' paths as `names`.
    """
    from inception_dsl.evaluation.features import features, find_images, open_network, to_npz
    from inception_dsl.files.output import check_writable, write

    if out.suffix != ".npz":
        raise click.UsageError(f"--out is `{out}`: expected a .npz file")
    with run.step(model):
        check_writable(out)
        network = open_network(model)
        files = find_images(images)
    run.echo(f"images: {network.images.sentence}, as `{model}` states")
    with run.step(model):
        found = features(network, files, batch, maps, run.waiting.on)
    names = [file.as_posix() for file in files]
    with run.step():
        paths = write({out.name: to_npz(names, found)}, out.parent)
    shapes = {name: [*values.shape[1:]] for name, values in found.items()}
    run.result = {"images": len(files), "outputs": shapes, "preprocessing": network.images.tag}
    sizes = (f"{name} {'x'.join(map(str, shape))}" for name, shape in shapes.items())
    run.echo(f"{len(files):,} {'image' if len(files) == 1 else 'images'}: {', '.join(sizes)}")
    run.record_written(paths)
