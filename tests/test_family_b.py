"""Inception-v4, its residual kin, and the baselines: exact totals, and the same values as torchvision's and timm's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from inception_dsl import compiler
from inception_dsl.analysis.cost import cost
from inception_dsl.build import build
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower
from inception_dsl.paper import verdicts

SPECS = Path(__file__).parent.parent / "specs"


class Totals(NamedTuple):
    """What a network comes to, counted by another program: in torch, with gamma and beta trained."""

    params: int
    macs: int
    convs: int
    fcs: int


TOTALS = {
    "inception_v4": Totals(42_679_816, 12_253_974_624, 149, 1),
    "inception_resnet_v1": Totals(22_756_328, 6_206_361_696, 127, 1),
    "inception_resnet_v2": Totals(55_843_464, 13_155_794_016, 244, 1),
    "inception_resnet_v2_paper": Totals(32_433_928, 9_257_953_632, 132, 1),
    "alexnet": Totals(60_965_224, 724_406_816, 5, 3),
    "alexnet_torchvision": Totals(61_100_840, 714_188_480, 5, 3),
    "zfnet": Totals(62_357_608, 1_168_032_896, 5, 3),
    "nin": Totals(7_595_176, 1_100_188_800, 12, 0),
    "vgg16": Totals(138_357_544, 15_470_264_320, 13, 3),
    "vgg19": Totals(143_667_240, 19_632_062_464, 16, 3),
    "resnet50": Totals(25_557_032, 3_857_973_248, 53, 1),
    "resnet50_torchvision": Totals(25_557_032, 4_089_184_256, 53, 1),
    "resnet152": Totals(60_192_808, 11_282_415_616, 155, 1),
    "resnet152_torchvision": Totals(60_192_808, 11_513_626_624, 155, 1),
    "xception": Totals(22_855_952, 8_357_403_496, 74, 1),
    "xception_timm": Totals(22_855_952, 8_357_403_496, 74, 1),
}

LIBRARIES = {
    "inception_v4": ("timm", "inception_v4"),
    "inception_resnet_v2": ("timm", "inception_resnet_v2"),
    "xception_timm": ("timm", "legacy_xception"),
    "alexnet_torchvision": ("torchvision.models", "alexnet"),
    "vgg16": ("torchvision.models", "vgg16"),
    "vgg19": ("torchvision.models", "vgg19"),
    "resnet50_torchvision": ("torchvision.models", "resnet50"),
    "resnet152_torchvision": ("torchvision.models", "resnet152"),
}
MUTANTS = {
    "counted padding": ("inception_v4", "avgpool: same skip_pad", "avgpool: same count_pad"),
    "epsilon": ("inception_v4", "conv: same bn relu", "conv: same bn relu eps=0.002"),
    "order of a join": (
        "inception_v4",
        "[ pool: maxpool 3x3/2\n                   | 3x3:  conv 3x3/2 96 valid ]",
        "[ 3x3:  conv 3x3/2 96 valid\n                   | pool: maxpool 3x3/2 ]",
    ),
    "scale": ("inception_resnet_v2", "pass + 0.17 * [", "pass + 0.18 * ["),
    "padding": ("resnet50", "maxpool: same", "maxpool: same_upper"),
}
"""What a slip in a spec is, the spec, and its text before and after: each keeps every weight's shape."""
TWINS = {
    "xception": "xception_timm",
    "resnet50": "resnet50_torchvision",
    "resnet152": "resnet152_torchvision",
}
"""Networks with the weights of another, and other values."""

SEEN = 30
"""How many times its tolerance an output must move where the image does, or the comparison proves nothing."""
TOLERANCE = 1e-5

every_spec = pytest.mark.parametrize("name", TOTALS)


@cache
def typed(name: str) -> Typed:
    """A spec of this repository, at its own size."""
    return lower(compiler.compile_file(SPECS / f"{name}.yaml"))


def own(name: str) -> nn.Module:
    """The generated network, ready for inference."""
    return network(typed(name))


def network(compiled: Typed) -> nn.Module:
    """The network of the file generated for a compiled spec."""
    return build(pytorch.source(compiled), compiled.program.name).eval()


def library(name: str) -> nn.Module:
    """The library's network of which `name` is the spec; skips the test where it is not installed."""
    package, maker = LIBRARIES[name]
    module = pytest.importorskip(package)
    made: Any = module.create_model(maker) if package == "timm" else module.get_model(maker)
    assert isinstance(made, nn.Module)
    return made.eval()


def params(net: nn.Module) -> int:
    """How many numbers training changes."""
    return sum(parameter.numel() for parameter in net.parameters())


def macs(net: nn.Module, image: tuple[int, ...]) -> float:
    """Multiply-adds for one image, as torch counts them."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.empty(1, *image, device="meta"))
    return float(counter.get_total_flops() / 2)


# --- totals -----------------------------------------------------------------------------------------------------------


@every_spec
def test_totals(name: str) -> None:
    """The spec comes to the parameters, multiply-adds and layers that others count."""
    counted = cost(typed(name))
    layers = [node.op.name for node in typed(name).nodes]

    assert Totals(counted.trunk.params, counted.trunk.macs, layers.count("conv"), layers.count("fc")) == TOTALS[name]


@every_spec
def test_printed_numbers_hold(name: str) -> None:
    """Every size and total that the spec prints holds; only the two impossible widths are errata."""
    held = verdicts.compare_cells(typed(name))
    errata = {(each.claim.row, each.claim.text) for each in held if each.verdict == "erratum"}

    assert verdicts.findings(typed(name), held) == ()
    impossible = {("inception_resnet_b", "17x17x1154"), ("inception_resnet_c", "8x8x2048")}
    assert errata == (impossible if name == "inception_resnet_v2_paper" else set())


@every_spec
def test_torch_counts_the_same(name: str) -> None:
    """The generated network has the parameters and the multiply-adds of the table above, by torch's own count."""
    with torch.device("meta"):
        net = own(name)

    assert (params(net), macs(net, typed(name).input.shape)) == TOTALS[name][:2]


