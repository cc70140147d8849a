"""The Inception specs up to v3: exact totals, held against figures from elsewhere and against torch."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from inception_dsl.analysis.cost import cost
from inception_dsl.build import build
from inception_dsl.compiler import compile_file
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower
from inception_dsl.paper import verdicts

SPECS = Path(__file__).parent.parent / "specs"


class Totals(NamedTuple):
    """Parameters that training changes, without heads and with; those in the trunk's kernels; multiply-adds."""

    params: int
    with_heads: int
    kernels: int
    macs: int


# From an independent trace of each network, layer by layer; those of torchvision and timm also from their own modules.
TOTALS = {
    "bn_inception": Totals(11_278_528, 11_278_528, 11_257_496, 1_948_605_440),
    "bn_inception_576": Totals(11_188_288, 11_188_288, 11_167_384, 1_934_857_216),
    "googlenet_torchvision": Totals(6_624_904, 13_004_888, 6_609_344, 1_498_376_192),
    "inception_v3": Totals(23_834_568, 27_161_264, 23_799_136, 5_713_216_096),
    "inception_v3_151": Totals(23_834_568, 27_161_264, 23_799_136, 5_713_216_096),
    "inception_v3_79": Totals(23_834_568, 27_161_264, 23_799_136, 5_361_703_520),
    "inception_v3_fid": Totals(23_850_960, 23_850_960, 23_815_520, 5_713_232_480),
    "inception_v3_keras": Totals(23_817_352, 23_817_352, 23_799_136, 5_713_216_096),
    "inception_v3_table1": Totals(24_410_696, 27_737_392, 24_374_624, 6_045_493_856),
    "inception_v3_timm": Totals(23_834_568, 23_834_568, 23_799_136, 5_713_216_096),
    "inception_v3_torchvision": Totals(23_834_568, 27_161_264, 23_799_136, 5_713_216_096),
}

# Where a print is not what the row computes. Everything else that a spec says is printed must agree.
ERRATA = {
    "bn_inception": {
        *("conv2.depth", "inception_3c.output", "inception_4c.output", "inception_4d.output", "inception_4e.output"),
        "totals.params",
    },
    "bn_inception_576": {"conv2.depth", "inception_3c.output", "inception_4e.output", "totals.params"},
    "inception_v2": {"totals.depth"},
    "inception_v3": {"totals.ops"},
    "inception_v3_151": {"totals.ops"},
    "inception_v3_keras": {"totals.ops"},
}
NAMES = sorted({*TOTALS, *ERRATA, "inception_naive"})


@cache
def typed(name: str) -> Typed:
    """A spec of this repository, at its own size."""
    return lower(compile_file(SPECS / f"{name}.yaml"))


@pytest.mark.parametrize("name", TOTALS)
def test_totals_are_exact(name: str) -> None:
    counted = cost(typed(name))
    heads = set(typed(name).heads)
    kernels = sum(
        math.prod(weight.shape)
        for node in typed(name).nodes
        if node.row not in heads
        for weight in node.weights.values()
        if len(weight.shape) > 1
    )

    assert Totals(counted.trunk.params, counted.total.params, kernels, counted.trunk.macs) == TOTALS[name]


@pytest.mark.parametrize("name", NAMES)
def test_prints_hold_but_for_the_errata(name: str) -> None:
    held = verdicts.compare_cells(typed(name))

    assert verdicts.findings(typed(name), held) == ()
    wrong = {f"{each.claim.row}.{each.claim.column}" for each in held if each.verdict == "erratum"}
    assert wrong == ERRATA.get(name, set())


@pytest.mark.parametrize("name", NAMES)
def test_torch_counts_the_same(name: str) -> None:
    with torch.device("meta"):
        net = build(pytorch.source(typed(name)), name).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.empty(1, *typed(name).input.shape, device="meta"))

    assert counter.get_total_flops() == 2 * cost(typed(name)).trunk.macs
    assert sum(parameter.numel() for parameter in net.parameters()) == cost(typed(name)).total.params


@pytest.mark.parametrize("name", NAMES)
def test_the_generated_file_is_short(name: str) -> None:
    """But for the functions that begin its weights, some 25 lines where these differ from layer to layer."""
    source = pytorch.source(typed(name))
    begin = re.search(r"^def (truncated_normal_|initialise)\(.*?(?=^class )", source, re.DOTALL | re.MULTILINE)

    assert len(source.splitlines()) - (begin[0].count("\n") if begin else 0) < 250


def test_naive_modules_only_widen() -> None:
    naive, reduced = cost(typed("inception_naive")).rows, cost(typed("googlenet")).rows

    assert (naive["naive_3a"].out.channels, naive["naive_3b"].out.channels) == (416, 672)
    assert naive["naive_3a"].params - naive["naive_3a"].biases == 387_072
    assert (naive["naive_3a"].macs, reduced["inception_3a"].macs) == (303_464_448, 128_049_152)


def test_the_columns_of_bn_inception_contradict_its_sizes() -> None:
    printed, repaired = typed("bn_inception"), typed("bn_inception_576")

    assert [printed.out(f"inception_4{row}").channels for row in "cde"] == [608, 608, 1056]
    assert [repaired.out(f"inception_4{row}").channels for row in "cde"] == [576, 576, 1024]


def test_an_unchanged_v3_on_79x79_is_27_times_cheaper() -> None:
    small = lower(typed("inception_v3_timm").program, (79, 79))

    assert cost(small).trunk.macs == 212_103_008
