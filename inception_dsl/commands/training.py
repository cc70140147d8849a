"""The commands about training: run it, look at it, judge what came out, and judge the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from inception_dsl import compiler
from inception_dsl.console import Run, chosen, training_settings, variant_options
from inception_dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from torch import nn

    from inception_dsl.evaluation import Evaluation
    from inception_dsl.ir import Typed
    from inception_dsl.recipe import Recipe

T = TypeVar("T")

SPEC = click.argument("spec", type=click.Path())
FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
FORM = click.option(
    "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True, help="Output."
)
DATA = "Where the images are: folder:DIR, csv:FILE, idx:DIR, parquet:DIR, wds:DIR, ... or builtin:fashion-mini."


@click.command()
@SPEC
@click.option("--data", metavar="SOURCE", help=DATA)
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder. [default: runs/<network>]")
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True, help="One a GPU, under torchrun.")
@click.option("--resume", default="auto", show_default=True, help="auto, never, or a checkpoint's file.")
@click.option("--steps", type=click.IntRange(1), help="End when so many steps are done, whatever the schedule.")
@click.option("--deterministic", is_flag=True, help="The same bits on a GPU each time; slower.")
@click.option("--force", is_flag=True, help="Overwrite an edited train.py; resume what does not fit.")
@variant_options
def train(
    spec: str,
    data: str | None,
    out: Path | None,
    processes: int,
    resume: str,
    steps: int | None,
    deterministic: bool,
    force: bool,
) -> None:
    """Write a run's folder with its own train.py, train there, and export what came out.

    --set takes the recipe's numbers too, by group: --set optim.lr=0.02. A run that was stopped goes on where it was.
    Exit codes: 0 done, 75 preempted (start it again), 1 failed, 2 could not run.
    """
    from inception_dsl import output
    from inception_dsl.training import launch

    run = Run("text")
    settings = training_settings()
    prepared = run.attempt(lambda: _prepared(run, spec, settings, data))
    folder = out or Path("runs") / (prepared[0].program.name if prepared else "")
    if prepared is None or run.attempt(lambda: output.write(_files(*prepared, spec), folder, force)) is None:
        run.finish()
        return
    arguments = ["--out", str(folder), "--resume", resume, *(["--steps", str(steps)] if steps else [])]
    arguments += [f"--{name}" for name, given in (("deterministic", deterministic), ("force", force)) if given]
    code = launch.launch(folder, arguments, processes)
    if code:
        sys.exit(code)
    run.attempt(lambda: _export(run, spec, folder))
    run.finish()


def _prepared(run: Run, spec: str, settings: dict[str, str], data: str | None) -> tuple[Typed, Recipe]:
    """The network and the recipe of a run, with the data set it is told."""
    from inception_dsl.recipe import recipe
    from inception_dsl.runner.settings import RunError, setting

    typed = compiler.at_size(run.compile(spec))
    stated = recipe(typed.program)
    if stated is None:
        hint = "write `training: {recipe: modern}`"
        raise SpecError([Diagnostic("E104", f"`{typed.program.file}` says nothing of training", help=hint)])
    config = stated.config()
    try:
        for key, text in settings.items():
            config = setting(config, key, text)
            group, _, name = key.partition(".")
            value = getattr(getattr(config, group), name)
            stated = stated.with_values({group: {name: value}}, {key: "--set"})
    except RunError as error:
        raise click.UsageError(str(error)) from None
    place = _place(data or config.data.source)
    return typed, stated.with_values({"data": {"source": place}}, {"data.source": "--data"} if data else {})


def _place(data: str) -> str:
    """A data set's place as the runner is told it."""
    from inception_dsl.data import builtin

    kind, _, path = data.partition(":")
    if not data:
        raise click.UsageError(f"say where the images are with --data. {DATA}")
    if kind == "builtin":
        try:
            return f"idx:{builtin(path)}"
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    return f"{kind}:{Path(path).absolute()}" if path and Path(path).exists() else data


def _files(typed: Typed, recipe: Recipe, spec: str) -> dict[str, bytes]:
    """What a run's folder holds before it starts."""
    from inception_dsl.emit import pytorch, runner

    texts = {"model.py": pytorch.source(typed), **runner.files(typed, recipe)}
    texts["spec.yaml"] = compiler.print_resolved(spec, **chosen())
    return {name: text.encode() for name, text in texts.items()}


def _export(run: Run, spec: str, folder: Path) -> None:
    """Write the trained network's model card and its ONNX file beside its weights, and compare the two."""
    from inception_dsl import output
    from inception_dsl.emit import onnx
    from inception_dsl.training.card import write_card
    from inception_dsl.weights import deploy
    from inception_dsl.weights.transfer import weights_of

    write_card(folder / "model", (folder / "model.py").read_text(encoding="utf-8"))
    classes = len((folder / "classes.txt").read_text(encoding="utf-8").splitlines())
    typed, file = _of_classes(spec, classes), folder / "model" / "model.onnx"
    held = weights_of(typed, file.with_name("model.safetensors"), heads=False)
    for path in output.write(deploy.files(typed, held, file.name, opset=onnx.NEWEST, heads=False), file.parent):
        run.echo(f"wrote {path}")
    comparison = deploy.compared(typed, held, file, heads=False)
    run.diagnostics += comparison.findings(file)
    if not run.diagnostics:
        run.echo(comparison.sentence)


