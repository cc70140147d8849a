"""The table of libraries whose weights are read and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inception_dsl.weights.names.facenet import FACENET_PYTORCH
from inception_dsl.weights.names.fid import PYTORCH_FID, TORCH_FIDELITY
from inception_dsl.weights.names.keras import KERAS
from inception_dsl.weights.names.notation import Names
from inception_dsl.weights.names.pretrainedmodels import PRETRAINEDMODELS
from inception_dsl.weights.names.timm import TIMM
from inception_dsl.weights.names.torchvision import TORCHVISION

LIBRARIES: Final[Mapping[str, tuple[Names, ...]]] = {
    "torchvision": TORCHVISION,
    "timm": TIMM,
    "pytorch-fid": PYTORCH_FID,
    "torch-fidelity": TORCH_FIDELITY,
    "facenet-pytorch": FACENET_PYTORCH,
    "pretrainedmodels": PRETRAINEDMODELS,
    "keras": KERAS,
}

BUILTIN_SPECS: Final[Mapping[str, Mapping[str, str]]] = {
    library: {names.name: names.spec for names in known} for library, known in LIBRARIES.items()
}
"""The built-in spec of each network of a library."""
