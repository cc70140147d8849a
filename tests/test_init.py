"""How weights begin: what `init` says, what the generated network then holds, and what torchvision's own holds."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from inception_dsl import build, compiler
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.elaborate.elaborate import elaborate
from inception_dsl.elaborate.printer import print_program
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower
from inception_dsl.spec import discovery
from inception_dsl.spec.network import NetworkSpec, read_spec
from inception_dsl.spec.printer import print_spec
from inception_dsl.spec.variants import vary
from inception_dsl.syntax import yaml
from inception_dsl.weights.matching import match

SPECS = Path(__file__).parent.parent / "specs"

NETWORK = """\
network: tiny
input: 3x32x32
classes: 10
settings: {deviation: 0.02}
layers: |
  name  | layer
  conv1 | conv 3x3/2 16 same bn relu
  conv2 | conv 1x1 16 bias relu -> conv 3x3 64 same bias relu
  pool  | avgpool global
  fc    | fc 256 relu -> fc {classes}
heads:
  aux:
    from: conv1
    graph: |
      avgpool global -> conv: conv 1x1 4 -> fc1: fc 10
"""
SOURCE = "  source: section 5\n"


def spec(init: str = "") -> NetworkSpec:
    return read_spec(yaml.parse(Source("tiny.yaml", NETWORK + init)))


def init_spec(*lines: str) -> NetworkSpec:
    return spec("".join(["init:\n", SOURCE, *(f"  {line}\n" for line in lines)]))


def typed(given: NetworkSpec) -> Typed:
    return compiler.at_size(compiler.compile_spec(given))


def made(given: Typed, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build.build(pytorch.source(given), "tiny")


# --- distributions ----------------------------------------------------------------------------------------------------


def phi(x: Tensor) -> Tensor:
    """The share of a standard normal distribution below x."""
    return (1 + torch.erf(x / math.sqrt(2))) / 2


def normal(std: float) -> Callable[[Tensor], Tensor]:
    return lambda x: phi(x / std)


def truncated(std: float) -> Callable[[Tensor], Tensor]:
    """As `scipy.stats.truncnorm(-2, 2, scale=std).cdf`."""
    low, high = phi(torch.tensor([-2.0, 2.0], dtype=torch.float64))
    return lambda x: ((phi(x / std) - low) / (high - low)).clamp(0, 1)


def uniform(bound: float) -> Callable[[Tensor], Tensor]:
    return lambda x: ((x + bound) / (2 * bound)).clamp(0, 1)


FAN_IN, FAN_OUT = 16 * 9, 64 * 9  # of the 3x3 in conv2
DISTRIBUTIONS = {
    "normal std=0.01": normal(0.01),
    "normal std={deviation / 4}": normal(0.005),
    "truncated_normal std=0.1": truncated(0.1),
    "he": normal(math.sqrt(2 / FAN_IN)),
    "he fan=in": normal(math.sqrt(2 / FAN_IN)),
    "he fan=out": normal(math.sqrt(2 / FAN_OUT)),
    "xavier": uniform(math.sqrt(3 / FAN_IN)),
    "glorot": uniform(math.sqrt(6 / (FAN_IN + FAN_OUT))),
}


@pytest.mark.parametrize("words", DISTRIBUTIONS)
def test_weights_are_drawn_from_the_distribution(words: str) -> None:
    """Kolmogorov and Smirnov's distance of 9,216 weights to it; one larger than this has a chance of 1 in 10^6."""
    weight = (
        made(typed(init_spec(f"conv2: {words}"))).state_dict()["conv2.1.conv.weight"].double().flatten().sort().values
    )
    steps = torch.arange(len(weight) + 1, dtype=torch.float64) / len(weight)
    expected = DISTRIBUTIONS[words](weight)
    distance = max(float((expected - steps[:-1]).abs().max()), float((steps[1:] - expected).abs().max()))

    assert distance < 2.7 / math.sqrt(len(weight))


def test_nothing_lies_beyond_two_deviations() -> None:
    weight = made(typed(init_spec("conv2: truncated_normal std=0.1"))).state_dict()["conv2.1.conv.weight"]

    assert 0.199 < weight.abs().max() <= 0.2
    assert weight.std().item() == pytest.approx(0.088, rel=0.02)


