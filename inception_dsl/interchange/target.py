"""A network that was not written here, by what a command line calls it: a file, or a callable that makes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.interchange.graph import Graph
from inception_dsl.ir.shapes import TensorType

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


def read_target(target: str, image: TensorType, arguments: Mapping[str, str] | None = None) -> Graph:
    """Read a network of an ONNX file or of torch, for images of a shape where it leaves their size open.

    Of a module of torch, the outputs are those of training, heads included. Raises `SpecError`.
    """
    if kind_of(target) == "onnx":
        from inception_dsl.interchange.onnx.reader import read_onnx

        return read_onnx(Path(target), image.image if len(image.shape) == 3 else None)
    from inception_dsl.interchange.torch.module import make_module
    from inception_dsl.interchange.torch.reader import read_torch

    return read_torch(make_module(target, arguments or {}), image.shape, target, heads=True)
