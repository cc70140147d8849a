"""The layer names of NASNet-A in pretrainedmodels."""

from __future__ import annotations

from typing import Final

_SEPARABLE: Final = ",".join(f"separable_{i}.{{depthwise,pointwise}}_conv2d,bn_sep_{i}" for i in (1, 2))
_NORMAL: Final = f"comb_iter_{{0_left,0_right,1_left,1_right,4_left}}.{{{_SEPARABLE}}}"
_REDUCTION: Final = f"comb_iter_{{0_left,0_right,1_right,2_right,4_left}}.{{{_SEPARABLE}}}"
_SQUEEZE: Final = "conv_1x1.{conv,bn},conv_prev_1x1.{conv,bn}"
_HALVE: Final = "conv_1x1.{conv,bn},path_{1,2}.conv,final_path_bn"


def _cells(first: int) -> str:
    return f"cell_{first}.{{{_HALVE},{_NORMAL}}} cell_{{{first + 1}-{first + 5}}}.{{{_SQUEEZE},{_NORMAL}}}"


NASNET_A_LARGE: Final = f"""
    conv0.{{conv,bn}}
    cell_stem_0.{{conv_1x1.{{conv,bn}},{_REDUCTION}}}
    cell_stem_1.{{{_HALVE},{_REDUCTION}}}
    {_cells(0)}
    reduction_cell_0.{{{_SQUEEZE},{_REDUCTION}}}
    {_cells(6)}
    reduction_cell_1.{{{_SQUEEZE},{_REDUCTION}}}
    {_cells(12)}
    last_linear
    """
