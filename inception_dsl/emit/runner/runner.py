"""Typed and its recipe -> `train.py`, with the recipe's numbers in it, and `support.py`, which that stands on."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from inception_dsl.elaborate.printer import print_program
from inception_dsl.emit.python import WIDTH, prose, quoted, wrapped
from inception_dsl.emit.pytorch.pytorch import class_name
from inception_dsl.emit.runner import pruning
from inception_dsl.emit.runner.pruning import Definition, Module
from inception_dsl.emit.templates import template
from inception_dsl.files.signature import signed
from inception_dsl.ir.typed import Typed
from inception_dsl.recipes.recipe import Recipe

SUPPORT: Final = (
    "settings",
    "randomness",
    "devices",
    "readers",
    "augment",
    "data",
    "checkpoint",
    "folder",
    "preflight",
    "progress",
    "export",
)
"""The modules of `runner/` that are one file, in its order; `readers` are all that begin with `reader`."""

TRAIN: Final = ("config", "optim", "schedule", "loss", "average", "evaluate", "engine")
"""Those of the other, where a recipe's numbers and the loop are."""

TABLES: Final = {
    "CROPS": "augment.crop",
    "INTERPOLATIONS": "augment.interpolation",
    "COLOURS": "augment.colour",
    "VIEWS": "augment.evaluation",
    "OPTIMISERS": "optim.name",
    "SCHEDULES": "schedule.name",
    "AVERAGES": "average.name",
}
"""The dispatch tables of `runner/`, and the settings whose words are their keys."""

KINDS: Final = {"": "folder", "builtin": "idx"}
"""What reads the data sets that are named otherwise than their reader."""

Kept = Sequence[tuple[Module, Sequence[Definition]]]


def files(typed: Typed, recipe: Recipe, rebuild: str = "") -> dict[str, str]:
    """The network's training runner as two Python files beside `model.py`: torch is all that they import from others.

    A number of the recipe stands in `train.py` as a literal, with its source. What no setting of it uses is left out.
    Their heads say the hash of the file's body, so that an edited one is known, and cite the command `rebuild`.
    """
    program = typed.program
    words = {f"{group}.{key}": each for group, keys in asdict(recipe.config()).items() for key, each in keys.items()}
    values = {f"{group}.{key}": words[f"{group}.{key}"] for group, keys in recipe.values.items() for key in keys}
    tables = {table: {words[key]} for table, key in TABLES.items()}
    kind = words["data.source"].partition(":")[0]
    tables["READERS"] = {"folder", KINDS.get(kind, kind)}
    kept = pruning.prune(_modules(), "main", tables)
    config = kept[-len(TRAIN)][0]
    used = {key for module, each in kept if module is not config for d in each for key in d.attributes}
    kept = [
        (module, [_configured(d, values, recipe.notes, used) for d in each] if module is config else each)
        for module, each in kept
    ]
    support, train = kept[: -len(TRAIN)], kept[-len(TRAIN) :]
    about = {"name": program.name, "title": program.title, "spec": fingerprint(typed)}
    network = class_name(program.name, program.title)
    shown = {
        "title": prose(program.title),
        "recipe": list(wrapped(prose(f"Recipe: {recipe.source}."))),
        "network": network,
    }
    bodies = {
        "train.py": _body(
            "runner/train.py", train, support, **shown, about={key: quoted(each) for key, each in about.items()}
        ),
        "support.py": _body("runner/support.py", support, train, title=prose(program.title)),
    }
    return {name: signed(body, prose(program.file), about["spec"], prose(rebuild)) for name, body in bodies.items()}


def _body(name: str, kept: Kept, others: Kept, **shown: Any) -> str:
    standard, foreign = pruning.imports(kept, ("typing", "TYPE_CHECKING") if name.endswith("support.py") else None)
    used = {each for _, definitions in kept for d in definitions for each in d.uses}
    borrowed = sorted(used & {each for _, definitions in others for d in definitions for each in d.defines})
    sections = [{"heading": module.heading, "code": _spaced(each)} for module, each in kept if each]
    return template(name).render(standard=standard, foreign=foreign, borrowed=borrowed, sections=sections, **shown)


def fingerprint(typed: Typed) -> str:
    """The sha256 of what the network is, whatever its file is called, its layout, and how it is trained."""
    return hashlib.sha256(print_program(replace(typed.program, training={})).encode()).hexdigest()


@lru_cache(maxsize=1)
def _modules() -> Sequence[Module]:
    folder = Path(__file__).parents[2] / "runner"
    names = [("reader*.py" if part == "readers" else f"{part}.py") for part in (*SUPPORT, *TRAIN)]
    found = [file for name in names for file in sorted(folder.glob(name))]
    return [pruning.read(file.read_text("utf-8"), "inception_dsl.runner") for file in found]


def _fields(definition: Definition) -> Iterator[tuple[str, ast.AnnAssign]]:
    """The settings of a group, by their full key."""
    if isinstance(definition.node, ast.ClassDef):
        for field in definition.node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                yield f"{definition.node.name.lower()}.{field.target.id}", field


def _configured(
    definition: Definition, values: Mapping[str, Any], notes: Mapping[str, str], used: set[str]
) -> Definition:
    """A group of settings with the recipe's values, each with its source, without those that nothing uses."""
    fields = {field.lineno: (key, field) for key, field in _fields(definition)}
    if not fields or (isinstance(definition.node, ast.ClassDef) and definition.node.name == "Config"):
        return definition
    first = (definition.node.end_lineno or 0) - len(definition.text.splitlines()) + 1
    lines = []
    for number, line in enumerate(definition.text.splitlines(), first):
        if number not in fields:
            lines.append(line)
            continue
        key, field = fields[number]
        if key not in used:
            continue
        code, _, comment = line.partition("  # ")
        if key in values:
            code = f"    {ast.unparse(field.target)}: {ast.unparse(field.annotation)} = {_literal(values[key])}"
        comment = prose(notes[key]) if key in notes else comment
        text = f"{code}  # {comment}" if comment else code
        lines += [text] if len(text) <= WIDTH else [*wrapped(comment, "    # ", "    # "), code]
    return Definition(definition.node, "\n".join(lines))


def _literal(value: Any) -> str:
    if isinstance(value, Mapping):
        entries = ", ".join(f"{quoted(name)}: {weight!r}" for name, weight in value.items())
        return f"field(default_factory=lambda: {{{entries}}})"
    return quoted(value) if isinstance(value, str) else repr(value)


def _spaced(definitions: Sequence[Definition]) -> str:
    """Definitions as text: two empty lines around functions and classes, none between constants."""
    text = ""
    for before, each in zip([None, *definitions], definitions, strict=False):
        tall = isinstance(each.node, ast.FunctionDef | ast.ClassDef)
        after = before and isinstance(before.node, ast.FunctionDef | ast.ClassDef)
        text += ("" if before is None else "\n\n\n" if tall or after else "\n") + each.text
    return text
