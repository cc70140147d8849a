"""The layer names of torchvision's networks."""

from __future__ import annotations

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
)
