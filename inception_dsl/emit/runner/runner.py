"""Typed and its recipe -> `train.py`, with the recipe's numbers in it; and `support.py`, which every network shares."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from inception_dsl.elaborate.printer import print_program
from inception_dsl.emit.python import LINE_LENGTH, quoted, single_line, wrapped
from inception_dsl.emit.pytorch.pytorch import class_name
from inception_dsl.emit.runner import bundle
from inception_dsl.emit.runner.bundle import PythonModule
from inception_dsl.emit.templates import template
from inception_dsl.files.signature import signed
from inception_dsl.ir.program import Program, Published
from inception_dsl.ir.typed import Typed
from inception_dsl.recipes.recipe import Recipe
from inception_dsl.spec.vocabulary.entry import DEFAULT_CLASSES

PACKAGE: Final = "inception_dsl.runner"
FOLDER: Final = Path(__file__).parents[2] / "runner"

TRAIN: Final = (
    *("learning.optim", "learning.schedule", "learning.loss", "learning.average"),
    *("loop.state", "loop.step", "loop.engine"),
)
"""The modules of `runner/` that are `train.py`, in its order. `support.py` is those they import from, and `COMMAND`."""

COMMAND: Final = "loop.command"
"""The module of `main`, which `train.py` ends with."""

FILES: Final = ("train.py", "support.py")


class Bundles(NamedTuple):
    """The modules of `runner/`, in the order in which they stand in the two files."""

    train: Sequence[PythonModule]
    support: Sequence[PythonModule]


def files(typed: Typed, recipe: Recipe, rebuild: str = "", spec: str = "") -> dict[str, str]:
    """The network's training runner as two Python files beside `model.py`; of what is not Python's, they import torch.

    `train.py` states the recipe, each number with its source, and `support.py` is the same for every network. A head
    holds the hash of each file's body, so that an edited one is known; that of `train.py` cites the command `rebuild`.
    `spec` is the fingerprint by which the runner knows the network, by default its own.
    """
    program, modules = typed.program, bundles()
    about = {"name": program.name, "title": program.title, "spec": spec or fingerprint(typed)}
    standard, foreign = bundle.imports(modules.train)
    groups = list(_groups(recipe))
    named = {"NetworkInfo", "Config", "main", *(name for name, _ in groups)}
    train = template("runner/train.py").render(
        title=single_line(program.title),
        recipe=list(wrapped(single_line(f"Recipe: {recipe.source}."))),
        network=class_name(program.name, program.title),
        about={key: quoted(text) for key, text in about.items()},
        groups=groups,
        standard=sorted({*standard, "import os", "import sys"}, key=lambda line: (line.startswith("from"), line)),
        foreign=foreign,
        borrowed=sorted({*bundle.borrowed(modules.train, modules.support), *named}),
        sections=modules.train,
    )
    origin = f"from {single_line(program.file)}"
    return {
        "train.py": signed(train, origin, {"Rebuild": single_line(rebuild), "sha256 of its network": about["spec"]}),
        "support.py": support(),
    }


def support() -> str:
    """What `train.py` of every network stands on."""
    modules = bundles().support
    standard, foreign = bundle.imports(modules)
    body = template("runner/support.py").render(standard=standard, foreign=foreign, sections=modules)
    return signed(body, "for the training of every network", {})


def fingerprint(typed: Typed) -> str:
    """The sha256 of what the network is.

    Its file and layout, printed and reported numbers, the number of classes and the training do not count.
    """
    program = replace(typed.program, training={}, published=Published(), reported=())
    return _sha256(replace(program, env={**program.env, "classes": DEFAULT_CLASSES}))


def former_fingerprint(typed: Typed) -> str:
    """The fingerprint that version 0.1 gave to a network: printed numbers and the spec's own classes counted."""
    return _sha256(replace(typed.program, training={}, reported=()))


def _sha256(program: Program) -> str:
    return hashlib.sha256(print_program(program).encode()).hexdigest()


@lru_cache(maxsize=1)
def bundles() -> Bundles:
    """The modules, read and checked once. Raises `ValueError` for what cannot stand in one file."""
    modules = bundle.closure([*TRAIN, COMMAND], _module)
    bundle.check(modules)
    train = [module for module in modules if module.name in TRAIN]
    support = [module for module in modules if module.name not in TRAIN]
    if wrong := {*bundle.borrowed(support, train)}:
        raise ValueError(f"modules of `support.py` import {', '.join(sorted(wrong))} from those of `train.py`")
    return Bundles(train, support)


def _module(name: str) -> PythonModule:
    file = FOLDER.joinpath(*name.split(".")).with_suffix(".py")
    return bundle.parse_module(name, file.read_text("utf-8"), PACKAGE)


def _groups(recipe: Recipe) -> Iterator[tuple[str, list[str]]]:
    """What the recipe says, as arguments of `Config`: each group's class, and the lines between its parentheses."""
    for group, settings in vars(recipe.config()).items():
        lines = []
        for key, value in vars(settings).items():
            code, note = f"{key}={_literal(value)},", single_line(recipe.notes.get(f"{group}.{key}", ""))
            if not note and key not in recipe.values.get(group, {}):
                continue
            line = f"{code}  # {note}" if note else code
            fits = len(line) + 8 <= LINE_LENGTH
            lines += [line] if fits else [*(line.strip() for line in wrapped(note, "        # ", "        # ")), code]
        if lines:
            yield type(settings).__name__, lines


def _literal(value: Any) -> str:
    match value:
        case str():
            return quoted(value)
        case Mapping():
            return "{" + ", ".join(f"{quoted(key)}: {_literal(item)}" for key, item in value.items()) + "}"
    return repr(value)
