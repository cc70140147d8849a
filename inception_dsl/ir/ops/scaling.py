"""Multiplication by constants."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.ir.op import Op


@dataclass(frozen=True)
class Scale(Op):
    """Multiplies by `factor`: the residual scaling of 1602.07261, section 3.3."""

    name = "scale"
    factor: float
