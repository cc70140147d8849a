"""The layer names of networks in Cadene's pretrainedmodels."""

from __future__ import annotations

from typing import Final

from inception_dsl.weights.names.nasnet import NASNET_A_LARGE
from inception_dsl.weights.names.notation import Names

_TWO_WAY: Final = "blocks.{0,1}.{path0.{0-2},path1,conv2d}.{conv,bn}"


def _poly_3(kernels: str) -> str:
    """The convolutions of a poly-3 are named with its first turn, a batch norm with the turn that has it."""
    shared = f"path0_{{{kernels}}},path1"
    turns = [f"{{{shared}}}.bn_blocks.{i},conv2d_blocks.{i}.{{conv,bn}}" for i in (1, 2)]
    return ",".join([f"{{{shared}}}.{{conv,bn_blocks.0}},conv2d_blocks.0.{{conv,bn}}", *turns])


def _stage(name: str, count: int, kernels: str) -> str:
    """Turns of poly-3 and 2-way."""
    return " ".join(f"{name}.{i}.{{{_TWO_WAY if i % 2 else _poly_3(kernels)}}}" for i in range(count))


PRETRAINEDMODELS: Final = (
    Names(
        "polynet",
        "polynet",
        f"""
        stem.{{conv1.{{0-2}},conv1_branch,conv2_short.{{0,1}},conv2_long.{{0-3}},conv2_branch}}.{{conv,bn}}
        stage_a.{{0-9}}.blocks.{{0,1}}.{{path0.{{0-2}},path1.{{0,1}},path2,conv2d}}.{{conv,bn}}
        reduction_a.{{path0.{{0-2}},path1}}.{{conv,bn}}
        {_stage("stage_b", 20, "1x1,1x7,7x1")}
        reduction_b.{{path0.{{0-2}},path1.{{0,1}},path2.{{0,1}}}}.{{conv,bn}}
        {_stage("stage_c", 10, "1x1,1x3,3x1")}
        last_linear
        """,
    ),
    Names("nasnetalarge", "nasnet_a_large", NASNET_A_LARGE),
)
