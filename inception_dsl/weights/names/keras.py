"""The layer names of keras' networks."""

from __future__ import annotations

from itertools import count
from typing import Final

from inception_dsl.weights.names.notation import Names

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
    Names("InceptionV3", "inception_v3_keras", " ".join([*(f"{UNIT}_{i}" for i in range(94)), "predictions"])),
    Names("InceptionResNetV2", "inception_resnet_v2", _keras_inception_resnet()),
    Names(
        "Xception",
        "xception",
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
