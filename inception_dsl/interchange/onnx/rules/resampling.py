"""Images of other sizes."""

from __future__ import annotations

from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.onnx.model import OnnxNode
from inception_dsl.interchange.onnx.rules.rule import RULES, Inputs, Reading, Value, constant_of, image_of
from inception_dsl.ir.ops.resampling import Upsample


@RULES("Resize", "Upsample")
def _resize(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    own, x = node.attributes, reading.builder.type_of(image_of(inputs))
    mode = own.get("mode", "nearest")
    corners = own.get("coordinate_transformation_mode", "half_pixel" if reading.opset > 10 else "asymmetric")
    rounded = own.get("nearest_mode", "round_prefer_floor" if reading.opset > 10 else "floor")
    scales = next((constant_of(inputs, at) for at in range(len(inputs) - 1, 0, -1) if inputs[at] is not None), None)
    if scales is None or not scales.known or scales.size != 4:
        raise Unsupported("its factors are not known")
    numbers = [float(each) for each in scales.values]
    if len(inputs) == 4 and inputs[3] is not None:  # sizes in place of factors
        numbers = [size / own_size for size, own_size in zip(numbers, (reading.batch, *x.shape), strict=True)]
    factor = int(numbers[2]), int(numbers[3])
    match mode:
        case "nearest":  # both repeat every pixel
            known = (corners, rounded) == ("asymmetric", "floor") or (
                corners.endswith("half_pixel") and rounded.startswith("round_prefer")
            )
        case "linear":
            known = corners in ("half_pixel", "pytorch_half_pixel", "align_corners")
        case _:
            known = False
    if not known or numbers != [1, 1, *factor]:
        raise Unsupported(f"the language has no resize by {numbers} with `{mode}`, `{corners}` and `{rounded}`")
    op = Upsample(factor, bilinear=mode == "linear", align_corners=corners == "align_corners")
    return [reading.builder.add(node.name, op, image_of(inputs))]
