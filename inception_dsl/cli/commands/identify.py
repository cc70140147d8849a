"""`identify`: which spec somebody's network is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from inception_dsl.cli.options import SizeType, settings_option
from inception_dsl.cli.run import CommandRun, output_formats


@click.command()
@click.argument("target")
@click.option(
    "--among", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Specs of this folder, not ours."
)
@settings_option("--arg", "arguments", "An argument of the callable.")
@click.option("--size", type=SizeType(), help="Height and width of the images, where the network leaves them open.")
@output_formats("text", "json")
def command(
    run: CommandRun, target: str, among: Path | None, arguments: Mapping[str, str], size: tuple[int, int] | None
) -> None:
    """Find the spec of somebody's network, or the nearest.

    TARGET is an ONNX file, a file of weights (.safetensors, .pt, .pth), or package.module:callable,
    such as torchvision.models:googlenet: that module is imported, which runs it. Names play no part.
    Exits with 1 where no spec is exactly this network.
    """
    from inception_dsl.identify.identify import identify

    with run.step(file=target, failure=2):
        found = identify(target, among, size, arguments)
    run.exit_code = 0 if found.exact else 1
    run.result = found.data()
    for sentence in found.sentences:
        run.echo(sentence)
