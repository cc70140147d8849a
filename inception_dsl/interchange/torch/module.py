"""A network that a callable of Python makes: `torchvision.models:googlenet`. Its module is imported and run."""

from __future__ import annotations

import ast
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, Final
from unittest.mock import patch

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from inception_dsl.diagnostics.codes.interchange import NOT_A_MODULE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import alike, did_you_mean, listing, raised, suggestion
from inception_dsl.interchange.torch.foreign import quiet

DRAWS: Final = (torch.Tensor.uniform_, torch.Tensor.normal_)
"""What fills the tensors of a new module with random numbers."""

TRACEBACK: Final = "`--traceback` shows where it happened"


def make_module(target: str, arguments: Mapping[str, str], values: bool = False) -> nn.Module:
    """The network that `package.module:callable` gives with some arguments, which are literals of Python or words.

    The callable may also be a module itself. It downloads nothing; what it fills with random numbers is 0, unless
    `values` asks for them. Raises `SpecError` E141 for a target that cannot be imported or called, or that gives no
    `nn.Module`.
    """
    name, _, attribute = target.partition(":")
    given = {key: _literal(text) for key, text in arguments.items()}
    with _offline(), quiet():
        found = _attribute(target, _imported(target, name), attribute)
        try:
            with nullcontext() if values else _Undrawn():
                made = found if isinstance(found, nn.Module) else found(**given)
        except (Exception, SystemExit) as error:
            hint = _signature(found) if isinstance(error, TypeError) else TRACEBACK
            raise _refused(f"`{target}` cannot be called: {_raised_at(error)}", hint) from error
    if not isinstance(made, nn.Module):
        raise _refused(f"`{target}` gives {type(made).__name__}, and no `nn.Module`", _signature(found))
    return made


class _Undrawn(TorchFunctionMode):
    """Tensors are not filled with random numbers, which takes long; numbers that the code itself gives stay."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return args[0].zero_() if func in DRAWS else func(*args, **(kwargs or {}))


def _imported(target: str, name: str) -> Any:
    """The module of Python of a target."""
    try:
        return import_module(name)
    except (Exception, SystemExit) as error:
        hint = TRACEBACK
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise _refused(f"`{target}`: there is no module `{error.name}`", _similar(error.name or "")) from None
        if isinstance(error, ModuleNotFoundError):
            hint = f"install `{error.name}`, which it imports"
        if isinstance(error, SystemExit):
            hint = "what it does as a program belongs below `if __name__ == '__main__':`"
        raise _refused(f"`{name}` cannot be imported: {_raised_at(error)}", hint) from error


def _attribute(target: str, found: Any, names: str) -> Any:
    """What a module has under some names, with dots between them."""
    for name in names.split("."):
        try:
            found = getattr(found, name)
        except Exception as error:
            hint = did_you_mean(name, dir(found)) if isinstance(error, AttributeError) else TRACEBACK
            raise _refused(f"`{target}` is not there: {_raised_at(error)}", hint) from error
    return found


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


@contextmanager
def _offline() -> Iterator[None]:
    """Modules are searched for in the current folder too; keras runs on torch; no code reaches the network."""

    def refuse(host: object, *_: object, **__: object) -> None:
        raise ValueError(f"it reads from {host}: choose arguments with which it has no trained weights")

    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        with patch("socket.getaddrinfo", refuse), patch.dict(os.environ, KERAS_BACKEND="torch"):
            yield
    finally:
        with suppress(ValueError):  # the code may have changed the path
            sys.path.remove(folder)


def _raised_at(error: BaseException) -> str:
    """An exception, and the line of a file in this folder that raises it or calls what does."""
    here = f"{os.getcwd()}{os.sep}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(here)]
    place = f", at {frames[-1].filename.removeprefix(here)}:{frames[-1].lineno}" if frames else ""
    return f"{raised(error)}{place}"


def _similar(name: str) -> str:
    """Suggest modules for one that is missing; or say where they are looked for."""
    above, _, last = name.rpartition(".")
    spec = None
    with suppress(ImportError, ValueError):
        spec = find_spec(above) if above else None
    places = list(spec.submodule_search_locations or ()) if spec else None
    found = alike(last, [each.name for each in iter_modules(places)])
    suggested = suggestion(f"{above}.{each}".lstrip(".") for each in found)
    return suggested or "modules are looked for in this folder, and among those that are installed"


def _signature(function: Any) -> str:
    """The arguments that a callable takes."""
    with suppress(ValueError, TypeError):
        taken = [
            f"{name}={each.default!r}" if each.default is not each.empty else name
            for name, each in inspect.signature(function).parameters.items()
            if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        ]
        return f"it takes {listing(taken, ',')}, as `--arg NAME=VALUE`" if taken else "it takes no arguments"
    return "name a function or class that makes the network"


def _refused(message: str, hint: str) -> SpecError:
    return SpecError([Diagnostic(NOT_A_MODULE, message, help=hint)])
