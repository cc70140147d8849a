"""A network that a callable of Python makes: `torchvision.models:googlenet`. Its module is imported and run."""

from __future__ import annotations

import ast
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from inception_dsl.diagnostics.codes.interchange import NOT_A_MODULE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import raised


def make_module(target: str, arguments: Mapping[str, str], values: bool = False) -> nn.Module:
    """The network that `package.module:callable` gives with some arguments, which are literals of Python or words.

    The callable may also be a module itself. It downloads nothing, and is made without values where it can be, unless
    `values` asks for them. Raises `SpecError` E141 for a target that cannot be imported or called, or that gives no
    `nn.Module`.
    """
    name, _, attribute = target.partition(":")
    given = {key: _literal(text) for key, text in arguments.items()}
    with _offline(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries warn of defaults that have no effect here
        try:
            found: Any = import_module(name)
            for part in attribute.split("."):
                found = getattr(found, part)
            made = found if isinstance(found, nn.Module) else _called(found, given, values)
        except Exception as error:  # noqa: BLE001 - the code of the target runs here
            raise _refused(f"`{target}` cannot be made: {raised(error)}") from None
    if not isinstance(made, nn.Module):
        raise _refused(f"`{target}` gives {type(made).__name__}, and no `nn.Module`")
    return made


def _called(function: Any, arguments: Mapping[str, Any], values: bool) -> Any:
    """What a function gives, without values; with them if asked, or where it computes with its values."""
    if values:
        return function(**arguments)
    try:
        with torch.device("meta"):
            made = function(**arguments)
        return made.to_empty(device="cpu") if isinstance(made, nn.Module) else made
    except (NotImplementedError, RuntimeError):
        return function(**arguments)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


@contextmanager
def _offline() -> Iterator[None]:
    """The folder of the command is searched for modules, as Python does; torch downloads no weights."""

    def refuse(url: str, *_: object, **__: object) -> None:
        raise ValueError(f"it downloads {url}: choose arguments with which it has no trained weights")

    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        with patch("torch.hub.download_url_to_file", refuse):
            yield
    finally:
        sys.path.remove(folder)


def _refused(message: str) -> SpecError:
    hint = "name a function or class that makes the network, and its arguments with `--arg NAME=VALUE`"
    return SpecError([Diagnostic(NOT_A_MODULE, message, help=hint)])
