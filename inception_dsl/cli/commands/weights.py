"""`weights import` and `weights export`: weights under the names of other libraries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from inception_dsl import compiler
from inception_dsl.cli.options import FILE, SPEC, VariantOptions, variant_options
from inception_dsl.cli.run import CommandRun, output_formats

if TYPE_CHECKING:
    from inception_dsl.ir.typed import Typed
    from inception_dsl.weights.transfer import Transfer

TORCH_LIBRARIES: Final = ("torchvision", "timm", "pytorch-fid", "torch-fidelity", "facenet-pytorch", "pretrainedmodels")
"""The libraries of `weights.names` to which weights can be exported."""


@click.group()
def command() -> None:
    """Convert weights from and to other libraries."""


@command.command("import")
@SPEC
@FILE
@click.option(
    "--from",
    "library",
    type=click.Choice((*TORCH_LIBRARIES, "keras")),
    metavar="LIBRARY",
    help=f"Whose names the tensors have: {', '.join((*TORCH_LIBRARIES, 'keras'))}. [default: the spec's own names]",
)
@click.option(
    "--tag",
    default="",
    help="The library's name for these weights, which sets the preprocessing; `none` if they are not its own.",
)
@click.option("--out", type=click.Path(path_type=Path), help="File to write. [default: <network>.safetensors]")
@click.option("--no-heads", is_flag=True, help="Leave the heads' weights out.")
@variant_options
@output_formats("text", "json")
def import_weights(
    run: CommandRun,
    spec: str,
    file: Path,
    library: str | None,
    tag: str,
    out: Path | None,
    no_heads: bool,
    variant: VariantOptions,
) -> None:
    """Write a library's weights under the names of a spec.

    FILE is a .safetensors, .pt, .pth or .pth.tar file, or keras' .weights.h5, .h5 or .keras. Every tensor must be
    there, with its shape. The output records how the library prepares images, for `eval`.
    """
    from inception_dsl.weights import transfer

    if tag and not library:
        raise click.UsageError("--tag names a set of a library's weights: say which library with --from")
    _transfer(
        run,
        (spec, variant),
        file,
        out,
        lambda typed: transfer.import_weights(typed, file, library or "", heads=not no_heads, tag=tag),
    )


@command.command("export")
@SPEC
@FILE
@click.option(
    "--to",
    "library",
    type=click.Choice(TORCH_LIBRARIES),
    metavar="LIBRARY",
    required=True,
    help=f"Whose names to use: {', '.join(TORCH_LIBRARIES)}.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write. [default: <network>.<library>.safetensors]"
)
@click.option("--no-heads", is_flag=True, help="Leave the heads' weights out.")
@variant_options
@output_formats("text", "json")
def export_weights(
    run: CommandRun, spec: str, file: Path, library: str, out: Path | None, no_heads: bool, variant: VariantOptions
) -> None:
    """Write a network's weights under a library's names."""
    from inception_dsl.weights import transfer

    _transfer(
        run,
        (spec, variant),
        file,
        out,
        lambda typed: transfer.export_weights(typed, file, library, heads=not no_heads),
        f".{library}",
    )


def _transfer(
    run: CommandRun,
    source: tuple[str, VariantOptions],
    file: Path,
    out: Path | None,
    rename: Callable[[Typed], Transfer],
    suffix: str = "",
) -> None:
    """Rename the weights of a spec's network, and write them."""
    from inception_dsl.files.output import write
    from inception_dsl.weights.files import safetensors

    spec, variant = source
    if out and out.suffix != ".safetensors":
        raise click.UsageError(f"--out is `{out}`: expected a .safetensors file")
    with run.step(spec):
        typed = compiler.at_size(variant.compile(spec))
    with run.step(spec, file):
        renamed = rename(typed)
    out = out or Path(f"{typed.program.name}{suffix}.safetensors")
    with run.step():
        metadata = {"network": typed.program.name, **renamed.metadata}
        paths = write({out.name: safetensors(renamed.weights, metadata)}, out.parent)
    run.result = {"tensors": sorted(renamed.weights), "left_over": sorted(renamed.left)}
    for sentence in renamed.sentences:
        run.echo(sentence)
    run.record_written(paths)
