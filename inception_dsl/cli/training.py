"""The commands about training: run it, look at it, and judge what came out."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from inception_dsl import compiler
from inception_dsl.cli.run import Readable, Run, chosen, form_option, training_settings, variant_options
from inception_dsl.diagnostics.codes.yaml import MISSING_KEY
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.text.terminal import columns

if TYPE_CHECKING:
    from inception_dsl.evaluation.evaluate import Evaluation
    from inception_dsl.ir.typed import Typed
    from inception_dsl.recipes.recipe import Recipe
    from inception_dsl.spec.network import NetworkSpec

SPEC = click.argument("spec", type=click.Path())
FILES = click.argument("files", nargs=-1, required=True, type=Readable())
FORM = form_option("text", "json")
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
    """Train a network in a folder of its own, and export it.

    --set takes the recipe's numbers too, by group: --set optim.lr=0.02. A run that was stopped goes on where it was.
    Exit codes: 0 done, 75 preempted (start it again), 1 failed, 2 could not run.
    """
    from inception_dsl.training import launch

    run = Run("text")
    settings = training_settings()
    prepared = run.attempt(lambda: _prepared(run, spec, settings, data), spec)
    if out == Path():
        raise click.UsageError("--out is empty; name the run's folder")
    folder = out or Path("runs") / (prepared[0].program.name if prepared else "")
    done = run.attempt(lambda: _written(*prepared, spec, folder, steps, force), spec) if prepared else None
    if done is None:
        run.finish()
    if not done or resume == "never":
        arguments = ["--out", str(folder), "--resume", resume, *(["--steps", str(steps)] if steps else [])]
        arguments += [f"--{name}" for name, given in (("deterministic", deterministic), ("force", force)) if given]
        code = launch.launch(folder, arguments, processes)
        if code == launch.PREEMPTED:
            saved = any((folder / "checkpoints").glob("step_*.pt"))
            run.echo(f"{f'saved at {folder}' if saved else 'stopped before the first step'}; the same command goes on")
        if code:
            sys.exit(code)
    run.attempt(lambda: _export(run, folder), spec, folder)
    run.finish()


def _prepared(run: Run, spec: str, settings: dict[str, str], data: str | None) -> tuple[Typed, Recipe]:
    """The network and the recipe of a run, with the data set it is told."""
    from inception_dsl.emit.pytorch import pytorch
    from inception_dsl.recipes.recipe import recipe
    from inception_dsl.runner.settings import RunError, with_setting

    typed = compiler.at_size(run.compile(spec))
    stated = recipe(typed.program)
    if stated is None:
        hint = "write `training: {recipe: modern}`"
        raise SpecError([Diagnostic(MISSING_KEY, f"`{spec}` has no `training`", help=hint, file=spec)])
    if "classes: int" not in pytorch.source(typed):
        hint = "write `{classes}` for the number of outputs of the last layer, as in `fc {classes}`"
        message = f"the number of classes of `{spec}` is fixed, whatever the data has"
        raise SpecError([Diagnostic(MISSING_KEY, message, help=hint, file=spec)])
    if size := [key for key in settings if key in {"data.channels", "data.height", "data.width"}]:
        raise click.UsageError(f"{size[0]} is the network's input: set `input` in the spec, or in one that extends it")
    config = stated.config()
    try:
        for key, text in settings.items():
            config = with_setting(config, key, text)
            group, _, name = key.partition(".")
            value = getattr(getattr(config, group), name)
            stated = stated.with_values({group: {name: value}}, {key: "--set"})
    except RunError as error:
        raise click.UsageError(str(error)) from None
    return typed, _from(stated, _anywhere(data or config.data.source), "--data" if data else None)


def _anywhere(data: str) -> str:
    """A data set's place as it is said in any folder."""
    if not data:
        raise click.UsageError(f"say where the images are with --data. {DATA}")
    kind, colon, path = data.partition(":")
    there = Path(path).expanduser() if path.startswith("~") else Path(path)
    return f"{kind}{colon}{there.absolute()}" if kind != "builtin" and path and there.exists() else data


def _place(data: str) -> str:
    """A data set's place as the runner is told it."""
    from inception_dsl.datasets.builtin import builtin

    kind, _, path = data.partition(":")
    try:
        return f"idx:{builtin(path)}" if kind == "builtin" else data
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _from(recipe: Recipe, data: str, note: str | None = None) -> Recipe:
    """The recipe with its images at a place, which a note says the origin of; else the note that there is."""
    key = "data.source"
    notes = {key: note} if note else {each: text for each, text in recipe.notes.items() if each == key}
    return recipe.with_values({"data": {"source": data}}, notes)


def _written(typed: Typed, recipe: Recipe, spec: str, folder: Path, steps: int | None, force: bool) -> bool:
    """Write what a run's folder holds before it starts; gives whether it is done already."""
    from inception_dsl.emit.pytorch import pytorch
    from inception_dsl.emit.runner import runner
    from inception_dsl.training import run_folder

    placed = _from(recipe, _place(recipe.values["data"]["source"]))
    texts = {"model.py": pytorch.source(typed), **runner.files(typed, placed)}
    texts["spec.yaml"] = run_folder.spec_of(compiler.load(spec, **chosen()), typed, recipe)
    files = {name: text.encode() for name, text in texts.items()}
    return run_folder.prepare(folder, files, typed, placed.config(), steps, force)


