"""The specs that come with the tool: `builtin:googlenet` names one wherever the path of a spec may stand."""

from __future__ import annotations

import os
from typing import Final

from inception_dsl.diagnostics.codes.tool import CANNOT_READ_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import did_you_mean

PREFIX: Final = "builtin:"
"""What the name of a built-in spec begins with; alone, it is the folder of all of them."""

SUFFIX: Final = ".yaml"


def folder() -> str:
    """The folder that they lie in: inside the package where it is installed, beside it in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = os.path.join(package, "specs")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "specs")


def names() -> list[str]:
    """The names of all of them, and of the file of claims about them, sorted."""
    try:
        return sorted(file.removesuffix(SUFFIX) for file in os.listdir(folder()) if file.endswith(SUFFIX))
    except OSError:
        return []


def full(path: str) -> str:
    """The whole name of a built-in spec, `builtin:googlenet.yaml`; any other path as it is."""
    return path if not path.startswith(PREFIX) or path.endswith((PREFIX, SUFFIX)) else f"{path}{SUFFIX}"


def place(path: str) -> str:
    """The file that a path means, be it the name of a built-in spec or a path already.

    Raises `SpecError` E001 for a built-in spec that there is not.
    """
    if not path.startswith(PREFIX):
        return path
    name, known = path.removeprefix(PREFIX).removesuffix(SUFFIX), names()
    if name not in known:
        hint = did_you_mean(name, known) or "`inception-dsl specs` lists them"
        raise SpecError([Diagnostic(CANNOT_READ_FILE, f"there is no built-in spec `{name}`", help=hint)])
    return os.path.join(folder(), f"{name}{SUFFIX}")


def namesake(path: str | os.PathLike[str]) -> str:
    """Suggest the built-in spec that a path's file is called like, as a help line; empty where there is none."""
    name = os.path.basename(os.fspath(path)).removesuffix(SUFFIX)
    return f"did you mean the built-in `{PREFIX}{name}{SUFFIX}`?" if name in names() else ""
