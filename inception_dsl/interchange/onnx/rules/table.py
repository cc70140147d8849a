"""The table of rules, complete: every family has registered its own."""

from __future__ import annotations

from inception_dsl.interchange.onnx.rules import elementwise, linear, norms, resampling, shaping
from inception_dsl.interchange.onnx.rules.rule import RULES

__all__ = ["RULES", "elementwise", "linear", "norms", "resampling", "shaping"]