def _export(run: Run, folder: Path) -> None:
    """Write the trained network's model card, its curves and its ONNX file, and compare that with its weights.

    All of it comes from the run's folder: the spec that it was started with may have been changed since.
    """
    import json
    from importlib.util import find_spec

    from inception_dsl.emit.onnx import onnx
    from inception_dsl.files import output
    from inception_dsl.training.card import write_card
    from inception_dsl.training.plot import plot
    from inception_dsl.weights import deploy
    from inception_dsl.weights.transfer import load_weights

    write_card(folder / "model", (folder / "model.py").read_text(encoding="utf-8"))
    file = folder / "model" / "model.onnx"
    classes = len(json.loads(file.with_name("config.json").read_text(encoding="utf-8"))["label_names"])
    typed = _of_classes(compiler.load(folder / "spec.yaml"), classes)
    held = load_weights(typed, file.with_name("model.safetensors"), heads=False)
    made = deploy.onnx_files(
        typed, held.tensors, file.name, opset=onnx.NEWEST, heads=False, about=deploy.onnx_metadata(held)
    )
    run.wrote(output.write(made, file.parent))
    if find_spec("matplotlib"):
        plot([folder], folder / "curves.png")
        run.wrote([folder / "curves.png"])
    comparison = deploy.compare_with_pytorch(typed, held.tensors, file, heads=False)
    run.diagnostics += comparison.findings(file)
    if not run.errors:
        run.echo(comparison.sentence)


def _of_classes(spec: NetworkSpec, classes: int) -> Typed:
    """A spec's network for as many classes as a data set has."""
    return compiler.at_size(compiler.compile_spec(replace(spec, classes=classes)))


@click.command("eval")
@SPEC
@click.argument("weights", type=Readable())
@click.option("--data", metavar="SOURCE", help=DATA)
@click.option("--split", type=click.Choice(("train", "test")), default="test", show_default=True, help="Its images.")
@click.option("--protocol", help="Crops: of recipe, 1, 10, 144, central. [default: as the weights say, else recipe]")
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
    protocol: str | None,
    limit: int | None,
    batch: int,
    out: Path | None,
    form: str,
) -> None:
    """Score a network's weights on a data set.

    By one view of an image, or by 1, 10 or 144 crops as papers do. Images are prepared as `weights import` noted in the
    file of weights, else as the spec's recipe says. --set data.mean, data.std and augment.resize override both, and so
    does --protocol for the crops.
    """
    run = Run(form)
    settings = training_settings()

    def scored() -> None:
        from inception_dsl.evaluation import trained
        from inception_dsl.evaluation.evaluate import evaluate_file
        from inception_dsl.evaluation.preparation import choose_preparation
        from inception_dsl.runner.devices import init_distributed
        from inception_dsl.runner.readers import open_images
        from inception_dsl.weights.transfer import load_weights, preprocessing

        typed, recipe = _prepared(run, spec, settings, data)
        config = recipe.config()
        reader = open_images(_place(config.data.source), split)
        trained.check_classes(weights, reader.classes, config.data.source)
        made = _of_classes(compiler.load(spec, **chosen()), len(reader.classes))
        held, here = load_weights(made, weights, heads=False), init_distributed()
        wanted = preprocessing(held, weights)
        images = choose_preparation(wanted, config, spec, settings.keys(), protocol)
        run.diagnostics += filter(None, (trained.other_network(weights, held, typed), images.warning))
        for sentence in filter(None, (*held.notes, images.sentence)):
            run.echo(sentence)
        found = evaluate_file(
            trained.load_network(made, held).to(here.device),
            reader,
            images.config,
            here,
            protocols=[each.strip() for each in (protocol or "recipe").split(",")],
            limit=limit,
            batch=batch,
            out=out,
            view=images.view,
        )
        _show(run, found, images.sentence)

    run.attempt(scored, spec)
    run.finish()


@click.command()
@FILES
@click.option("--out", type=click.Path(path_type=Path), help="Folder for predictions, scores and tables.")
@FORM
def ensemble(files: tuple[Path, ...], out: Path | None, form: str) -> None:
    """Score networks together, without running them again.

    FILES are the predictions.npz that `eval --out` wrote for each.
    """
    run = Run(form)

    def scored() -> None:
        from inception_dsl.evaluation.evaluate import ensemble_files

        _show(run, ensemble_files(files, out=out))

    run.attempt(scored, file=files[0])
    run.finish()


@click.command()
@FILES
@click.option("--out", type=click.Path(path_type=Path), default="curves.png", show_default=True, help="A .png or .svg.")
def plot(files: tuple[Path, ...], out: Path) -> None:
    """Draw the curves of runs: loss, accuracy, learning rate, speed."""
    from inception_dsl.training.plot import plot

    run = Run("text")
    run.attempt(lambda: plot(files, out), file=files[0])
    if not run.errors:
        run.wrote([out])
    run.finish()


def _show(run: Run, found: Evaluation, images: str = "") -> None:
    import json

    run.result = {**json.loads(found.json), "images": images}
    run.echo(found.text(columns()))
