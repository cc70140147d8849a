"""The table of backends. `compile`, `ops`, `check --against` and the tests read it."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.backend import Backend
from inception_dsl.emit.onnx.backend import ONNX
from inception_dsl.emit.pytorch.backend import PYTORCH

BACKENDS: Final[list[Backend]] = [
    PYTORCH,
    ONNX,
]


def by_name() -> dict[str, Backend]:
    """The backends by their names on the command line, in the order of the table."""
    return {backend.name: backend for backend in BACKENDS}
