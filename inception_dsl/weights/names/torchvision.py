"""The layer names of torchvision's networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inception_dsl.weights.names.families import DENSENETS, RESNETS, V3_HEAD, V3_TRUNK
from inception_dsl.weights.names.notation import Names


def _vgg(name: str, *convs: int, norms: bool = False) -> Names:
    """The names of a VGG, which has `convs` in its stages; its spec has its name."""
    numbers, number = [], 0
    for count in convs:
        for _ in range(count):
            numbers += [number, number + 1] if norms else [number]
            number += 3 if norms else 2  # an activation is a module too
        number += 1  # and so is a pool
    return Names(name, name, f"features.{{{','.join(map(str, numbers))}}} classifier.{{0,3,6}}")


VGGS: Final = (
    _vgg("vgg11", 1, 1, 2, 2, 2),
    _vgg("vgg11_bn", 1, 1, 2, 2, 2, norms=True),
    _vgg("vgg13", 2, 2, 2, 2, 2),
    _vgg("vgg13_bn", 2, 2, 2, 2, 2, norms=True),
    _vgg("vgg16", 2, 2, 3, 3, 3),
    _vgg("vgg19", 2, 2, 4, 4, 4),
)


BLOCKS: Final = {
    "1": "0.{0,1}",
    "2": "{0,1}.{0,1}",
    "3": "{0-2}.{0,1}",
    "2se": "{0.{0,1},1.{fc1,fc2},2.{0,1}}",
    "3se": "{{0,1}.{0,1},2.{fc1,fc2},3.{0,1}}",
}
"""The layers of an inverted residual by how many convolutions it has, and squeeze and excitation before the last."""


def _mobilenet_v3(name: str, blocks: str) -> Names:
    """The names of a MobileNetV3 with these blocks; its spec has its name."""
    inside = [f"features.{i}.block.{BLOCKS[kind]}" for i, kind in enumerate(blocks.split(), start=1)]
    return Names(name, name, " ".join([*_between(inside), "classifier.{0,3}"]))


def _efficientnet(name: str, stages: str) -> Names:
    """The names of an EfficientNet with these blocks in its stages, as `4 of 3se`; its spec has its name."""
    kinds = [stage.split(" of ") for stage in stages.split(", ")]
    inside = [
        f"features.{i}.{{0-{int(count) - 1}}}.block.{BLOCKS[kind]}" for i, (count, kind) in enumerate(kinds, start=1)
    ]
    return Names(name, name, " ".join([*_between(inside), "classifier.1"]))


def _between(inside: Sequence[str]) -> list[str]:
    """Blocks between a first and a last convolution."""
    return ["features.0.{0,1}", *inside, f"features.{len(inside) + 1}.{{0,1}}"]


def _regnet(name: str, *blocks: int, squeezed: bool = False) -> Names:
    """The names of a RegNet, which has `blocks` in its stages; its spec has its name."""
    unit = "f.{a.{0,1},b.{0,1},se.{fc1,fc2},c.{0,1}}" if squeezed else "f.{a,b,c}.{0,1}"
    inside = [
        f"trunk_output.block{i}.block{i}-{j}.{f'{{proj.{{0,1}},{unit}}}' if j == 0 else unit}"
        for i, count in enumerate(blocks, start=1)
        for j in range(count)
    ]
    return Names(name, name, " ".join(["stem.{0,1}", *inside, "fc"]))


def _shufflenet(name: str) -> Names:
    """The names of a ShuffleNetV2, whose activations and channel splits are counted too; its spec has its name."""
    kept = "branch2.{0,1,3-6}"
    stages = [f"stage{i}.{{0.branch1.{{0-3}},0.{kept},{{1-{n}}}.{kept}}}" for i, n in ((2, 3), (3, 7), (4, 3))]
    return Names(name, name, " ".join(["conv1.{0,1}", *stages, "conv5.{0,1} fc"]))


TORCHVISION: Final = (
    Names(
        "googlenet",
        "googlenet_torchvision",
        """
        conv{1-3}.{conv,bn}
        inception{3a,3b,4a,4b,4c,4d,4e,5a,5b}.branch{1,2.0,2.1,3.0,3.1,4.1}.{conv,bn}
        fc
        """,
        "aux{1,2}.{conv.{conv,bn},fc1,fc2}",
    ),
    Names("inception_v3", "inception_v3_torchvision", V3_TRUNK, V3_HEAD),
    Names("alexnet", "alexnet_torchvision", "features.{0,3,6,8,10} classifier.{1,4,6}"),
    *VGGS,
    *RESNETS,
    *DENSENETS,
    _shufflenet("shufflenet_v2_x0_5"),
    _shufflenet("shufflenet_v2_x1_0"),
    Names(
        "convnext_tiny",
        "convnext_tiny",
        """
        features.0.{0,1}
        features.1.{0-2}{.block.{0,2,3@2,5@2},:layer_scale@3}
        features.2.{0,1} features.3.{0-2}{.block.{0,2,3@2,5@2},:layer_scale@3}
        features.4.{0,1} features.5.{0-8}{.block.{0,2,3@2,5@2},:layer_scale@3}
        features.6.{0,1} features.7.{0-2}{.block.{0,2,3@2,5@2},:layer_scale@3}
        classifier.{0,2}
        """,
    ),
    Names(
        "mnasnet1_0",
        "mnasnet1_0",
        """
        layers.{0,1,3,4,6,7}
        layers.{{8-10}.{0-2},11.{0,1},12.{0-3},13.0}.layers.{0,1,3,4,6,7}
        layers.{14,15} classifier.1
        """,
    ),
    Names(
        "squeezenet1_0",
        "squeezenet1_0",
        "features.{0,{3,4,5,7,8,9,10,12}.{squeeze,expand1x1,expand3x3}} classifier.1",
    ),
    Names(
        "squeezenet1_1",
        "squeezenet1_1",
        "features.{0,{3,4,6,7,9,10,11,12}.{squeeze,expand1x1,expand3x3}} classifier.1",
    ),
    Names(
        "mobilenet_v2",
        "mobilenet_v2",
        """
        features.0.{0,1}
        features.1.conv.{0.{0,1},1,2}
        features.{2-17}.conv.{0.{0,1},1.{0,1},2,3}
        features.18.{0,1}
        classifier.1
        """,
    ),
    _mobilenet_v3("mobilenet_v3_large", "2 3 3 3se 3se 3se 3 3 3 3 3se 3se 3se 3se 3se"),
    _mobilenet_v3("mobilenet_v3_small", "2se 3 3 3se 3se 3se 3se 3se 3se 3se 3se"),
    _efficientnet("efficientnet_b0", "1 of 2se, 2 of 3se, 2 of 3se, 3 of 3se, 3 of 3se, 4 of 3se, 1 of 3se"),
    _efficientnet("efficientnet_b4", "2 of 2se, 4 of 3se, 4 of 3se, 6 of 3se, 6 of 3se, 8 of 3se, 2 of 3se"),
    _efficientnet("efficientnet_v2_s", "2 of 1, 4 of 2, 4 of 2, 6 of 3se, 9 of 3se, 15 of 3se"),
    _regnet("regnet_x_400mf", 1, 2, 7, 12),
    _regnet("regnet_y_400mf", 1, 3, 6, 6, squeezed=True),
    _regnet("regnet_y_8gf", 2, 4, 10, 1, squeezed=True),
)
