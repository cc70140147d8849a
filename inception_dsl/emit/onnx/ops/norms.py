"""Normalisations."""

from __future__ import annotations

from itertools import repeat
from typing import Final

from inception_dsl.diagnostics.codes.generated import NOT_EXPRESSIBLE
from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.norms import LRN, BatchNorm
from inception_dsl.ir.shapes import ShapeError

rules: Final = Rules[Spelling]("ONNX")


@rules(BatchNorm)
def _batch_norm(op: BatchNorm, site: Site) -> OnnxNode:
    gamma = {} if op.gamma else {"gamma": pb.Array((channels := site.types[0].channels,), repeat(1.0, channels))}
    return OnnxNode("BatchNormalization", {"epsilon": op.eps}, gamma)


@rules(LRN)
def _lrn(op: LRN, site: Site) -> OnnxNode:
    if op.size % 2 == 0:
        raise ShapeError(
            NOT_EXPRESSIBLE, f"ONNX normalises over an odd number of channels, not {op.size}", "an odd size"
        )
    return OnnxNode("LRN", {"size": op.size, "alpha": op.alpha, "beta": op.beta, "bias": op.k})
