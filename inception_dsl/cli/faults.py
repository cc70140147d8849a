"""Exceptions as diagnostics: bad input, a missing library, the file system, or a bug of this program."""

from __future__ import annotations

import errno
import os
import sys
from typing import Final

from inception_dsl.build import missing
from inception_dsl.diagnostics.codes.plugins import UNUSABLE_PLUGIN
from inception_dsl.diagnostics.codes.tool import CANNOT_READ_FILE, CANNOT_WRITE_FILE, INTERNAL_ERROR, UNUSABLE_INPUT
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import raised
from inception_dsl.files.paths import reason

_POSIX: Final = {"fcntl", "resource"}
"""Modules of the standard library that training needs and Windows lacks."""
_WRITING: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}


def diagnose(error: Exception, command: str = "", spec: str = "") -> SpecError:
    """Turn any exception into diagnostics; E901 is for one that no input should cause.

    `command` is the command line and `spec` the spec that it was about, if they are known.
    """
    from inception_dsl.runner.base.settings import RunError

    if isinstance(error, SpecError):
        return error
    if isinstance(error, RunError):
        path = str(error).partition(": ")[0]
        return SpecError([Diagnostic(UNUSABLE_INPUT, str(error), file=path if os.path.exists(path) else "")])
    if whose := _plugin(error):
        hint = "report it to the authors of the plugin\n`--traceback` shows where it happened"
        return SpecError([Diagnostic(UNUSABLE_PLUGIN, f"the plugin {whose} raises {raised(error)}", help=hint)])
    if isinstance(error, ModuleNotFoundError) and error.name in _POSIX:
        message = f"training runs on Linux and macOS: this Python has no `{error.name}`"
        return SpecError(
            [Diagnostic(UNUSABLE_INPUT, message, help="on Windows, train under WSL; the other commands work here")]
        )
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("inception_dsl"):
        return missing(error.name or "torch")
    if isinstance(error, OSError) and error.errno:
        code, verb = (CANNOT_WRITE_FILE, "write") if error.errno in _WRITING else (CANNOT_READ_FILE, "read")
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
        message = f"cannot {verb} {f'`{path}`' if path else 'a file'}: {reason(error)}"
        return SpecError([Diagnostic(code, message, file=path)])
    return SpecError([_internal_error(error, command, spec)])


def _plugin(error: Exception) -> str:
    """The plugin that raised an exception; "" if none did, or none is loaded."""
    if "inception_dsl.plugins.offers" not in sys.modules:
        return ""
    from inception_dsl.plugins.offers import raised_by

    return raised_by(error)


def _internal_error(error: Exception, command: str, spec: str) -> Diagnostic:
    from inception_dsl.cli import versions

    hint = f"please report it, with {'the spec and ' if spec else ''}the command: {command or 'what you did'}"
    return Diagnostic(
        INTERNAL_ERROR,
        f"{f'`{spec}`: ' if spec else ''}internal error in inception-dsl {versions.tool()}: {raised(error)}",
        help=f"{hint}\n`--traceback` shows where it happened",
    )
