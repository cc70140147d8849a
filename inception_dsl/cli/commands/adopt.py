"""`adopt`: somebody's network as a spec."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from inception_dsl.cli.options import SizeType, Written, settings_option
from inception_dsl.cli.run import CommandRun, output_formats
from inception_dsl.syntax import source as sources


@click.command()
@click.argument("target")
@settings_option("--arg", "arguments", "An argument of the callable.")
@click.option("--out", type=Written(".yaml"), help="The spec to write. [default: its name, in `specs` or here]")
@click.option("--weights", type=Written(".safetensors"), help="Write the weights too, under the spec's names.")
@click.option("--size", type=SizeType(), help="Height and width of the images, where the network leaves them open.")
@click.option("--values/--no-values", default=True, show_default=True, help="Compare the values of both.")
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@output_formats("text", "json")
def command(
    run: CommandRun,
    target: str,
    arguments: Mapping[str, str],
    out: Path | None,
    weights: Path | None,
    size: tuple[int, int] | None,
    values: bool,
    force: bool,
) -> None:
    """Write a spec for somebody's network.

    TARGET is an ONNX file, or package.module:callable, such as torchvision.models:googlenet: that module
    is imported, which runs it. The spec is compiled, and compared with the network as a graph and in
    values.
    """
    from inception_dsl.adopt.adopt import adopt
    from inception_dsl.adopt.names import valid
    from inception_dsl.adopt.values import names_of
    from inception_dsl.authoring.new import check_absent
    from inception_dsl.files.modeline import modeline, with_modeline
    from inception_dsl.files.output import check_writable, write
    from inception_dsl.interchange.network import read_network
    from inception_dsl.interchange.target import stem_of
    from inception_dsl.interchange.weights import transplanted
    from inception_dsl.weights.files import safetensors

    folder = Path(sources.SPECS) if Path(sources.SPECS).is_dir() else Path()
    with run.step(file=target, failure=2):
        out = out or folder / f"{valid(stem_of(target))}.yaml"
        for path in filter(None, (out, weights)):
            if not force:
                check_absent(path)
            check_writable(path)
        network = read_network(target, size, arguments)
    with run.step(file=target):
        found = adopt(network, out.stem, values)
    files = {out: with_modeline(found.text, modeline(out)).encode()}
    if weights:
        with run.step(file=target, failure=2):
            tensors = transplanted(found.spec.network.graph, found.typed, names_of(found.spec, found.typed))
            if tensors is None:
                raise click.UsageError(f"--weights {weights}: `{target}` has no values for its weights")
            files[weights] = safetensors(tensors, {"network": found.name})
    for path, content in files.items():
        with run.step(file=path):
            run.record_written(write({path.name: content}, path.parent, force=True))
    for sentence in found.sentences:
        run.echo(sentence)
    run.result = found.data()
    run.diagnostics += [finding.about(str(out)) for finding in found.findings]
