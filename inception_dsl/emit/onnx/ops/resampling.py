"""Changes of an image's size without a window."""

from __future__ import annotations

from typing import Final

from inception_dsl.diagnostics.codes.shapes import FIXED_IMAGE_SIZE
from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle, Resize, nearest_pixels
from inception_dsl.ir.shapes import Pair, ShapeError

rules: Final = Rules[Spelling]("ONNX")

REPEATED: Final = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


@rules(Resize)
def _resize(op: Resize, site: Site) -> Spelling:
    image = site.types[0].image
    if op.bilinear:
        corners = "align_corners" if op.align_corners else "half_pixel"
        interpolated = {"mode": "linear", "coordinate_transformation_mode": corners}
        return _sized(op.to, interpolated) if op.to else _scaled(op.factor or (1, 1), interpolated)
    if op.factor:
        return _scaled(op.factor, REPEATED)
    if site.dynamic:
        message, hint = "`resize to=` by single pixels fixes the network to one image size", "write a factor"
        raise ShapeError(FIXED_IMAGE_SIZE, message, f"{hint}, or `bilinear`")
    # onnxruntime 1.31.1 divides by the ratio of the sizes in float32: 7 pixels of 14 are then no even steps
    rows, columns = map(nearest_pixels, image, op.infer(*site.types).image)
    return [
        OnnxNode("Gather", {"axis": 2}, {"rows": pb.Integers(rows)}, ("x", "rows"), "taken"),
        OnnxNode("Gather", {"axis": 3}, {"columns": pb.Integers(columns)}, ("taken", "columns")),
    ]


def _scaled(factor: Pair, mode: dict[str, str]) -> OnnxNode:
    sides = {"roi": pb.Array((0,), ()), "scales": pb.Array((4,), (1.0, 1.0, *map(float, factor)))}
    return OnnxNode("Resize", {**mode}, sides)


def _sized(to: Pair, mode: dict[str, str]) -> list[OnnxNode]:
    """To a size; the batch is that of the input, which may be any."""
    size = {"to": pb.Integers(to)}
    return [
        OnnxNode("Shape", {"end": 2}, {}, ("x",), "others"),
        OnnxNode("Concat", {"axis": 0}, size, ("others", "to"), "sizes"),
        OnnxNode("Resize", {**mode}, {}, ("x", "", "", "sizes")),
    ]


@rules(PixelShuffle)
def _pixel_shuffle(op: PixelShuffle, site: Site) -> OnnxNode:
    return OnnxNode("DepthToSpace", {"blocksize": op.factor, "mode": "CRD"})


@rules(PixelUnshuffle)
def _pixel_unshuffle(op: PixelUnshuffle, site: Site) -> list[OnnxNode]:
    channels, square = site.types[0].channels, op.factor**2
    order = pb.Integers(tuple(pixel * channels + channel for channel in range(channels) for pixel in range(square)))
    return [  # ONNX puts all channels of the first pixel before those of the second
        OnnxNode("SpaceToDepth", {"blocksize": op.factor}, {}, ("x",), "pixels"),
        OnnxNode("Gather", {"axis": 1}, {"order": order}, ("pixels", "order")),
    ]
