"""The layer names of other libraries' networks: the tables, and the notation they are written in.

A network is a list of names in canonical order: module by module, branches in the order in which they are joined, from
input to output inside a branch, and the heads after the trunk. `a{b,c}d` stands for `abd acd`, `{2-4}` for `{2,3,4}`;
the leftmost brace varies slowest. Each name is that of one op with weights; a tensor's name adds its own, as in
`conv1.bn.running_mean`. Keras numbers unnamed layers in the order in which its code makes them: `conv2d_17`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import count
from typing import Final


class Names:
    """The layer names of one network, in canonical order; `name` is the network's name in its library."""

    def __init__(self, name: str, trunk: str, heads: str = "") -> None:
        self.name = name
        self._trunk, self._heads = trunk, heads

    @cached_property
    def trunk(self) -> list[str]:
        """The layers of the trunk, which gives the logits."""
        return [name for pattern in self._trunk.split() for name in expand(pattern)]

    @cached_property
    def heads(self) -> list[str]:
        """The layers of the heads, one head after the other."""
        return [name for pattern in self._heads.split() for name in expand(pattern)]


def expand(pattern: str) -> Iterator[str]:
    """The names that a pattern stands for."""
    before, brace, inner = pattern.partition("{")
    if not brace:
        yield pattern
        return
    choices, rest = _choices(inner)
    for choice in choices:
        for chosen in expand(choice):
            yield from (f"{before}{chosen}{after}" for after in expand(rest))


def _choices(inner: str) -> tuple[list[str], str]:
    """Split the text after an opening brace into its choices and the rest after the closing brace."""
    choices, depth = [""], 1
    for index, char in enumerate(inner):
        depth += (char == "{") - (char == "}")
        if depth == 0:
            spans = [re.fullmatch(r"(\d+)-(\d+)", choice) for choice in choices]
            numbers = [range(int(span[1]), int(span[2]) + 1) if span else () for span in spans]
            expanded = [[str(n) for n in span] or [choice] for span, choice in zip(numbers, choices, strict=True)]
            return [name for names in expanded for name in names], inner[index + 1 :]
        if char == "," and depth == 1:
            choices.append("")
        else:
            choices[-1] += char
    raise ValueError(inner)


V3_TRUNK: Final = """
    Conv2d_{1a_3x3,2a_3x3,2b_3x3,3b_1x1,4a_3x3}.{conv,bn}
    Mixed_5{b,c,d}.branch{1x1,5x5_{1,2},3x3dbl_{1-3},_pool}.{conv,bn}
    Mixed_6a.branch{3x3,3x3dbl_{1-3}}.{conv,bn}
    Mixed_6{b,c,d,e}.branch{1x1,7x7_{1-3},7x7dbl_{1-5},_pool}.{conv,bn}
    Mixed_7a.branch{3x3_{1,2},7x7x3_{1-4}}.{conv,bn}
    Mixed_7{b,c}.branch{1x1,3x3_{1,2a,2b},3x3dbl_{1,2,3a,3b},_pool}.{conv,bn}
    fc
"""
V3: Final = Names("inception_v3", V3_TRUNK, "AuxLogits.conv{0,1}.{conv,bn} AuxLogits.fc")


def _resnet(name: str, *blocks: int) -> Names:
    layers = "{conv,bn}1 " + " ".join(
        f"layer{i}.0.{{{{conv,bn}}1,{{conv,bn}}2,{{conv,bn}}3,downsample.{{0,1}}}} "
        f"layer{i}.{{1-{count - 1}}}.{{{{conv,bn}}1,{{conv,bn}}2,{{conv,bn}}3}}"
        for i, count in enumerate(blocks, start=1)
    )
    return Names(name, f"{layers} fc")


RESNETS: Final = (_resnet("resnet50", 3, 4, 6, 3), _resnet("resnet152", 3, 8, 36, 3))

