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


def spec_names(group: str = "") -> list[str]:
    """The sorted names of the built-in specs and of the file of claims, or of the specs of a group."""
    try:
        files = os.listdir(os.path.join(folder(), group))
    except OSError:
        return []
    return sorted(os.path.join(group, file.removesuffix(SUFFIX)) for file in files if file.endswith(SUFFIX))


def groups() -> list[str]:
    """The folders of built-in specs below the main one, such as `ablations/googlenet_bn_small`."""
    top = folder()
    inside = (os.path.relpath(path, top) for path, _, files in os.walk(top) if any(map(_is_spec, files)))
    return sorted(group for group in inside if group != os.curdir)


def _is_spec(file: str) -> bool:
    return file.endswith(SUFFIX)


def group_of(path: str) -> str | None:
    """The group that a path means, "" for the main folder; None if it means no folder of built-in specs."""
    name = path.removeprefix(PREFIX).rstrip("/")
    return name if path.startswith(PREFIX) and (not name or name in groups()) else None


def full(path: str) -> str:
    """The full name of a built-in spec, `builtin:googlenet.yaml`; other paths are returned unchanged."""
    if not path.startswith(PREFIX) or path.endswith(SUFFIX) or group_of(path) is not None:
        return path
    return f"{path}{SUFFIX}"


def resolve(path: str) -> str:
    """The file of a built-in spec; other paths are returned unchanged.

    Raises `SpecError` E001 for an unknown built-in spec.
    """
    if not path.startswith(PREFIX):
        return path
    name = path.removeprefix(PREFIX).removesuffix(SUFFIX)
    group = os.path.dirname(name)
    known = spec_names(group) if group in ("", *groups()) else []
    if name not in known:
        hint = did_you_mean(name, known) or "`inception-dsl specs` lists them"
        raise SpecError([Diagnostic(CANNOT_READ_FILE, f"there is no built-in spec `{name}`", help=hint)])
    return os.path.join(folder(), f"{name}{SUFFIX}")


def namesake(path: str | os.PathLike[str]) -> str:
    """Suggest the built-in spec with the same name as a path's file, as a help line; empty if there is none."""
    name = os.path.basename(os.fspath(path)).removesuffix(SUFFIX)
    return f"did you mean the built-in `{PREFIX}{name}{SUFFIX}`?" if name in spec_names() else ""