@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_count_the_same(name: str) -> None:
    """So does the network of the library."""
    with torch.device("meta"):
        net = library(name)

    assert (params(net), macs(net, typed(name).input.shape)) == TOTALS[name][:2]


@every_spec
def test_the_generated_file_is_short(name: str) -> None:
    """A person can read it from top to bottom."""
    assert len(pytorch.source(typed(name)).splitlines()) < 250


# --- values -----------------------------------------------------------------------------------------------------------


def owners(net: nn.Module) -> Iterator[nn.Module]:
    """The modules that own weights, in their order: convolutions and fully connected layers, then the norms."""
    for kinds in ((nn.Conv2d, nn.Linear), (nn.BatchNorm2d,)):
        yield from (module for module in net.modules() if isinstance(module, kinds))


def state(module: nn.Module) -> Mapping[str, Tensor]:
    """The tensors of one module, without those inside it."""
    tensors = {**dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}
    return {key: tensor.data for key, tensor in tensors.items()}


def enliven(net: nn.Module) -> None:
    """Weights that pass signals on: with torch's own, an image is lost in a few dozen normalised layers."""
    torch.manual_seed(0)
    for each in owners(net):
        if isinstance(each, nn.BatchNorm2d):
            each.weight.data.uniform_(0.6, 1.4)
            each.bias.data.normal_(0, 0.2)
            assert each.running_mean is not None and each.running_var is not None
            each.running_mean.normal_(0, 0.2)
            each.running_var.uniform_(0.5, 1.5)
        elif isinstance(each, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(each.weight)


def give(source: nn.Module, target: nn.Module) -> None:
    """Copy the weights of one network to another, in order, every name and shape equal."""
    for one, other in zip(owners(source), owners(target), strict=True):
        assert {key: each.shape for key, each in state(one).items()} == {
            key: each.shape for key, each in state(other).items()
        }
        for key, tensor in state(one).items():
            state(other)[key].copy_(tensor)


def images(name: str) -> Tensor:
    """Two smooth images, far apart; small, where no fully connected layer ties the network to a size."""
    torch.manual_seed(1)
    size = typed(name).input.shape[1:] if TOTALS[name].fcs > 1 else (139, 139)
    return nn.functional.interpolate(30 * torch.randn(2, 3, 9, 9), size, mode="bilinear")


def outputs(one: nn.Module, other: nn.Module, name: str) -> tuple[float, float]:
    """How far two networks' outputs are apart, and how far one image's from the other's, in units of their range."""
    with torch.no_grad():
        a, b = one(images(name)), other(images(name))
    span = float(a.max() - a.min())
    return float((a - b).abs().max()) / span, float((a[0] - a[1]).abs().max()) / span


@pytest.mark.parametrize("name", LIBRARIES)
def test_values_are_the_librarys(name: str) -> None:
    """On the same weights, the generated network gives the numbers of the library's."""
    theirs, ours = library(name), own(name)
    enliven(theirs)
    give(theirs, ours)
    apart, moved = outputs(theirs, ours, name)

    assert moved > SEEN * TOLERANCE
    assert apart < TOLERANCE


@pytest.mark.parametrize("name", TWINS)
def test_twins_differ_in_value(name: str) -> None:
    """Where only strides move or pools pad elsewhere, weights fit and values differ: shapes alone prove nothing."""
    twin, ours = own(TWINS[name]), own(name)
    enliven(twin)
    give(twin, ours)
    apart, _ = outputs(twin, ours, name)

    assert apart > SEEN * TOLERANCE


@pytest.mark.parametrize("slip", MUTANTS)
def test_a_slip_shows(slip: str) -> None:
    """The comparison above fails for one wrong word."""
    name, right, wrong = MUTANTS[slip]
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    mutant = network(compiler.at_size(compiler.compile_source(Source("mutant.yaml", text.replace(right, wrong)))))
    ours = own(name)
    enliven(ours)
    give(ours, mutant)
    apart, _ = outputs(ours, mutant, name)

    assert text.count(right) == 1
    assert apart > SEEN * TOLERANCE


# --- the widths that cannot be added ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "repaired", "printed", "message"),
    [
        ("inception_resnet_b", 1152, 1154, "`pass` gives 17x17x1152, `branch 2` gives 17x17x1154"),
        ("inception_resnet_c", 2144, 2048, "`pass` gives 8x8x2144, `branch 2` gives 8x8x2048"),
    ],
)
def test_the_printed_widths_cannot_be_added(row: str, repaired: int, printed: int, message: str) -> None:
    """With a width as the paper prints it, the sum of that row is an error that names both widths."""
    text = (SPECS / "inception_resnet_v2_paper.yaml").read_text(encoding="utf-8")
    literal, count = re.subn(rf"conv 1x1 {repaired} norm=none", f"conv 1x1 {printed} norm=none", text)
    with pytest.raises(SpecError) as error:
        compiler.at_size(compiler.compile_source(Source("literal.yaml", literal)))
    (diagnostic,) = error.value.diagnostics

    assert count == 1
    assert (diagnostic.code, diagnostic.label) == ("E205", message)
    assert diagnostic.span is not None
    assert literal.splitlines()[diagnostic.span.line - 1].split()[0] == row
