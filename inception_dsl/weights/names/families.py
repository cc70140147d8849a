"""Networks of which several libraries have the same layers under the same names."""

from __future__ import annotations

from typing import Final

from inception_dsl.weights.names.notation import Names

V3_TRUNK: Final = """
    Conv2d_{1a_3x3,2a_3x3,2b_3x3,3b_1x1,4a_3x3}.{conv,bn}
    Mixed_5{b,c,d}.branch{1x1,5x5_{1,2},3x3dbl_{1-3},_pool}.{conv,bn}
    Mixed_6a.branch{3x3,3x3dbl_{1-3}}.{conv,bn}
    Mixed_6{b,c,d,e}.branch{1x1,7x7_{1-3},7x7dbl_{1-5},_pool}.{conv,bn}
    Mixed_7a.branch{3x3_{1,2},7x7x3_{1-4}}.{conv,bn}
    Mixed_7{b,c}.branch{1x1,3x3_{1,2a,2b},3x3dbl_{1,2,3a,3b},_pool}.{conv,bn}
    fc
"""
V3_HEAD: Final = "AuxLogits.conv{0,1}.{conv,bn} AuxLogits.fc"


def resnet(name: str, spec: str, *blocks: int) -> Names:
    """The names of a ResNet, which has `blocks` bottlenecks in its stages."""
    layers = "{conv,bn}1 " + " ".join(
        f"layer{i}.0.{{{{conv,bn}}1,{{conv,bn}}2,{{conv,bn}}3,downsample.{{0,1}}}} "
        f"layer{i}.{{1-{count - 1}}}.{{{{conv,bn}}1,{{conv,bn}}2,{{conv,bn}}3}}"
        for i, count in enumerate(blocks, start=1)
    )
    return Names(name, spec, f"{layers} fc")


RESNETS: Final = (
    resnet("resnet50", "resnet50_torchvision", 3, 4, 6, 3),
    resnet("resnet152", "resnet152_torchvision", 3, 8, 36, 3),
)
