"""Modules whose code is not ours: as they are without wrappers, how they are called; what they print is dropped."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import is_dataclass
from io import StringIO
from itertools import chain
from typing import Any, Final
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from inception_dsl.diagnostics.codes.interchange import NOT_A_MODULE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.runner.base.settings import one_line

WRAPPERS: Final = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}
"""Classes of torch that run another module, by the attribute that holds it."""


class _Dropped(StringIO):
    """A stream that drops what it is given."""

    def write(self, text: str, /) -> int:
        return len(text)


@contextmanager
def quiet(errors: bool = False) -> Iterator[None]:
    """Code that is not ours runs: what it prints on stdout is dropped, with warnings and logs, such as those of torch.

    `errors` also drops what it prints on stderr.
    """
    before = logging.root.manager.disable
    logging.disable()
    try:
        with redirect_stdout(_Dropped()), redirect_stderr(_Dropped() if errors else sys.stderr), catch_warnings():
            simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def plain(module: nn.Module, source: str) -> nn.Module:
    """A module without what wraps it, in float32 on the CPU; a copy where it is not so already.

    Raises `SpecError` E141 for a module of TorchScript, and for one that cannot be copied.
    """
    while (inner := WRAPPERS.get(type(module).__name__)) and isinstance(getattr(module, inner, None), nn.Module):
        module = getattr(module, inner)
    if isinstance(module, torch.jit.ScriptModule):
        hint = "name what makes the network before it is scripted or traced, or give an ONNX file of it"
        raise SpecError(
            [Diagnostic(NOT_A_MODULE, f"`{source}` gives TorchScript, which torch cannot export", help=hint)]
        )
    if all(map(_is_plain, _tensors(module))):
        return module
    try:
        return deepcopy(module).to("cpu", torch.float32)
    except Exception as error:  # noqa: BLE001 - a module may refuse in its own way
        message = f"`{source}` is not in float32 on the CPU, and cannot be copied there: {one_line(error)}"
        raise SpecError([Diagnostic(NOT_A_MODULE, message, help="make it so: `.float().cpu()`")]) from None


@contextmanager
def inference(module: nn.Module, training: bool = False) -> Iterator[None]:
    """All layers of a module are in inference; the module itself is in training if asked, for its outputs.

    Parameters that the first call makes are there; a data class that it returns is given as a dictionary.
    """
    before = {each: each.training for each in module.modules()}
    hook = module.register_forward_hook(_as_dictionary)
    try:
        with quiet(errors=True):  # torch prints what it cannot export
            module.eval()
            module.training = training
            yield
    finally:
        hook.remove()
        for each, mode in before.items():
            each.training = mode


def complete(module: nn.Module, image: Sequence[int]) -> None:
    """Make the parameters that a module makes when it is first called (`nn.LazyConv2d`)."""
    if any(map(is_lazy, _tensors(module))):
        with torch.no_grad():
            module(torch.zeros(1, *image))


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    return chain(module.parameters(), module.buffers())


def _is_plain(tensor: Tensor) -> bool:
    floating = is_lazy(tensor) or not tensor.is_floating_point() or tensor.dtype == torch.float32
    return floating and tensor.device.type in ("cpu", "meta")


def _as_dictionary(_module: nn.Module, _given: Any, returned: Any) -> Any:
    return dict(vars(returned)) if is_dataclass(returned) and not isinstance(returned, dict) else returned