def test_biases_are_filled() -> None:
    network = made(
        typed(init_spec("conv: he bias=0.2", "fc: xavier", "fc.1: xavier bias=1", "bn: constant value=0.5 bias=2"))
    )
    biases = {name: tensor.unique().tolist() for name, tensor in network.state_dict().items() if name.endswith("bias")}

    assert biases == {
        "conv1.bn.bias": [2],
        "conv2.0.conv.bias": [pytest.approx(0.2)],
        "conv2.1.conv.bias": [pytest.approx(0.2)],
        "fc.0.fc.bias": [0],
        "fc.1.bias": [1],
        "aux.fc1.fc.bias": [0],
    }
    assert network.state_dict()["conv1.bn.weight"].unique().tolist() == [0.5]


def constants(*lines: str) -> dict[str, float]:
    """The weights of a network all of whose weights begin as constants."""
    network = made(typed(init_spec(*lines))).state_dict()
    return {name: tensor.flatten()[0].item() for name, tensor in network.items() if name.endswith("weight")}


def test_the_longer_path_wins() -> None:
    given = constants(
        "conv2.1: constant value=4", "conv2: constant value=3", "conv: constant value=2",
        "aux.fc1: constant value=6", "aux: constant value=5", "fc: constant value=7", "conv1.bn: constant value=8",
    )  # fmt: skip

    assert given == {
        "conv1.conv.weight": 2,
        "conv1.bn.weight": 8,
        "conv2.0.conv.weight": 3,
        "conv2.1.conv.weight": 4,
        "fc.0.fc.weight": 7,
        "fc.1.weight": 7,
        "aux.conv.weight": 5,
        "aux.fc1.fc.weight": 6,
    }


def test_a_path_is_not_about_the_batch_norms_below_it() -> None:
    assert constants("conv: constant value=2", "conv1: constant value=3")["conv1.bn.weight"] == 1


def test_a_batch_norm_without_gamma() -> None:
    text = NETWORK.replace("16 same bn relu", "16 same bn gamma=none relu -> conv 1x1 16 bn")
    given = read_spec(yaml.parse(Source("tiny.yaml", f"{text}init:\n{SOURCE}  bn: constant value=3\n")))
    network = made(typed(given)).state_dict()

    assert "conv1.0.bn.weight" not in network
    assert network["conv1.1.bn.weight"].unique().tolist() == [3]


# --- the generated function -------------------------------------------------------------------------------------------

WRITTEN = '''\
def truncated_normal_(weight: Tensor, std: float) -> None:
    """Normal distribution without what lies beyond two deviations, as TensorFlow cuts it."""
    share = math.erf(2**0.5)
    with torch.no_grad():
        weight.uniform_(-share, share).erfinv_().mul_(2**0.5 * std)


def initialise(network: nn.Module) -> None:
    """Fill the weights as stated in section 5."""
    for name, module in network.named_modules():
        if name in ("conv2.0.conv", "conv2.1.conv"):
            nn.init.normal_(module.weight, std=0.02)
            nn.init.ones_(module.bias)
        elif name == "fc.1":
            truncated_normal_(module.weight, std=0.1)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="linear")
            nn.init.constant_(module.bias, 0.2)
'''
WORDS = (
    "conv: he fan=out",
    "conv2: normal std={deviation} bias=1",
    "fc: xavier bias=0.2",
    "fc.1: truncated_normal std=0.1",
)


def test_the_function_reads_well() -> None:
    source = pytorch.source(typed(init_spec(*WORDS)))

    assert f"\n\n\n{WRITTEN}\n\nclass Output" in source
    assert "        # fmt: on\n        initialise(self)\n\n    def forward" in source


def test_layers_that_begin_alike_share_a_branch() -> None:
    source = pytorch.source(typed(init_spec("conv2.1: he bias=1", "fc: he bias=1", "conv2.0: he bias=1")))

    assert 'if name in ("conv2.1.conv", "conv2.0.conv") or isinstance(module, nn.Linear):' in source
    assert source.count("kaiming_normal_") == 1


def test_a_long_source_stands_below() -> None:
    long = 'a """ word ' * 20
    source = pytorch.source(typed(spec(f"init: {{source: '{long}', conv: he}}\n")))
    doc = build.load_module(source, "tiny").initialise.__doc__

    assert " ".join(doc.split()) == f"Fill the weights as stated. Source: {long.strip()}"
    assert max(map(len, source.splitlines())) <= 120


def test_nothing_is_emitted_where_nothing_is_stated() -> None:
    assert "init" not in pytorch.source(typed(spec())).replace("__init__", "")
    assert "initialise" not in pytorch.source(typed(init_spec()))


