"""The layer names of the network of FID, which are those of torchvision's Inception-v3."""

from __future__ import annotations

from typing import Final

from inception_dsl.weights.names.families import V3_TRUNK
from inception_dsl.weights.names.notation import Names

PYTORCH_FID: Final = (Names("fid_inception_v3", "inception_v3_fid", V3_TRUNK),)
TORCH_FIDELITY: Final = (Names("inception-v3-compat", "inception_v3_fid", V3_TRUNK),)
