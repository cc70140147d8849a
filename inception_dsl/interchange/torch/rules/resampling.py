"""Images of other sizes."""

from __future__ import annotations

from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.recognise.resampling import resize
from inception_dsl.interchange.torch.rules.call import RULES, Call
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle


@RULES("upsample_nearest2d", "upsample_bilinear2d")
def _resize(call: Call) -> int:
    height, width = call.type.image
    rows, columns = call.arguments.get("output_size") or (height, width)
    if factors := call.arguments.get("scale_factors"):
        rows, columns = height * factors[0], width * factors[1]
        if rows != int(rows) or columns != int(columns):
            raise Unsupported(f"the language resizes to whole pixels, not by {factors}")
    bilinear = call.kind == "upsample_bilinear2d"
    corners = bool(call.arguments.get("align_corners"))
    return resize(call.builder, call.name, (int(rows), int(columns)), bilinear, corners, call.x)


@RULES("pixel_shuffle")
def _pixel_shuffle(call: Call) -> int:
    return call.add(PixelShuffle(call["upscale_factor"]))


@RULES("pixel_unshuffle")
def _pixel_unshuffle(call: Call) -> int:
    return call.add(PixelUnshuffle(call["downscale_factor"]))
