"""What a run starts from: weights of a file, made to fit, and the recipe that follows them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from inception_dsl.ir.typed import Typed
from inception_dsl.runner.base.files import file_sha256
from inception_dsl.runner.base.settings import RunError, listed_modules
from inception_dsl.runner.learning.initial_weights import is_inside
from inception_dsl.runner.readers.reader import Reader
from inception_dsl.training.plan import Plan
from inception_dsl.weights.files import safetensors
from inception_dsl.weights.initial import ORIGIN, InitialWeights, initial_weights
from inception_dsl.weights.modules import named_modules, spell_modules
from inception_dsl.weights.preprocessing import spell_channels

WEIGHTS_FILE: Final = "init.safetensors"
"""The file in a run's folder with exactly what the run takes over; all other weights are drawn."""


class Start(NamedTuple):
    """The plan of a run, with what it takes over from a file.

    `content` is that of the run's own file of weights; None for a run from scratch, and for one that goes on and needs
    no file. `sentences` and `data` report what was taken over.
    """

    plan: Plan
    content: bytes | None = None
    sentences: tuple[str, ...] = ()
    data: Mapping[str, Any] | None = None


def start_from(given: Plan, plan: Plan, images: Reader, latest: Callable[[], dict[str, Any] | None]) -> Start:
    """The start of a run by `plan`: that of `given`, for as many classes as the images have.

    `latest` gives the state of a run that goes on. Raises `SpecError` for weights that do not fit, and `RunError` for
    modules that are both frozen and drawn anew, or frozen where there are no weights.
    """
    file, transfer = plan.weights, plan.runnable.config().transfer
    if file is None:
        if transfer.freeze:
            why = "without weights to start from, what is drawn at random would never learn"
            raise RunError(f"--freeze {transfer.freeze}: {why}; add --init-from FILE, or leave it out")
        return Start(plan)
    if not file.exists() and (state := latest()) and "transfer.sha256" in state["identity"]:
        return Start(_as_begun(plan, state["identity"]))
    repeated = False
    if transfer.sha256 and file.is_file():
        if (found := file_sha256(file)) != transfer.sha256:
            raise RunError(f"{file}: not the file that the spec states: its sha256 is {found}, not {transfer.sha256}")
        repeated = given.spec.classes == plan.spec.classes  # the start of another run
    scale = "data.std" not in plan.given
    weights = initial_weights(plan.spec, file, listed_modules(transfer.new), images.classes, scale)
    new = named_modules(plan.typed, weights.new)
    for module in listed_modules(transfer.freeze):
        if both := next((name for name in new if is_inside(name, [module]) or is_inside(module, [name])), ""):
            raise RunError(f"--freeze {module}: {both} is drawn anew, so it has to learn; leave it out")
    if repeated:
        content, images_line = file.read_bytes(), ""
    else:
        plan, images_line = _follow(plan, weights)
        metadata = {**weights.metadata, "network": plan.typed.program.name}
        content = safetensors(weights.weights, metadata | ({ORIGIN: weights.origin} if weights.origin else {}))
        if new:
            reasons = list(dict.fromkeys(weights.new.values()))
            why = reasons[0] if len(reasons) == 1 else "; ".join(_reasons(plan.typed, weights.new))
            plan = plan.with_values({"transfer": {"new": ", ".join(new)}}, {"transfer.new": why})
    plan = plan.with_values({"transfer": {"weights": WEIGHTS_FILE, "sha256": sha256(content).hexdigest()}})
    loaded = named_modules(plan.typed, dict.fromkeys(name.rpartition(".")[0] for name in weights.weights))
    data = {
        "file": str(file),
        "origin": weights.origin,
        "loaded": loaded,
        "new": weights.new,
        "adapted": weights.adapted,
        "left": weights.left,
    }
    return Start(plan, content, tuple(_sentences(plan.typed, file, weights, loaded, images_line)), data)


def _as_begun(plan: Plan, identity: Mapping[str, str]) -> Plan:
    """The plan of a run that goes on, with the start that its checkpoint records."""
    names = ["transfer.sha256", "transfer.new", *(key for key in ("data.mean", "data.std") if key not in plan.given)]
    plan = plan.with_values({"transfer": {"weights": WEIGHTS_FILE}})
    for group, _, name in (key.partition(".") for key in names):
        value = ast.literal_eval(identity[f"{group}.{name}"])
        note = {f"{group}.{name}": "as when the run began"} if value else None
        plan = plan.with_values({group: {name: [*value] if isinstance(value, tuple) else value}}, note)
    return plan


def _follow(plan: Plan, weights: InitialWeights) -> tuple[Plan, str]:
    """The plan whose images are normalised as those of the weights were, unless the user says how; a sentence on it."""
    data = plan.runnable.config().data
    if weights.images is None:
        stated = f"mean {spell_channels(data.mean)}, std {spell_channels(data.std)}"
        return plan, f"images: {stated}, by the recipe: nothing says how those of the weights were prepared"
    wanted = weights.images.for_channels(data.channels)
    words = []
    for name in ("mean", "std"):
        own, theirs = (spell_channels(getattr(values, name)) for values in (data, wanted))
        if f"data.{name}" in plan.given:
            words.append(f"{name} {own} by `--set` (the weights: {theirs})")
            continue
        words.append(f"{name} {theirs}" + f" (the recipe: {own})" * (own != theirs))
        note = f"as the weights say: {wanted.whose}"
        plan = plan.with_values({"data": {name: [*getattr(wanted, name)]}}, {f"data.{name}": note})
    return plan, f"images: {', '.join(words)}, as the weights say ({wanted.whose})"


def _reasons(typed: Typed, reasons: Mapping[str, str]) -> Iterator[str]:
    """Which modules are drawn anew, reason by reason."""
    for reason in dict.fromkeys(reasons.values()):
        modules = named_modules(typed, [name for name, why in reasons.items() if why == reason])
        yield f"{spell_modules(typed, modules)} ({reason})"


def _sentences(typed: Typed, file: Path, weights: InitialWeights, loaded: list[str], images_line: str) -> Iterator[str]:
    yield from weights.notes
    origin = f" ({weights.origin})" if weights.origin else ""
    yield f"starts from `{file}`{origin}: {len(weights.weights)} tensors of {spell_modules(typed, loaded)}"
    if weights.new:
        yield f"drawn anew: {'; '.join(_reasons(typed, weights.new))}"
    if weights.adapted:
        yield f"adapted: {', '.join(f'{layer} ({change})' for layer, change in weights.adapted.items())}"
    if weights.kept:
        layers = ",".join(named_modules(typed, weights.kept))
        yield f"kept: {layers}, of as many classes as the images; if they are others, add `--set transfer.new={layers}`"
    if weights.left:
        modules = dict.fromkeys(name.partition(".")[0] for name in weights.left)
        yield f"left out: {len(weights.left)} tensors of the file, in {', '.join(modules)}"
    if images_line:
        yield images_line
