"""ONNX as a backend."""

from __future__ import annotations

from collections.abc import Mapping

from inception_dsl.emit.backend import Backend
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.onnx.executor import Onnx
from inception_dsl.emit.onnx.table import RULES
from inception_dsl.emit.options import Options
from inception_dsl.ir.typed import Typed


def _emit(typed: Typed, options: Options, rebuild: str) -> Mapping[str, bytes]:
    graph = onnx.model(
        typed,
        opset=options.opset or onnx.NEWEST,
        batch=options.batch,
        dynamic_size=options.size == "dynamic",
        heads=options.heads,
        taps=options.taps,
        rebuild=rebuild,
    )
    return {"model.onnx": graph}


ONNX = Backend("onnx", RULES, _emit, Onnx, ("onnx", "onnxruntime", "numpy"))
