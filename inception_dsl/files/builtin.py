"""The specs that come with the tool: `builtin:googlenet` can be used wherever a path of a spec can."""

from __future__ import annotations

import os
from typing import Final

from inception_dsl.diagnostics.codes.tool import CANNOT_READ_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import did_you_mean

PREFIX: Final = "builtin:"
"""The prefix of built-in specs; alone, it is the folder of all of them."""

SUFFIX: Final = ".yaml"


def folder() -> str:
    """Their folder: inside an installed package, beside the package in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = os.path.join(package, "specs")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "specs")


def spec_names() -> list[str]:
    """The sorted names of the built-in specs and of the file of claims."""
    try:
        return sorted(file.removesuffix(SUFFIX) for file in os.listdir(folder()) if file.endswith(SUFFIX))
    except OSError:
        return []


def full(path: str) -> str:
    """The full name of a built-in spec, `builtin:googlenet.yaml`; other paths are returned unchanged."""
    return path if not path.startswith(PREFIX) or path.endswith((PREFIX, SUFFIX)) else f"{path}{SUFFIX}"


def resolve(path: str) -> str:
    """The file of a built-in spec; other paths are returned unchanged.

    Raises `SpecError` E001 for an unknown built-in spec.
    """
    if not path.startswith(PREFIX):
        return path
    name, known = path.removeprefix(PREFIX).removesuffix(SUFFIX), spec_names()
    if name not in known:
        hint = did_you_mean(name, known) or "`inception-dsl specs` lists them"
        raise SpecError([Diagnostic(CANNOT_READ_FILE, f"there is no built-in spec `{name}`", help=hint)])
    return os.path.join(folder(), f"{name}{SUFFIX}")


def namesake(path: str | os.PathLike[str]) -> str:
    """Suggest the built-in spec with the same name as a path's file, as a help line; empty if there is none."""
    name = os.path.basename(os.fspath(path)).removesuffix(SUFFIX)
    return f"did you mean the built-in `{PREFIX}{name}{SUFFIX}`?" if name in spec_names() else ""
