"""PyTorch as a backend."""

from __future__ import annotations

from collections.abc import Mapping

from inception_dsl.emit.backend import Backend
from inception_dsl.emit.options import Options
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.pytorch.executor import PyTorch
from inception_dsl.emit.pytorch.table import RULES
from inception_dsl.ir.typed import Typed


def _emit(typed: Typed, options: Options, rebuild: str) -> Mapping[str, bytes]:
    return {"model.py": pytorch.source(typed, rebuild).encode()}


PYTORCH = Backend("pytorch", RULES, _emit, PyTorch, ("torch", "numpy"))
