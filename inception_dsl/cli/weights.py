"""The commands that move weights: in from other libraries, back to them, and out as an ONNX file that holds them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from inception_dsl import compiler
from inception_dsl.cli.parameters import taps_option
from inception_dsl.cli.run import Readable, Run, form_option, variant_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from inception_dsl.ir.typed import Typed
    from inception_dsl.weights.transfer import Transfer

SPEC = click.argument("spec", type=click.Path())
FILE = click.argument("file", type=Readable())
FORM = form_option("text", "json")


@click.group()
def weights() -> None:
    """Read weights that other libraries trained, and give them back."""


@weights.command("import")
@SPEC
@FILE
@click.option(
    "--from",
    "library",
    type=click.Choice(("torchvision", "timm", "keras")),
    help="The library whose names the tensors have. [default: none: they have the spec's own]",
)
@click.option("--tag", default="", help="Which of the library's weights they are, for preprocessing; none: of others.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write. [default: <network>.safetensors]")
@click.option("--no-heads", is_flag=True, help="Leave the heads' weights out.")
@variant_options
@FORM
def import_(spec: str, file: Path, library: str | None, tag: str, out: Path | None, no_heads: bool, form: str) -> None:
    """Write a library's weights under the names of a spec.

    FILE is a .safetensors, .pt, .pth or .pth.tar file, or keras' .weights.h5, .h5 or .keras. Every tensor must be
    there, in its shape. The file that is written notes how the library prepares images, for `eval`.
    """
    from inception_dsl.weights.transfer import import_weights

    if tag and not library:
        raise click.UsageError("--tag names a set of a library's weights: say which library, with --from")
    _move(spec, file, out, form, lambda typed: import_weights(typed, file, library or "", heads=not no_heads, tag=tag))


@weights.command("export")
@SPEC
@FILE
@click.option("--to", "library", type=click.Choice(("torchvision", "timm")), required=True, help="Whose names.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write. [default: <network>.<library>.safetensors]"
)
@click.option("--no-heads", is_flag=True, help="Leave the heads' weights out.")
@variant_options
@FORM
def export_(spec: str, file: Path, library: str, out: Path | None, no_heads: bool, form: str) -> None:
    """Write a network's weights under a library's names."""
    from inception_dsl.weights.transfer import export_weights

    _move(spec, file, out, form, lambda typed: export_weights(typed, file, library, heads=not no_heads), f".{library}")


def _move(
    spec: str, file: Path, out: Path | None, form: str, how: Callable[[Typed], Transfer], suffix: str = ""
) -> None:
    from inception_dsl.files import output
    from inception_dsl.weights.files import safetensors

    if out and out.suffix != ".safetensors":
        raise click.UsageError(f"--out is a .safetensors file, not {str(out)!r}")
    run = Run(form)
    typed = run.attempt(lambda: compiler.at_size(run.compile(spec)), spec)
    moved = run.attempt(lambda: how(typed), spec, file) if typed else None
    if typed and moved:
        out = out or Path(f"{typed.program.name}{suffix}.safetensors")
        metadata = {"network": typed.program.name, **moved.metadata}
        if paths := run.attempt(lambda: output.write({out.name: safetensors(moved.weights, metadata)}, out.parent)):
            run.result = {"tensors": sorted(moved.weights), "left_over": sorted(moved.left)}
            for sentence in moved.sentences:
                run.echo(sentence)
            run.wrote(paths)
    run.finish()


@click.command()
@SPEC
@click.option(
    "--weights", "file", type=Readable(), help="Its weights: .safetensors, .pt or .pth, or a run's checkpoint."
)
@click.option(
    "--init", "seed", type=click.IntRange(0), help="Instead: fresh weights, drawn as model.py does with this seed."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx file to write.")
@click.option("--heads", is_flag=True, help="Give the heads' outputs too.")
@taps_option
@click.option("--opset", type=int, help="ONNX opset. [default: the newest that onnxruntime supports]")
@click.option("--no-verify", is_flag=True, help="Do not run the file beside the PyTorch network.")
@variant_options
@FORM
def export(
    spec: str,
    file: Path | None,
    seed: int | None,
    out: Path,
    heads: bool,
    taps: tuple[str, ...],
    opset: int | None,
    no_verify: bool,
    form: str,
) -> None:
    """Write a network and its weights as an ONNX file.

    The file runs by itself, and is compared with PyTorch.
    Its input is `input`, a batch of images; its outputs are `logits`, and the heads and taps by their names. Above 2 GB
    the weights go to a second file, OUT.data.
    """
    from inception_dsl.emit.onnx import onnx
    from inception_dsl.files import output
    from inception_dsl.weights import deploy
    from inception_dsl.weights.files import WeightFile
    from inception_dsl.weights.transfer import load_weights

    if (file is None) == (seed is None):
        raise click.UsageError("say which weights: either --weights FILE or --init SEED")
    run = Run(form)
    typed = run.attempt(lambda: compiler.at_size(run.compile(spec)), spec)
    if typed is None:
        run.finish()
    needed = heads or not {*typed.heads}.isdisjoint(taps)
    held = run.attempt(
        lambda: load_weights(typed, file, needed) if file else WeightFile(deploy.drawn(typed, seed or 0), {}),
        spec,
        file or spec,
    )
    about = deploy.onnx_metadata(held) if held else {}
    made = held and run.attempt(
        lambda: deploy.onnx_files(
            typed, held.tensors, out.name, opset=opset or onnx.NEWEST, heads=heads, taps=taps, about=about
        ),
        spec,
    )
    paths = made and run.attempt(lambda: output.write(made, out.parent))
    for note in held.notes if held else ():
        run.echo(note)
    run.wrote(paths or ())
    verify = bool(paths) and not no_verify
    comparison = (
        run.attempt(lambda: deploy.compare_with_pytorch(typed, held.tensors, out, heads, taps), spec, out)
        if held and verify
        else None
    )
    if comparison:
        run.diagnostics += comparison.findings(out)
        run.result = {"comparison": comparison._asdict()}
        if not run.errors:
            run.echo(comparison.sentence)
    run.finish()
