"""Normalisations."""

from __future__ import annotations

from itertools import repeat
from typing import Final

from inception_dsl.diagnostics.codes.generated import NOT_EXPRESSIBLE
from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling, over_channels, over_image
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import concrete
from inception_dsl.ir.ops.norms import LRN, BatchNorm, GroupNorm, L2Norm, LayerNorm
from inception_dsl.ir.shapes import ShapeError

rules: Final = Rules[Spelling]("ONNX")


@rules(BatchNorm)
def _batch_norm(op: BatchNorm, site: Site) -> OnnxNode:
    gamma = {} if op.gamma else {"gamma": pb.Array((channels := site.types[0].channels,), repeat(1.0, channels))}
    return OnnxNode("BatchNormalization", {"epsilon": op.eps}, gamma)


@rules(GroupNorm)
def _group_norm(op: GroupNorm, site: Site) -> Spelling:
    # GroupNormalization has a scale for each channel since opset 21, but onnx 1.23 infers no type for its output
    groups = concrete(op.groups)
    ones, zeros = (pb.Array((groups,), repeat(number, groups)) for number in (1.0, 0.0))
    image = len(site.types[0].shape) == 3
    weight, bias = ("weight_image", "bias_image") if image else ("weight", "bias")
    return [
        OnnxNode("Shape", inputs=("x",), name="shape"),
        OnnxNode("Reshape", {}, {"grouped_shape": pb.Integers((0, groups, -1))}, ("x", "grouped_shape"), "grouped"),
        OnnxNode(
            "InstanceNormalization",
            {"epsilon": op.eps},
            {"ones": ones, "zeros": zeros},
            ("grouped", "ones", "zeros"),
            "normalised",
        ),
        OnnxNode("Reshape", inputs=("normalised", "shape"), name="ungrouped"),
        *(map(over_image, ("weight", "bias")) if image else ()),
        OnnxNode("Mul", inputs=("ungrouped", weight), name="scaled"),
        OnnxNode("Add", inputs=("scaled", bias)),
    ]


@rules(LayerNorm)
def _layer_norm(op: LayerNorm, site: Site) -> Spelling:
    normalise = OnnxNode("LayerNormalization", {"epsilon": op.eps})  # over the last axis
    if len(site.types[0].shape) == 1:
        return normalise
    return [
        OnnxNode("Transpose", {"perm": (0, 2, 3, 1)}, inputs=("x",), name="channels_last"),
        normalise._replace(inputs=("channels_last", "weight", "bias"), name="normalised"),
        OnnxNode("Transpose", {"perm": (0, 3, 1, 2)}, inputs=("normalised",)),
    ]


@rules(LRN)
def _lrn(op: LRN, site: Site) -> OnnxNode:
    if op.size % 2 == 0:
        raise ShapeError(
            NOT_EXPRESSIBLE, f"ONNX normalises over an odd number of channels, not {op.size}", "an odd size"
        )
    return OnnxNode("LRN", {"size": op.size, "alpha": op.alpha, "beta": op.beta, "bias": op.k})


@rules(L2Norm)
def _l2_norm(op: L2Norm, site: Site) -> Spelling:
    # LpNormalization has no least length
    return [
        over_channels("ReduceL2", site)._replace(name="length"),
        OnnxNode("Max", constants={"least": 1e-12}, inputs=("length", "least"), name="divisor"),
        OnnxNode("Div", inputs=("x", "divisor")),
    ]
