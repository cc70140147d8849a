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


def resnet(name: str, spec: str, *blocks: int, convs: int = 3) -> Names:
    """The names of a ResNet, which has `blocks` in its stages, each of `convs` convolutions.

    Basic blocks of the first stage have no projection.
    """
    block = "{" + ",".join(f"{{conv,bn}}{i}" for i in range(1, convs + 1)) + "}"
    stages = []
    for i, count in enumerate(blocks, start=1):
        projected = convs == 3 or i > 1
        first = f"layer{i}.0.{{{block},downsample.{{0,1}}}} " if projected else ""
        stages.append(f"{first}layer{i}.{{{int(projected)}-{count - 1}}}.{block}")
    return Names(name, spec, " ".join(["{conv,bn}1", *stages, "fc"]))


RESNETS: Final = (
    resnet("resnet18", "resnet18", 2, 2, 2, 2, convs=2),
    resnet("resnet34", "resnet34", 3, 4, 6, 3, convs=2),
    resnet("resnet50", "resnet50_torchvision", 3, 4, 6, 3),
    resnet("resnet101", "resnet101_torchvision", 3, 4, 23, 3),
    resnet("resnet152", "resnet152_torchvision", 3, 8, 36, 3),
    resnet("resnext50_32x4d", "resnext50_32x4d", 3, 4, 6, 3),
    resnet("wide_resnet50_2", "wide_resnet50_2", 3, 4, 6, 3),
)


def densenet(name: str, *layers: int) -> Names:
    """The names of a DenseNet, which has `layers` in its blocks; its spec has its name."""
    blocks = [
        f"denseblock{i}.denselayer{{1-{count}}}.{{norm1,conv1,norm2,conv2}}" for i, count in enumerate(layers, start=1)
    ]
    between = [f"transition{i}.{{norm,conv}}" for i in range(1, len(layers))]
    inside = [
        "{conv,norm}0",
        *(name for pair in zip(blocks, between, strict=False) for name in pair),
        blocks[-1],
        "norm5",
    ]
    return Names(name, name, " ".join([*(f"features.{each}" for each in inside), "classifier"]))


DENSENETS: Final = (densenet("densenet121", 6, 12, 24, 16), densenet("densenet169", 6, 12, 32, 32))
