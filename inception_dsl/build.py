"""Generated PyTorch source -> a live module, without a file."""

from __future__ import annotations

import linecache
from types import ModuleType
from typing import TYPE_CHECKING

from inception_dsl.diagnostics.codes.tool import MISSING_DEPENDENCY
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError

if TYPE_CHECKING:
    from torch import nn


def build(source: str, name: str, num_classes: int | None = None) -> nn.Module:
    """Make the network of a generated file, initialised as its spec states, or by torch's defaults.

    `num_classes` None is the file's own number.

    Raises `SpecError` E005 where torch is not installed.
    """
    try:
        module = load_module(source, name)
    except ModuleNotFoundError as error:
        raise missing(error.name or "torch") from None
    (*_, network) = (value for value in vars(module).values() if getattr(value, "__module__", "") == name)
    instance: nn.Module = network() if num_classes is None else network(num_classes)
    return instance


def load_module(source: str, name: str) -> ModuleType:
    """Execute a generated file as a module, without adding it to `sys.modules`; tracebacks show its lines."""
    file = f"<generated {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    module = ModuleType(name)
    module.__file__ = file
    # The names in the file are checked and its texts are escaped, so it runs only code that the emitter wrote.
    exec(compile(source, file, "exec"), vars(module))  # noqa: S102
    return module


def missing(library: str, extra: str = "torch") -> SpecError:
    """The error for an optional library that is not installed (E005); it names the extra that installs it."""
    help_ = f"pip install 'inception-dsl[{extra}]'"
    return SpecError([Diagnostic(MISSING_DEPENDENCY, f"this needs `{library}`, which is not installed", help=help_)])
