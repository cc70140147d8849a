"""The layer names of timm's networks."""

from __future__ import annotations

from typing import Final

from inception_dsl.weights.names.families import DENSENETS, RESNETS, V3_HEAD, V3_TRUNK
from inception_dsl.weights.names.notation import Names

TIMM: Final = (
    Names("inception_v3", "inception_v3_timm", V3_TRUNK, V3_HEAD),
    Names(
        "inception_v4",
        "inception_v4",
        """
        features.{0-2,3.conv}.{conv,bn}
        features.{4.{branch0.{0,1},branch1.{0-3}},5.conv}.{conv,bn}
        features.{6-9}.branch{0,1.{0,1},2.{0-2},3.1}.{conv,bn}
        features.10.branch{0,1.{0-2}}.{conv,bn}
        features.{11-17}.branch{0,1.{0-2},2.{0-4},3.1}.{conv,bn}
        features.18.branch{0.{0,1},1.{0-3}}.{conv,bn}
        features.{19-21}.branch{0,1_{0,1a,1b},2_{0,1,2,3a,3b},3.1}.{conv,bn}
        last_linear
        """,
    ),
    Names(
        "inception_resnet_v2",
        "inception_resnet_v2",
        """
        conv2d_{1a,2a,2b,3b,4a}.{conv,bn}
        mixed_5b.branch{0,1.{0,1},2.{0-2},3.1}.{conv,bn}
        repeat.{0-9}.{branch{0,1.{0,1},2.{0-2}}.{conv,bn},conv2d}
        mixed_6a.branch{0,1.{0-2}}.{conv,bn}
        repeat_1.{0-19}.{branch{0,1.{0-2}}.{conv,bn},conv2d}
        mixed_7a.branch{0.{0,1},1.{0,1},2.{0-2}}.{conv,bn}
        {repeat_2.{0-8},block8}.{branch{0,1.{0-2}}.{conv,bn},conv2d}
        conv2d_7b.{conv,bn}
        classif
        """,
    ),
    Names(
        "legacy_xception",
        "xception_timm",
        """
        {conv,bn}1 {conv,bn}2
        block1.{skip,skipbn,rep.{0.{conv1,pointwise},1,3.{conv1,pointwise},4}}
        block{2,3}.{skip,skipbn,rep.{1.{conv1,pointwise},2,4.{conv1,pointwise},5}}
        block{4-11}.rep.{1.{conv1,pointwise},2,4.{conv1,pointwise},5,7.{conv1,pointwise},8}
        block12.{skip,skipbn,rep.{1.{conv1,pointwise},2,4.{conv1,pointwise},5}}
        {conv3.{conv1,pointwise},bn3,conv4.{conv1,pointwise},bn4}
        fc
        """,
    ),
    *RESNETS,
    *DENSENETS,
)
