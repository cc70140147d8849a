"""Images of other sizes."""

from __future__ import annotations

from typing import Final

import numpy as np

from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.onnx.model import OnnxNode
from inception_dsl.interchange.onnx.rules.rule import RULES, Inputs, Reading, Value, constant_of, image_of
from inception_dsl.interchange.recognise.resampling import resize
from inception_dsl.ir.ops.channels import ChannelShuffle
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle
from inception_dsl.ir.shapes import Pair

SIZES: Final = 3
"""The input that has sizes in place of factors."""

NEAREST: Final = 1e-3
"""How far from a whole number of pixels a factor in float32 may lead."""


@RULES("Resize", "Upsample")
def _resize(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    own, image = node.attributes, reading.builder.type_of(image_of(inputs)).image
    to = _size(reading, node, inputs)
    mode = own.get("mode", "nearest")
    corners = own.get("coordinate_transformation_mode", "half_pixel" if reading.opset > 10 else "asymmetric")
    rounded = own.get("nearest_mode", "round_prefer_floor" if reading.opset > 10 else "floor")
    whole = all(out % size == 0 for out, size in zip(to, image, strict=True))
    match mode:
        case "nearest":  # both repeat every pixel
            known = (corners, rounded) == ("asymmetric", "floor") or (
                whole and corners.endswith("half_pixel") and rounded.startswith("round_prefer")
            )
        case "linear":
            known = corners in ("half_pixel", "align_corners") or (corners == "pytorch_half_pixel" and min(to) > 1)
        case _:
            known = False
    policy = own.get("keep_aspect_ratio_policy", "stretch")
    if not known or own.get("antialias") or policy != "stretch":
        raise Unsupported(f"the language has no resize to {to} with `{mode}`, `{corners}` and `{rounded}`")
    return [resize(reading.builder, node.name, to, mode == "linear", corners == "align_corners", image_of(inputs))]


@RULES("DepthToSpace")
def _depth_to_space(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    x, factor = image_of(inputs), _square(node)
    if node.attributes.get("mode", "DCR") == "DCR":  # all channels of the first pixel come first
        x = reading.builder.add(f"{node.name}/shuffle", ChannelShuffle(factor**2), x)
    return [reading.builder.add(node.name, PixelShuffle(factor), x)]


@RULES("SpaceToDepth")
def _space_to_depth(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    x = image_of(inputs)
    channels = reading.builder.type_of(x).channels
    pixels = reading.builder.add(f"{node.name}/unshuffle", PixelUnshuffle(_square(node)), x)
    return [reading.builder.add(node.name, ChannelShuffle(channels), pixels)]


def _square(node: OnnxNode) -> int:
    """The side of the squares that a node makes, or takes apart."""
    side = int(node.attributes["blocksize"])
    if side < 1:
        raise ValueError(f"no square has a side of {side}")
    return side


def _size(reading: Reading, node: OnnxNode, inputs: Inputs) -> Pair:
    """The size that a node gives, or that its factors lead to. Raises `Unsupported` where it is not one of an image."""
    at = next((at for at in range(len(inputs) - 1, 0, -1) if inputs[at] is not None), 0)
    given = constant_of(inputs, at) if at else None
    own = (reading.batch, *reading.builder.type_of(image_of(inputs)).shape)
    axes = node.attributes.get("axes", range(len(own)))
    if given is None or not given.known or given.size != len(axes):
        raise Unsupported("its factors are not known")
    sizes = np.array(own, np.float32)
    for axis, number in zip(axes, given.values, strict=True):
        sizes[axis] = number if at == SIZES else sizes[axis] * np.float32(number)
    batch, channels, height, width = (round(float(size)) for size in sizes)
    if (batch, channels) != own[:2] or not np.allclose(sizes, np.round(sizes), atol=NEAREST, rtol=0):
        raise Unsupported(f"the language resizes images to whole pixels, not to {'x'.join(map(str, sizes[2:]))}")
    return height, width