def test_a_part_of_a_network_begins_as_far_as_it_goes() -> None:
    program = compiler.compile_spec(init_spec("fc: he"))
    part = lower(replace(program, rows=program.rows[:2], heads=()))

    assert "initialise" not in pytorch.source(part)


def test_names_stay() -> None:
    given = typed(init_spec(*WORDS, "bn: constant value=1"))
    network = made(given).state_dict()

    assert [name for name in network if not name.endswith("num_batches_tracked")] == list(given.weights)


def test_it_runs_without_memory() -> None:
    source = pytorch.source(typed(init_spec(*WORDS)))
    with torch.device("meta"):
        assert all(parameter.is_meta for parameter in build.build(source, "tiny").parameters())
    with FakeTensorMode():
        assert next(build.build(source, "tiny").parameters()).shape == (16, 3, 3, 3)


# --- against torchvision ----------------------------------------------------------------------------------------------


def of_torchvision(name: str) -> Callable[[], nn.Module]:
    return lambda: getattr(torchvision.models, name)(weights=None)


VGG = "init: {source: torchvision.models.vgg, conv: he fan=out, fc: normal std=0.01}\n"
LIBRARY: Mapping[str, Callable[[], nn.Module]] = {
    "googlenet_torchvision": lambda: torchvision.models.googlenet(weights=None, init_weights=True),
    "inception_v3_torchvision": lambda: torchvision.models.inception_v3(weights=None, init_weights=True),
    "resnet50_torchvision": of_torchvision("resnet50"),
    "vgg16": of_torchvision("vgg16"),
}


@lru_cache(maxsize=1)
def own(name: str) -> Typed:
    if name != "vgg16":
        return compiler.at_size(compiler.compile_file(SPECS / f"{name}.yaml"))
    paper = (SPECS / "vgg16.yaml").read_text(encoding="utf-8")
    return typed(read_spec(yaml.parse(Source("vgg16.yaml", paper.partition("\ninit:")[0] + "\n" + VGG))))


@pytest.mark.parametrize("name", LIBRARY)
def test_every_weight_has_the_deviation_of_torchvisions(name: str) -> None:
    """A deviation that n weights show is off by 1 / sqrt(2n) of itself, and here two are compared: five times that."""
    ours = made(own(name)).state_dict()
    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision's own changes to come
        theirs = LIBRARY[name]().state_dict()
    names = {mine: other for mine, other in match(own(name), "torchvision").theirs.items() if ours[mine].dim() > 1}

    assert len(names) > 15
    for mine, other in names.items():
        ratio = (ours[mine].double().std() / theirs[other].double().std()).item()
        assert ratio == pytest.approx(1, abs=5 / math.sqrt(ours[mine].numel())), mine


def test_every_spec_begins_with_finite_weights() -> None:
    """None of the networks with `init` fails to begin; no memory is needed to see it."""
    begun = []
    for path in discovery.find_specs([SPECS]):
        program = compiler.compile_file(path)
        if not program.init:
            continue
        with torch.device("meta"):
            build.build(pytorch.source(compiler.at_size(program)), path.stem)
        begun.append(path.stem)

    assert len(begun) >= 29


# --- printing ---------------------------------------------------------------------------------------------------------

PLACES = ("conv", "fc", "bn", "conv1.bn", "conv2", "conv2.1", "fc.0", "aux", "aux.fc1", "aux.conv")
NUMBERS = st.floats(0, 1000, allow_subnormal=False).map(abs) | st.sampled_from([0, 1, 0.1, 1e-9])


@st.composite
def statements(draw: Any) -> str:
    word = draw(st.sampled_from(["normal std=", "truncated_normal std=", "constant value=", "he", "xavier", "glorot"]))
    number = repr(draw(NUMBERS)) if word.endswith("=") else draw(st.sampled_from(["", " fan=out"])) * (word == "he")
    bias = draw(st.sampled_from(["", " bias=1", " bias={deviation * 2}", " bias={0 - 0.5}"]))
    return f"{word}{number}{bias}"


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(PLACES), statements(), max_size=5))
def test_what_is_printed_reads_back(written: dict[str, str]) -> None:
    norms = [words for path, words in written.items() if path.endswith("bn")]
    assume(not any(words.startswith(("he", "xavier", "glorot")) for words in norms))  # a scale has no fan in
    given = init_spec(*(f"{path}: {words}" for path, words in written.items()))
    program = compiler.compile_spec(given)
    again = compiler.compile_source(Source("again.yaml", print_program(program)))

    assert read_spec(yaml.parse(Source("again.yaml", print_spec(given)))) == given
    assert again.init == program.init
    assert (
        pytorch.source(compiler.at_size(again)).partition("initialise")[2]
        == (pytorch.source(compiler.at_size(program)).partition("initialise")[2])
    )


