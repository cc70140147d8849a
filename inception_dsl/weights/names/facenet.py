"""The layer names of facenet-pytorch's network."""

from __future__ import annotations

from typing import Final

from inception_dsl.weights.names.notation import Names

FACENET_PYTORCH: Final = (
    Names(
        "InceptionResnetV1",
        "inception_resnet_v1_facenet",
        """
        conv2d_{1a,2a,2b,3b,4a,4b}.{conv,bn}
        repeat_1.{0-4}.{branch{0,1.{0,1},2.{0-2}}.{conv,bn},conv2d}
        mixed_6a.branch{0,1.{0-2}}.{conv,bn}
        repeat_2.{0-9}.{branch{0,1.{0-2}}.{conv,bn},conv2d}
        mixed_7a.branch{0.{0,1},1.{0,1},2.{0-2}}.{conv,bn}
        {repeat_3.{0-4},block8}.{branch{0,1.{0-2}}.{conv,bn},conv2d}
        last_{linear,bn}
        """,
        "logits",
    ),
)
