"""Margins of images, ranges of channels, and gates of one channel: what they mean, and what cannot be said."""

from __future__ import annotations

import pytest
import torch
from refusal import refusal
from torch import nn

from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.channels import ChannelSlice
from inception_dsl.ir.ops.shaping import Crop, Pad
from inception_dsl.ir.typed import Typed


def network(*rows: str, image: str = "6x9x10", keys: str = "") -> Typed:
    lines = "".join(f"  row{i} | {row}\n" for i, row in enumerate(rows))
    text = f"network: tiny\ninput: {image}\n{keys}\nlayers: |\n  name | layer\n{lines}"
    return at_size(compile_source(Source("spec.yaml", text)))


@pytest.mark.parametrize(
    ("formula", "op"),
    [
        ("crop 4", Crop((4, 4))),
        ("crop 1x2 bottom right", Crop((1, 2), bottom=True, right=True)),
        ("crop 1 top bottom left right", Crop((1, 1))),
        ("pad {1 + 1} top", Pad((2, 2), top=True)),
        ("pad 1 reflect", Pad((1, 1), reflect=True)),
        ("slice 4", ChannelSlice(4)),
        ("slice {in - 2} start={in // 3}", ChannelSlice(4, 2)),
        ("slice 4 start={in - 6}", ChannelSlice(4)),
    ],
)
def test_words(formula: str, op: Op) -> None:
    assert network(formula).nodes[0].op == op


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("crop", "E202: `crop` needs a number of pixels: write how many are cut off"),
        ("crop 0", "E207: the number of pixels of `crop` must be a whole number from 1"),
        ("crop 5", "E209: `row0`: `crop` leaves no pixel of 9x10x6: crop by fewer pixels"),
        ("crop 1 middle", "E203: `crop` does not take the word `middle`"),
        ("conv 3x3 8 same top", "E203: `conv` does not take the word `top`"),
        ("pad 9 reflect", "E209: `row0`: `pad` reflects as many pixels of 9x10x6 as it has, or more"),
        ("flatten -> pad 1", "E215: `row0`: this layer expects an image"),
        ("slice 4 start=3", "E233: `row0`: `slice 4 start=3` ends at channel 7, but 6 arrive: write `slice {in - 3}"),
        ("slice 4 start={0 - 1}", "E207"),
        ("pass * [ channel_mean -> flatten ]", "E230: factors of the product in `row0` differ in shape"),
        ("pass * [ channel_mean -> conv 1x1 2 ]", "E230: factors of the product in `row0` differ in shape"),
    ],
)
def test_what_cannot_be_said(formula: str, expected: str) -> None:
    assert refusal(network, formula).startswith(expected)


def test_a_range_of_no_channels_is_left_out() -> None:
    typed = network("[ slice {k} | slice {in - k} start={k} ]", keys="settings: {k: 0}")

    assert [node.op for node in typed.nodes] == [ChannelSlice(6)]


def test_a_module_takes_a_range_by_its_width_and_by_what_arrives() -> None:
    graph = "[ slice {k} -> bn | slice {in - k} start={k} -> gn {in} ]"
    rows = "  name | layer | k\n  a | ibn | 2\n  b | ibn | 3\n"
    text = f"network: tiny\ninput: 6x9x10\nmodules:\n  ibn: {{columns: [k], graph: '{graph}'}}\nlayers: |\n{rows}"
    typed = at_size(compile_source(Source("spec.yaml", text)))
    net = build(pytorch.source(typed), "tiny").eval()
    x = torch.randn(2, 6, 9, 10)

    assert [node.op for node in typed.nodes if isinstance(node.op, ChannelSlice)] == [
        *[ChannelSlice(2), ChannelSlice(4, 2), ChannelSlice(3), ChannelSlice(3, 3)]
    ]
    expected = x
    for k in (2, 3):
        first, rest = expected[:, :k] / (1 + 0.001) ** 0.5, nn.functional.group_norm(expected[:, k:], 6 - k)
        expected = torch.cat([first, rest], 1)
    torch.testing.assert_close(net(x), expected)


def test_a_u_net_crops_what_it_joins() -> None:
    """Level by level, the shapes of figure 1 of 1505.04597: 568x568x64 is cropped to 392x392 by 88 pixels a side."""
    typed = network("crop 88", image="64x568x568")

    assert typed.out("row0").image == (392, 392)
    assert typed.nodes[0].receptive_field[0].first == 88


def test_a_gate_of_one_channel_scales_all_of_them() -> None:
    typed = network("pass * [ [ channel_mean | channel_max ] -> conv 3x3 1 same sigmoid ]")
    net = build(pytorch.source(typed), "tiny").eval()
    x = torch.randn(2, 6, 9, 10)
    (weight,) = net.parameters()
    places = torch.stack([x.mean(1), x.amax(1)], 1)

    torch.testing.assert_close(net(x), x * nn.functional.conv2d(places, weight, padding=1).sigmoid())