def _of_classes(spec: str, classes: int) -> Typed:
    """A spec's network for as many classes as a data set has."""
    return compiler.at_size(compiler.compile_spec(replace(compiler.load(spec, **chosen()), classes=classes)))


@click.command("eval")
@SPEC
@click.argument("weights", type=click.Path(path_type=Path))
@click.option("--data", metavar="SOURCE", help=DATA)
@click.option("--split", type=click.Choice(("train", "test")), default="test", show_default=True, help="Its images.")
@click.option("--protocol", default="recipe", show_default=True, help="Crops: of recipe, 1, 10, 144, central.")
@click.option("--limit", type=click.IntRange(1), help="Take so many images, always the same ones.")
@click.option("--batch", type=click.IntRange(1), default=64, show_default=True, help="Crops at a time.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for predictions, scores and tables.")
@variant_options
@FORM
def evaluate(
    spec: str,
    weights: Path,
    data: str | None,
    split: str,
    protocol: str,
    limit: int | None,
    batch: int,
    out: Path | None,
    form: str,
) -> None:
    """Score a network's WEIGHTS on a data set: by its recipe's view of an image, or 1, 10 or 144 crops as papers do.

    Images are prepared as the spec's recipe says; --set takes its numbers, such as --set augment.resize=320.
    """
    from inception_dsl.evaluation import evaluate_file
    from inception_dsl.runner.devices import place
    from inception_dsl.runner.readers import open_images

    run = Run(form)
    settings = training_settings()

    def scored() -> None:
        _, recipe = _prepared(run, spec, settings, data)
        config = recipe.config()
        reader = open_images(config.data.source, split)
        network, here = _loaded(_of_classes(spec, len(reader.classes)), weights), place()
        protocols = [each.strip() for each in protocol.split(",")]
        found = evaluate_file(
            network.to(here.device), reader, config, here, protocols=protocols, limit=limit, batch=batch, out=out
        )
        _show(run, found)

    _attempt(run, scored)
    run.finish()


def _loaded(typed: Typed, file: Path) -> nn.Module:
    """The network with the weights of a file, without its heads."""
    import torch

    from inception_dsl.build import build
    from inception_dsl.emit import pytorch
    from inception_dsl.weights.transfer import weights_of

    network = build(pytorch.source(typed), typed.program.name)
    for head in typed.heads:
        delattr(network, head)  # only training runs them
    held = weights_of(typed, file, heads=False)
    network.load_state_dict({name: torch.from_numpy(each) for name, each in held.items()})
    return network.eval()


@click.command()
@FILES
@click.option("--out", type=click.Path(path_type=Path), help="Folder for predictions, scores and tables.")
@FORM
def ensemble(files: tuple[Path, ...], out: Path | None, form: str) -> None:
    """Score networks together, from the predictions.npz that `eval --out` wrote for each: none is run again."""
    from inception_dsl.evaluation import ensemble_files

    run = Run(form)
    _attempt(run, lambda: _show(run, ensemble_files(files, out=out)))
    run.finish()


@click.command()
@FILES
@click.option("--out", type=click.Path(path_type=Path), default="curves.png", show_default=True, help="A .png or .svg.")
def plot(files: tuple[Path, ...], out: Path) -> None:
    """Draw the curves of runs: loss with the heads', accuracy, learning rate, images a second."""
    from inception_dsl.training.plot import plot

    run = Run("text")
    _attempt(run, lambda: plot(files, out))
    if not run.diagnostics:
        run.echo(f"wrote {out}")
    run.finish()


def _show(run: Run, found: Evaluation) -> None:
    import json

    run.result |= json.loads(found.json)
    run.echo(str(found))


def _attempt(run: Run, action: Callable[[], T]) -> T | None:
    """As `run.attempt`, for what stops with a `RunError` too."""
    from inception_dsl.runner.settings import RunError

    def told() -> T:
        try:
            return action()
        except RunError as error:
            raise SpecError([Diagnostic("E008", str(error))]) from None

    return run.attempt(told)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write what was found as JSON, to go with a bug report.")
@click.option("--device", default="", help="Test one device only, such as cpu. [default: each]")
def doctor(out: Path | None, device: str) -> None:
    """Check the installation, and each device by a short training: loss, resume, bf16, collectives, speed."""
    from inception_dsl.training.doctor import doctor

    run = Run("text")
    if code := _attempt(run, lambda: doctor(device, out)):
        sys.exit(code)
    run.finish()