# --- variants ---------------------------------------------------------------------------------------------------------


def variant(edits: str, base: NetworkSpec) -> NetworkSpec:
    text = f"extends: tiny.yaml\nnetwork: other\n{edits}\n"
    return vary(compiler.as_base(base), yaml.parse(Source("other.yaml", text)))


def paths(given: NetworkSpec) -> dict[str, str]:
    program = elaborate(given)
    return {
        initializer.path: initializer.distribution
        for initializer in (program.init.initializers if program.init else ())
    }


BASE = ("conv: he", "fc: xavier", "conv2: glorot", "conv2.1: he", "fc.1: glorot", "aux.fc1: he", "aux: glorot")


def test_a_variant_inherits() -> None:
    assert paths(variant("title: Other", init_spec(*BASE))) == paths(init_spec(*BASE))


def test_a_variant_states_all_of_it_anew() -> None:
    made = variant("init: {source: another, fc: he}", init_spec(*BASE))

    assert paths(made) == {"fc": "he"}
    assert made.init is not None
    assert made.init.source == "another"


def test_paths_follow_what_is_renamed() -> None:
    made = variant("rename: {rows: {conv2: stem, fc: last, conv1: source}, heads: {aux: side}}", init_spec(*BASE))

    assert list(paths(made)) == ["conv", "fc", "stem", "stem.1", "last.1", "side.fc1", "side"]
    typed(made)  # all paths are about layers


def test_paths_go_with_what_is_removed() -> None:
    made = variant("remove: {heads: [aux], rows: [conv2]}", init_spec(*BASE))

    assert list(paths(made)) == ["conv", "fc", "fc.1"]
    typed(made)  # all paths are about layers


def test_a_new_path_is_not_renamed() -> None:
    made = variant("rename: {rows: {conv2: conv1, conv1: conv2}}\ninit: {source: x, conv1: he}", init_spec(*BASE))

    assert list(paths(made)) == ["conv1"]


# --- what is wrong ----------------------------------------------------------------------------------------------------

WRONG = {
    "conv: nrmal std=1": ("E203", "nrmal", "did you mean `normal`?"),
    "conv: std=1": ("E203", "std=1", "it must start with"),
    "conv: normal": ("E202", "normal", "write `normal std=0.01`"),
    "conv: normal stdd=1 std=1": ("E203", "stdd=1", "did you mean `std`?"),
    "conv: xavier fan=in": ("E203", "fan=in", "it takes `bias`"),
    "conv: he fan=both": ("E203", "fan=both", "`he fan=out`"),
    "conv: he fan=1": ("E203", "fan=1", "`he fan=out`"),
    "conv: normal std=big": ("E207", "std=big", "write `std=0.1`"),
    "conv: normal std=3x3": ("E207", "std=3x3", "write `std=0.1`"),
    "conv: normal std": ("E207", "std", "write `std=0.1`"),
    "conv: normal std={devation}": ("E206", "devation", ""),
    "conv: normal std={1 - 2} bias=1": ("E117", "std={1 - 2", ""),
    "conv: he bias=1001": ("E117", "bias=1001", ""),
    "conv: he bias=1 bias=1": ("E219", "bias=1", "keep one"),
    "conv: he ->": ("E110", "->", ""),
    "conv3: he": ("E206", "conv3", "did you mean `conv` or `conv2`?"),
    "aux.fc2: he": ("E206", "aux.fc2", "did you mean `aux.fc1`"),
    "pool: he": ("E206", "pool", "a prefix of the names"),
    "conv1.b: he": ("E206", "conv1.b", "`conv1.bn`"),
}


@pytest.mark.parametrize("line", WRONG)
def test_errors_are_reported_in_their_place(line: str) -> None:
    code, part, hint = WRONG[line]
    with pytest.raises(SpecError) as caught:
        typed(init_spec(line))
    (finding,) = caught.value.diagnostics
    assert finding.span
    written = finding.span.source.lines[finding.span.line - 1]

    assert finding.code == code
    assert written.strip() == line
    assert written[finding.span.column - 1 : finding.span.end - 1] == part
    assert hint in finding.help


def test_a_source_is_needed() -> None:
    with pytest.raises(SpecError, match="`init` has no key `source`"):
        spec("init: {conv: he}\n")
