"""A network that was not written here, by what a command line calls it: a file, or a callable that makes it."""

from __future__ import annotations

import re
from typing import Final, Literal

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError

WEIGHTS: Final = (".safetensors", ".pt", ".pth", ".pth.tar", ".bin", ".ckpt")
"""The ends of names of files that hold tensors and no graph."""

CALLABLE: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")

Kind = Literal["onnx", "weights", "torch"]


def kind_of(target: str) -> Kind:
    """What a target is. Raises `SpecError` E140 for what is neither."""
    if target.endswith(".onnx"):
        return "onnx"
    if target.endswith(WEIGHTS):
        return "weights"
    if CALLABLE.fullmatch(target):
        return "torch"
    message = f"`{target}` is not a network: its name is neither that of a file nor of a callable"
    hint = "give an `.onnx` file, a file of weights (`.safetensors`, `.pt`, `.pth`), or `package.module:callable`"
    raise SpecError([Diagnostic(NOT_A_GRAPH, message, help=hint)])
