"""The layer names of torchvision's networks."""

from __future__ import annotations

from typing import Final

from inception_dsl.weights.names.families import RESNETS, V3_HEAD, V3_TRUNK
from inception_dsl.weights.names.notation import Names

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
    Names("vgg16", "vgg16", "features.{0,2,5,7,10,12,14,17,19,21,24,26,28} classifier.{0,3,6}"),
    Names("vgg19", "vgg19", "features.{0,2,5,7,10,12,14,16,19,21,23,25,28,30,32,34} classifier.{0,3,6}"),
    *RESNETS,
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
