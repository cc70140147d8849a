"""The folder of a run before it starts: written by one command at a time, and never over another run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.runner import runner
from inception_dsl.files.output import write
from inception_dsl.files.paths import reason, unwritable
from inception_dsl.paper.inherited import resolved
from inception_dsl.runner.base.config import Config, NetworkInfo
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.images.data import steps_per_epoch
from inception_dsl.runner.learning.schedule import total_steps
from inception_dsl.runner.readers.reader import Reader
from inception_dsl.runner.record.checkpoint import FolderLock, check_identity, latest_checkpoint, load_checkpoint
from inception_dsl.runner.record.folder import run_identity
from inception_dsl.spec.network import read_spec
from inception_dsl.spec.printer import print_spec
from inception_dsl.spec.training_model import GROUPS
from inception_dsl.syntax import yaml
from inception_dsl.training.images import open_source
from inception_dsl.training.launch import status
from inception_dsl.training.plan import Plan, plan_for
from inception_dsl.training.start import WEIGHTS_FILE, Start, start_from


class Finished(NamedTuple):
    """A run that needs no further step: its folder, the steps that it has done, and those of its schedule."""

    folder: Path
    steps: int
    last: int

    @property
    def sentence(self) -> str:
        """What it has done, and how to go on."""
        if self.steps < self.last:
            done = f"{self.folder} has done {self.steps:,} of {self.last:,} steps"
            return f"{done}; to go on, leave --steps out, or set more"
        done = f"{self.folder} is finished: it has done its {self.steps:,} steps"
        return f"{done}; for another run choose a new --out; --init-from {self.folder} starts it from these weights"


def prepare(
    folder: Path,
    plan: Plan,
    steps: int | None,
    force: bool,
    report: Callable[[Start], None] | None = None,
    images: Reader | None = None,
) -> Finished | None:
    """Write the files that a run starts from; returns this very run if the folder holds it already, done.

    The network has the classes of the plan's images, which are listed unless `images` has them. `report` is called with
    what a run takes over from a file of weights. Nothing is written, and `RunError` raised, if the images cannot be
    opened, if a run is at work in the folder or, unless `force`, if its checkpoints are of another run. Raises
    `SpecError` for weights that do not fit, and for a file that cannot be written.
    """
    config = plan.runnable.config()
    images = open_source(config, "train") if images is None else images
    former = runner.former_fingerprint(plan.typed)
    start = start_from(plan, plan_for(plan, len(images.classes)), images, lambda: _latest_state(folder))
    own = start.plan
    network = runner.fingerprint(own.typed)
    files = _files(own, network) | ({WEIGHTS_FILE: start.content} if start.content else {})
    try:
        with FolderLock(folder):
            state = _latest_state(folder)
            if state and state["identity"].get("spec") == former:  # a run that version 0.1 has begun
                network, files = former, _files(plan, former)
            info = NetworkInfo(plan.typed.program.name, plan.typed.program.title, network)
            done = _finished(folder, state, own.runnable.config(), info, images, steps, force) if state else None
            write(files, folder, force)
    except OSError as error:
        raise unwritable(str(error.filename or folder), reason(error)) from None
    if report and start.data:
        report(start)
    return done


def _files(plan: Plan, network: str) -> dict[str, bytes]:
    """The files that a run starts from; `network` is the fingerprint that they state."""
    texts = {
        "model.py": pytorch.source(plan.typed),
        **runner.files(plan.typed, plan.runnable, spec=network),
        "spec.yaml": _spec(plan),
    }
    return {name: text.encode() for name, text in texts.items()}


def _spec(plan: Plan) -> str:
    """Print the spec of a run: it extends none, and states every value of the recipe as this run has it.

    Raises `SpecError` for a value that no spec can state.
    """
    recipe = plan.recipe
    values = {
        group: {key: recipe.values[group][key] for key in keys if key in recipe.values[group]}
        for group, keys in GROUPS.items()
    }
    notes = {f"{group}.{key}": recipe.notes.get(f"{group}.{key}") for group, keys in GROUPS.items() for key in keys}
    notes = {key: note for key, note in notes.items() if note}
    stated = {"source": recipe.source, **values, "notes": notes}
    flat = resolved(plan.spec, plan.typed.program.published)
    text = print_spec(replace(flat, training={key: value for key, value in stated.items() if value}))
    read_spec(yaml.parse(Source("the spec of this run", text)))
    return text


def _finished(
    folder: Path,
    state: dict[str, Any],
    config: Config,
    info: NetworkInfo,
    images: Reader,
    steps: int | None,
    force: bool,
) -> Finished | None:
    """The run with this state, if it has come to its end. Raises `RunError` if it is another run, unless `force`."""
    own = run_identity(config, info, images)
    there = {"transfer.sha256": repr(""), **state["identity"]}  # version 0.1 had no initial weights
    own = {key: value for key, value in own.items() if key in there}  # see `check_identity`
    if own.get("run.precision") == "auto":  # resolved by the run itself, which knows its device
        own["run.precision"] = there["run.precision"]
    if not force:
        other_network = there.get("spec") != own.get("spec")  # then much else differs too
        compared = ["spec"] if other_network else [*there]
        try:
            check_identity(
                {key: there.get(key, "") for key in compared}, {key: own.get(key, "") for key in compared}, force
            )
        except RunError as error:
            raise RunError(f"{folder}: {error}") from None
    last = total_steps(config, steps_per_epoch(len(images), config.data.batch))
    trained = own == there and state["step"] >= min(last, steps or last)
    done = trained and status(folder) == "done" and (folder / "model" / "model.safetensors").is_file()
    return Finished(folder, state["step"], last) if done else None


def _latest_state(folder: Path) -> dict[str, Any] | None:
    """The latest checkpoint of a folder. Raises `RunError` if all of them are broken."""
    with redirect_stderr(StringIO()):  # the run itself reports broken ones
        path = latest_checkpoint(folder / "checkpoints")
    return load_checkpoint(path) if path else None
