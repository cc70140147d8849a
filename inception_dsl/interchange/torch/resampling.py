"""Images of other sizes."""

from __future__ import annotations

from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.torch.call import RULES, Call
from inception_dsl.ir.ops.resampling import Upsample


@RULES("upsample_nearest2d", "upsample_bilinear2d")
def _upsample(call: Call) -> int:
    height, width = call.type.image
    rows, columns = call.arguments.get("output_size") or (height, width)
    factors = call.arguments.get("scale_factors") or [rows / height, columns / width]
    if any(factor != int(factor) for factor in factors):
        raise Unsupported(f"the language enlarges by whole factors, not by {factors}")
    bilinear = call.kind == "upsample_bilinear2d"
    corners = bool(call.arguments.get("align_corners"))
    return call.add(Upsample((int(factors[0]), int(factors[1])), bilinear, corners))
