"""Convolutions in one or three dimensions that slide along the channels of an image.

Libraries give the image an axis of one channel, so that its channels become the depth of a 3-D convolution, or take the
pixel of a pooled image as a row of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.primitives import Reshape
from inception_dsl.interchange.windows import Axis
from inception_dsl.ir.ops.channels import ChannelConv

ALONE: Final = "the language has convolutions of images, and along the channels of one"


def channel_conv(
    graph: Builder, name: str, groups: int, axes: Sequence[Axis], x: int, weights: Mapping[str, Constant]
) -> int:
    """Add a convolution whose first axis are the channels of an image, and give the index of its outputs by kernel.

    Raises `Unsupported` where it slides over anything else.
    """
    if len(graph.type_of(x).shape) != len(axes) + 1:
        raise Unsupported(ALONE)
    along, *others = axes
    (kernels, inputs, *_), (arriving, channels, *image) = weights["weight"].shape, graph.type_of(x).shape
    still = all(axis._replace(dilation=1) == Axis(1, 1, 1, 0, 0) for axis in others)
    if not still or not groups == inputs == arriving == 1 or (along.dilation > 1 < along.kernel):
        raise Unsupported(ALONE)
    source = graph.add(f"{name}/image", Reshape((channels, *(image or (1, 1)))), x)
    op = ChannelConv(along.kernel, along.stride, along.before, kernels, "bias" in weights)
    places = (channels + along.before + along.after - along.kernel) // along.stride + 1
    if isinstance(graph.op(source), Reshape) or op.infer(graph.type_of(source)).channels != kernels * places:
        raise Unsupported(ALONE)
    weight = weights["weight"].reshaped(kernels, 1, along.kernel, 1, 1)
    outputs = graph.add(name, op, source, **{**weights, "weight": weight})
    return graph.add(f"{name}/kernels", Reshape((kernels, places, *image)), outputs)
