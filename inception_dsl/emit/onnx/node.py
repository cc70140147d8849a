"""What a rule of ONNX is given, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.ir.shapes import TensorType


class OnnxNode(NamedTuple):
    """How ONNX spells an op. Its inputs are the op's inputs, then `constants` by name, then the op's weights."""

    op_type: str
    attributes: Mapping[str, pb.Parameter] = {}
    constants: Mapping[str, pb.Constant] = {}

    @property
    def arrays(self) -> list[pb.Array]:
        """Its constants that are more than one number."""
        return [constant for constant in self.constants.values() if isinstance(constant, pb.Array)]


class Site(NamedTuple):
    """Where a node stands: its input types, whether their image size is dynamic, and the opset."""

    types: Sequence[TensorType]
    dynamic: bool
    opset: int