TORCHVISION: Final = (
    Names(
        "googlenet",
        """
        conv{1-3}.{conv,bn}
        inception{3a,3b,4a,4b,4c,4d,4e,5a,5b}.branch{1,2.0,2.1,3.0,3.1,4.1}.{conv,bn}
        fc
        """,
        "aux{1,2}.{conv.{conv,bn},fc1,fc2}",
    ),
    V3,
    Names("alexnet", "features.{0,3,6,8,10} classifier.{1,4,6}"),
    Names("vgg16", "features.{0,2,5,7,10,12,14,17,19,21,24,26,28} classifier.{0,3,6}"),
    Names("vgg19", "features.{0,2,5,7,10,12,14,16,19,21,23,25,28,30,32,34} classifier.{0,3,6}"),
    *RESNETS,
)

TIMM: Final = (
    V3,
    Names(
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
)

UNIT: Final = "{conv2d,batch_normalization}"
SEPARABLE: Final = "{.depthwise,.pointwise,_bn}"


def _keras_inception_resnet() -> str:
    """Keras' code numbers most layers of this network, and names the others."""
    numbers = count()
    blocks = [("", 5 + 7), *((f"block35_{i}_conv", 6) for i in range(1, 11)), ("", 4)]
    blocks += [
        *((f"block17_{i}_conv", 4) for i in range(1, 21)),
        ("", 7),
        *((f"block8_{i}_conv", 4) for i in range(1, 11)),
    ]
    layers = [" ".join([*(f"{UNIT}_{next(numbers)}" for _ in range(units)), own]) for own, units in blocks]
    return " ".join([*layers, "conv_7b conv_7b_bn predictions"])


KERAS: Final = (
    Names("InceptionV3", " ".join([*(f"{UNIT}_{i}" for i in range(94)), "predictions"])),
    Names("InceptionResNetV2", _keras_inception_resnet()),
    Names(
        "Xception",
        f"""
        block1_conv{{1,2}}{{,_bn}}
        {UNIT}_0 block2_sepconv{{1,2}}{SEPARABLE}
        {UNIT}_1 block3_sepconv{{1,2}}{SEPARABLE}
        {UNIT}_2 block4_sepconv{{1,2}}{SEPARABLE}
        block{{5-12}}_sepconv{{1-3}}{SEPARABLE}
        {UNIT}_3 block13_sepconv{{1,2}}{SEPARABLE}
        block14_sepconv{{1,2}}{SEPARABLE}
        predictions
        """,
    ),
)

LIBRARIES: Final[Mapping[str, tuple[Names, ...]]] = {
    "torchvision": TORCHVISION,
    "timm": TIMM,
    "pytorch-fid": (Names("fid_inception_v3", V3_TRUNK),),
    "torch-fidelity": (Names("inception-v3-compat", V3_TRUNK),),
    "keras": KERAS,
}

BUILTIN_SPECS: Final[Mapping[str, Mapping[str, str]]] = {
    "torchvision": {
        "googlenet": "googlenet_torchvision",
        "inception_v3": "inception_v3_torchvision",
        "alexnet": "alexnet_torchvision",
        "vgg16": "vgg16",
        "vgg19": "vgg19",
        "resnet50": "resnet50_torchvision",
        "resnet152": "resnet152_torchvision",
    },
    "timm": {
        "inception_v3": "inception_v3_timm",
        "inception_v4": "inception_v4",
        "inception_resnet_v2": "inception_resnet_v2",
        "legacy_xception": "xception_timm",
    },
    "pytorch-fid": {"fid_inception_v3": "inception_v3_fid"},
    "torch-fidelity": {"inception-v3-compat": "inception_v3_fid"},
    "keras": {
        "InceptionV3": "inception_v3_keras",
        "InceptionResNetV2": "inception_resnet_v2",
        "Xception": "xception",
    },
}
"""The built-in spec of each network of a library."""
