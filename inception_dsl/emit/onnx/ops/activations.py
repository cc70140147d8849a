"""Activations: functions of one element, and softmax, of all channels."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.activations import ReLU, Softmax

rules: Final = Rules[Spelling]("ONNX")


@rules(ReLU)
def _relu(op: ReLU, site: Site) -> OnnxNode:
    return OnnxNode("Relu")


@rules(Softmax)
def _softmax(op: Softmax, site: Site) -> OnnxNode:
    return OnnxNode("Softmax", {"axis": 1})
