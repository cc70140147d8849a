"""The table of rules, complete: every family has registered its own."""

from __future__ import annotations

from inception_dsl.interchange.torch.rules import elementwise, layers, resampling, shaping
from inception_dsl.interchange.torch.rules.call import RULES

__all__ = ["RULES", "elementwise", "layers", "resampling", "shaping"]
