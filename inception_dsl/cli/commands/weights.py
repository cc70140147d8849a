"""`weights`: weights under the names of other libraries, and of another version of a spec."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from inception_dsl import compiler
from inception_dsl.cli.options import FILE, SPEC, Readable, VariantOptions, variant_options
from inception_dsl.cli.run import CommandRun, output_formats

if TYPE_CHECKING:
    from inception_dsl.ir.typed import Typed
    from inception_dsl.weights.migrate import Migrated
    from inception_dsl.weights.transfer import Transfer

TORCH_LIBRARIES: Final = ("torchvision", "timm", "pytorch-fid", "torch-fidelity", "facenet-pytorch", "pretrainedmodels")
"""The libraries of `weights.names` to which weights can be exported."""


@click.group()
def command() -> None:
    """Convert weights to other libraries and other specs, and back."""


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


@command.command("migrate")
@SPEC
@FILE
@click.option("--map", "migration", type=Readable(), required=True, help="The migration that `diff --map` wrote.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the tensors that are drawn anew.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write. [default: <network>.safetensors]")
@click.option("--no-heads", is_flag=True, help="Leave the heads' weights out.")
@variant_options
@output_formats("text", "json")
def migrate_weights(
    run: CommandRun,
    spec: str,
    file: Path,
    migration: Path,
    seed: int,
    out: Path | None,
    no_heads: bool,
    variant: VariantOptions,
) -> None:
    """Give a spec the weights of another version of it.

    FILE has the weights of the BEFORE of `diff BEFORE AFTER --map`, and SPEC is its AFTER, which may also be another
    spec. Values that are kept stay the same bit for bit; a tensor without one is drawn as the spec's `init` says.
    """
    from inception_dsl.syntax.source import read
    from inception_dsl.weights.migrate import migrate
    from inception_dsl.weights.migration import read_migration

    _check_suffix(out)
    typed = _compiled(run, (spec, variant))
    with run.step(migration):
        named = read_migration(read(migration))
    with run.step(spec, file):
        migrated = migrate(typed, file, named, str(migration), heads=not no_heads, seed=seed)
    run.result = {"kept": migrated.taken, "drawn": migrated.drawn, "dropped": migrated.dropped}
    _write(run, out or Path(f"{typed.program.name}.safetensors"), typed, migrated)


def _transfer(
    run: CommandRun,
    source: tuple[str, VariantOptions],
    file: Path,
    out: Path | None,
    rename: Callable[[Typed], Transfer],
    suffix: str = "",
) -> None:
    """Rename the weights of a spec's network, and write them."""
    _check_suffix(out)
    typed = _compiled(run, source)
    with run.step(source[0], file):
        renamed = rename(typed)
    run.result = {"tensors": sorted(renamed.weights), "left_over": sorted(renamed.left)}
    _write(run, out or Path(f"{typed.program.name}{suffix}.safetensors"), typed, renamed)


def _check_suffix(out: Path | None) -> None:
    if out and out.suffix != ".safetensors":
        raise click.UsageError(f"--out is `{out}`: expected a .safetensors file")


def _compiled(run: CommandRun, source: tuple[str, VariantOptions]) -> Typed:
    spec, variant = source
    with run.step(spec):
        return compiler.at_size(variant.compile(spec))


def _write(run: CommandRun, out: Path, typed: Typed, moved: Transfer | Migrated) -> None:
    """Write weights, and print what became of them."""
    from inception_dsl.files.output import write
    from inception_dsl.weights.files import safetensors

    with run.step():
        metadata = {"network": typed.program.name, **moved.metadata}
        paths = write({out.name: safetensors(moved.weights, metadata)}, out.parent)
    for sentence in moved.sentences:
        run.echo(sentence)
    run.record_written(paths)
