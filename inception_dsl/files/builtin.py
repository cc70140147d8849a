"""The specs that come with the tool: `builtin:googlenet` can be used wherever a path of a spec can."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from inception_dsl.diagnostics.codes.tool import CANNOT_READ_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import did_you_mean
from inception_dsl.files import folders

PREFIX: Final = "builtin:"
"""The prefix of built-in specs; alone, it is the folder of all of them."""

SUFFIX: Final = ".yaml"


def folder() -> str:
    """Their folder: inside an installed package, beside the package in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = os.path.join(package, "specs")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "specs")


def spec_names(group: str = "") -> list[str]:
    """The names of the built-in specs and of the file of claims, or those below a group: `nin`, `zoo/resnet18`."""
    try:
        files = [*folders.walk(os.path.join(folder(), group))]
    except OSError:
        return []
    return ["/".join(filter(None, (group, file.removesuffix(SUFFIX)))) for file in files if file.endswith(SUFFIX)]


def groups() -> list[str]:
    """The folders of built-in specs below the main one, such as `ablations/googlenet_bn_small`."""
    parts = (name.split("/")[:-1] for name in spec_names())
    return sorted({"/".join(above[: i + 1]) for above in parts for i in range(len(above))})


def group_of(path: str) -> str | None:
    """The group that a path means, "" for the main folder; None if it means no folder of built-in specs."""
    name = path.removeprefix(PREFIX).rstrip("/")
    return name if path.startswith(PREFIX) and (not name or name in groups()) else None


def full(path: str) -> str:
    """The full name of a built-in spec: `builtin:zoo/resnet18.yaml` of `builtin:resnet18`; other paths are unchanged.

    The folder may be left out where no other built-in spec has the name.
    """
    if not path.startswith(PREFIX) or group_of(path) is not None:
        return path
    name = path.removeprefix(PREFIX).removesuffix(SUFFIX)
    found = [known for known in spec_names() if known.rpartition("/")[2] == name]
    return f"{PREFIX}{found[0] if len(found) == 1 else name}{SUFFIX}"


def resolve(path: str) -> str:
    """The file of a built-in spec; other paths are returned unchanged.

    Raises `SpecError` E001 for an unknown built-in spec.
    """
    if not path.startswith(PREFIX):
        return path
    name, known = full(path).removeprefix(PREFIX).removesuffix(SUFFIX), spec_names()
    if name not in known:
        hint = did_you_mean(name, [*known, *_short(known)]) or "`inception-dsl specs` lists them"
        raise SpecError([Diagnostic(CANNOT_READ_FILE, f"there is no built-in spec `{name}`", help=hint)])
    return os.path.join(folder(), f"{name}{SUFFIX}")


def _short(names: Iterable[str]) -> list[str]:
    """Names without their folders."""
    return [name.rpartition("/")[2] for name in names]


def namesake(path: str | os.PathLike[str]) -> str:
    """Suggest the built-in spec with the same name as a path's file, as a help line; empty if there is none."""
    name = os.path.basename(os.fspath(path)).removesuffix(SUFFIX)
    return f"did you mean the built-in `{PREFIX}{name}{SUFFIX}`?" if name in _short(spec_names()) else ""
