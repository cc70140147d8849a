"""The layer names of timm's networks."""

from __future__ import annotations

from typing import Final

from inception_dsl.weights.names.families import DENSENETS, RESNETS, V3_HEAD, V3_TRUNK
from inception_dsl.weights.names.notation import Names


def _mobile(name: str, spec: str, *blocks: int, squeezed: bool = False) -> Names:
    """The names of a network that has `blocks` inverted residuals in its stages; those of the first do not expand."""
    se = ",se.{conv_reduce,conv_expand}" * squeezed
    first = f"{{conv_dw,bn1{se},conv_pw,bn2}}"
    other = f"{{conv_pw,bn1,conv_dw,bn2{se},conv_pwl,bn3}}"
    inside = [f"blocks.{i}.{{0-{count - 1}}}.{other if i else first}" for i, count in enumerate(blocks)]
    return Names(name, spec, " ".join(["conv_stem bn1", *inside, "conv_head bn2 classifier"]))


def _regnet(name: str, spec: str, *blocks: int, squeezed: bool = False) -> Names:
    """The names of a RegNet, which has `blocks` in its stages."""
    se = ",se.{fc1,fc2}" * squeezed
    unit = f"{{conv{{1,2}}.{{conv,bn}}{se},conv3.{{conv,bn}}}}"
    inside = [
        f"s{i}.b{j}.{f'{{downsample.{{conv,bn}},{unit}}}' if j == 1 else unit}"
        for i, count in enumerate(blocks, start=1)
        for j in range(1, count + 1)
    ]
    return Names(name, spec, " ".join(["stem.{conv,bn}", *inside, "head.fc"]))


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
    Names(
        "convnext_tiny",
        "convnext_tiny",
        """
        stem.{0,1} stages.0.blocks.{0-2}{.{conv_dw,norm,mlp.fc{1,2}@2},:gamma}
        stages.1.{downsample.{0,1},blocks.{0-2}{.{conv_dw,norm,mlp.fc{1,2}@2},:gamma}}
        stages.2.{downsample.{0,1},blocks.{0-8}{.{conv_dw,norm,mlp.fc{1,2}@2},:gamma}}
        stages.3.{downsample.{0,1},blocks.{0-2}{.{conv_dw,norm,mlp.fc{1,2}@2},:gamma}}
        head.{norm,fc}
        """,
    ),
    *DENSENETS,
    _mobile("mobilenetv2_100", "mobilenet_v2", 1, 2, 3, 4, 3, 3, 1),
    _mobile("efficientnet_b0", "efficientnet_b0", 1, 2, 2, 3, 3, 4, 1, squeezed=True),
    _mobile("efficientnet_b4", "efficientnet_b4", 2, 4, 4, 6, 6, 8, 2, squeezed=True),
    _regnet("regnetx_004_tv", "regnet_x_400mf", 1, 2, 7, 12),
    _regnet("regnety_004", "regnet_y_400mf", 1, 3, 6, 6, squeezed=True),
    _regnet("regnety_080_tv", "regnet_y_8gf", 2, 4, 10, 1, squeezed=True),
)
