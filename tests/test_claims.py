"""Claims: every sentence of `specs/claims.yaml` compared with numbers worked out by hand, and the findings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cli_runner import cli as run
from hypothesis import given, settings
from strategies import formulas

from inception_dsl import compilation, compiler
from inception_dsl.analysis.cost import Cost
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.ir.values import MEASURE_FUNCTIONS, PART_COUNTS, Measurement, Name, Value, spell
from inception_dsl.paper import claims
from inception_dsl.paper.measurements import Measured, Subject
from inception_dsl.spec import discovery
from inception_dsl.spec.claims import Sentence, read_claims
from inception_dsl.syntax import algebra, yaml
from inception_dsl.syntax import source as sources

SPECS = Path(__file__).parent.parent / "specs"
FILE = SPECS / "claims.yaml"

# Parameters and multiply-adds of networks, counted from the papers' tables and from released models as executed.
ALEXNET, VGG16, VGG19 = 60_965_224, 138_357_544, 143_667_240
GOOGLENET, GOOGLENET_OPS, SEPARABLE_OPS = 6_998_552, 1_582_671_872, 1_498_677_248
BN_INCEPTION, BN_INCEPTION_OPS = 11_278_528, 1_948_605_440
V3, V3_OPS, V3_79_OPS, V4_OPS = 23_834_568, 5_713_216_096, 5_361_703_520, 12_253_974_624
VGG16_OPS, VGG16_CONV_OPS, VGG19_OPS = 15_470_264_320, 15_346_630_656, 19_632_062_464
MOBILENET_OPS = 568_740_352
SE_OPS = 2 * (3 * 256**2 + 4 * 512**2 + 6 * 1024**2 + 3 * 2048**2) // 16  # equation 5 of 1709.01507
RESNET152, RESNET50_OPS, RESNET152_OPS = 60_192_808, 3_857_973_248, 11_282_415_616

COMPUTED: dict[str, Fraction | int | str] = {
    "alexnet_parameters": ALEXNET,
    "alexnet_parameters_retold": 62_378_344,
    "vgg16_parameters": VGG16,
    "vgg19_parameters": VGG19,
    "googlenet_fewer_than_alexnet": Fraction(ALEXNET, GOOGLENET),
    "googlenet_budget": SEPARABLE_OPS,
    "googlenet_budget_dense": GOOGLENET_OPS,
    "googlenet_budget_printed": 1_502_000_000,
    "googlenet_depth": 22,
    "googlenet_depth_with_pooling": 27,
    "googlenet_modules": 9,
    "googlenet_crops": 144,
    "googlenet_cost_1_model_1_crop": 1,
    "googlenet_cost_1_model_10_crops": 10,
    "googlenet_cost_1_model_144_crops": 144,
    "googlenet_cost_7_models_1_crop": 7,
    "googlenet_cost_7_models_10_crops": 70,
    "googlenet_cost_7_models_144_crops": 1008,
    "googlenet_gain_1_model_10_crops": "-0.0092",
    "googlenet_gain_1_model_144_crops": "-0.0218",
    "googlenet_gain_7_models_1_crop": "-0.0198",
    "googlenet_gain_7_models_10_crops": "-0.0245",
    "googlenet_gain_7_models_144_crops": "-0.0340",
    "googlenet_error_reduction": Fraction(863, 1530),
    "reduction_without_1x1": 112_896_000,
    "reduction_with_1x1": 5_268_480,
    "pooling_against_fc": 51_380_224,
    "bn_inception_parameters": BN_INCEPTION,
    "bn_inception_more_compute": Fraction(BN_INCEPTION_OPS, SEPARABLE_OPS) - 1,
    "bn_inception_more_parameters": Fraction(BN_INCEPTION, GOOGLENET) - 1,
    "bn_inception_operations": BN_INCEPTION_OPS,
    "googlenet_parameters": GOOGLENET,
    "googlenet_against_alexnet": 12,
    "vgg_against_alexnet": Fraction(VGG16, ALEXNET),
    "factor_5x5_cost": Fraction(25, 9),
    "factor_5x5_into_3x3": "0.28",
    "factor_7x7_into_3x3": Fraction(22, 49),
    "factor_3x3_asymmetric": Fraction(1, 3),
    "factor_3x3_into_2x2": Fraction(1, 9),
    "googlenet_heads": 2,
    "inception_v3_one_head_fewer": 1,
    "inception_v2_one_head_fewer": 2,
    "inception_v2_depth": 48,
    "inception_v2_operations": 6_081_573_472,
    "inception_v2_against_googlenet": Fraction(38, 15),
    "inception_v3_against_googlenet": Fraction(V3_OPS, GOOGLENET_OPS),
    "inception_v3_against_bn_inception_printed": "2.4",
    "inception_v3_against_bn_inception": Fraction(V3_OPS, BN_INCEPTION_OPS),
    "inception_v3_operations": V3_OPS,
    "inception_v3_operations_abstract": V3_OPS,
    "inception_v3_parameters": V3,
    "inception_v3_against_vgg": Fraction(VGG16_OPS, V3_OPS),
    "inception_v3_against_resnet": Fraction(RESNET152, V3),
    "auxiliary_batch_norm": "0.004",
    "label_smoothing_true": "0.9001",
    "label_smoothing_other": "0.0001",
    "low_resolution_151": 1,
    "low_resolution_79": Fraction(V3_79_OPS, V3_OPS),
    "low_resolution_naive": Fraction(V3_OPS, 212_103_008),
    "ensemble_error_reduction": Fraction(136, 494),
    "resnet152_depth": 152,
    "resnet152_against_vgg": 8,
    "resnet50_operations": RESNET50_OPS,
    "resnet152_operations": RESNET152_OPS,
    "vgg16_operations": VGG16_CONV_OPS,
    "vgg19_operations": VGG19_OPS,
    "inception_v4_modules": 14 - 9,
    "inception_resnet_v1_cost": Fraction(6_206_361_696, V3_OPS),
    "inception_resnet_v2_cost": Fraction(13_155_794_016, V4_OPS),
    "inception_resnet_v2_cost_drawn": Fraction(9_257_953_632, V4_OPS),
    "se_resnet50_operations": RESNET50_OPS + SE_OPS,
    "se_resnet50_operations_with_gates": 3_871_526_912,
    "se_resnet50_increase_printed": Fraction(1, 386),
    "se_resnet50_increase": Fraction(SE_OPS, RESNET50_OPS),
    "se_resnet50_parameters": SE_OPS + 16_048,
    "se_resnet50_parameters_increase": Fraction(SE_OPS + 16_048, 25_557_032),
    "mobilenet_layers": 15 + 13,
    "mobilenet_less_computation_at_least": Fraction(4_867_293_184, MOBILENET_OPS),
    "mobilenet_less_computation_at_most": Fraction(4_867_293_184, MOBILENET_OPS),
    "mobilenet_conv_operations": 4_867_293_184 - 1_024_000,
    "mobilenet_conv_parameters": 29_294_088,
    "mobilenet_shallow_operations": MOBILENET_OPS - 5 * (9 + 512) * 512 * 14 * 14,
    "mobilenet_shallow_parameters": 4_231_976 - 5 * (9 + 512 + 4) * 512,
    "mobilenet_width_10_operations": MOBILENET_OPS,
    "mobilenet_width_10_parameters": 4_231_976,
    "mobilenet_width_075_operations": 325_400_448,
    "mobilenet_width_075_parameters": 2_585_560,
    "mobilenet_width_05_operations": 149_497_088,
    "mobilenet_width_05_parameters": 1_331_592,
    "mobilenet_width_025_operations": 41_030_272,
    "mobilenet_width_025_parameters": 470_072,
    "mobilenet_192_operations": (MOBILENET_OPS - 1_024_000) * 6**2 // 7**2 + 1_024_000,
    "mobilenet_160_operations": (MOBILENET_OPS - 1_024_000) * 5**2 // 7**2 + 1_024_000,
    "mobilenet_128_operations": (MOBILENET_OPS - 1_024_000) * 4**2 // 7**2 + 1_024_000,
    "mobilenet_small_operations": (149_497_088 - 512_000) * 5**2 // 7**2 + 512_000,
    "mobilenet_small_parameters": 1_331_592,
    "mobilenet_about_googlenet_operations": GOOGLENET_OPS,
    "mobilenet_about_googlenet_parameters": GOOGLENET,
    "resnet50_parameters": 25_557_032,
    "resnet50_operations_stride_3x3": 4_089_184_256,
    "resnext50_parameters": 25_028_904,
    "resnext50_operations": 4_230_479_872,
    "resnext_block_1x64": 69_632,
    "resnext_block_2x40": 69_760,
    "resnext_block_4x24": 69_888,
    "resnext_block_8x14": 71_456,
    "resnext_block_32x4": 70_144,
    "resnext_block_operations": 70_144 * 56 * 56,
    "efficientnet_b7_parameters": 66_347_960,  # torchvision's efficientnet_b7
    "efficientnet_b7_operations": 37_745_884_192,
    "efficientnet_b7_against_gpipe": Fraction(557_000_000, 66_347_960),
}


@cache
def sentences() -> tuple[Sentence, ...]:
    """The claims of this repository, as written."""
    return read_claims(yaml.parse(sources.read(FILE)))


@cache
def measured(about: Subject) -> Measured:
    """A network of this repository, with some settings, as claims measure it."""
    settings = {name: str(value) for name, value in about.settings}
    program = compiler.compile_file(f"builtin:{about.network}", settings=settings)
    return Measured.of(compiler.at_size(program, (about.size, about.size) if about.size else None))


def network(name: str) -> Cost:
    """What a network of this repository costs."""
    found = measured(Subject(name)).cost
    assert isinstance(found, Cost)
    return found


def examined(*some: Sentence) -> claims.Examination:
    """What an examination of some sentences gives."""
    networks = {about: measured(about) for about in claims.subjects(some)}
    return claims.compare_sentences(some, networks, [about.network for about in networks])


each_sentence = pytest.mark.parametrize("sentence", sentences(), ids=lambda sentence: sentence.id)


def test_every_claim_has_a_number_of_its_own() -> None:
    assert [sentence.id for sentence in sentences()] == list(COMPUTED)


@each_sentence
def test_computed(sentence: Sentence) -> None:
    """A formula gives the number worked out by hand, to the last digit, and its verdict holds."""
    (verdict,), findings = examined(sentence)

    assert verdict.computed == Fraction(COMPUTED[sentence.id])
    assert verdict.is_current
    assert verdict.word == sentence.verdict
    assert findings == ()


@each_sentence
def test_the_verdict_is_that_of_decimal_arithmetic(sentence: Sentence) -> None:
    """`decimal` rounds the number worked out by hand to the printed one exactly where the verdict says so."""
    found = re.fullmatch(r"(under |over )?(-?[\d,.]+)([KMB]?)([x%]?)", sentence.printed)
    assert found
    bound, digits, suffix, kind = found.groups(default="")
    printed, fraction = Decimal(digits), Fraction(COMPUTED[sentence.id])
    unit = Decimal({"": 1, "K": 10**3, "M": 10**6, "B": 10**9}[suffix]) / (100 if kind == "%" else 1)
    number = Decimal(fraction.numerator) / Decimal(fraction.denominator) / unit
    if bound:
        agrees = number < printed if bound == "under " else number > printed
    elif sentence.within:
        agrees = abs(number / printed - 1) <= Decimal(sentence.within.removesuffix("%")) / 100
    else:
        rounding = {"nearest": ROUND_HALF_UP, "down": ROUND_DOWN}[sentence.rounding]
        agrees = number.quantize(printed, rounding=rounding) == printed

    assert agrees == (sentence.verdict in ("exact", "rounds"))
    assert (agrees and (number == printed or bool(bound))) == (sentence.verdict == "exact")


@each_sentence
def test_another_verdict_does_not_hold(sentence: Sentence) -> None:
    """Any other recorded verdict is a finding, at its place."""
    differs = ("false", "not reproduced")
    for word in {"exact", "rounds", *differs} - {sentence.verdict}:
        (verdict,), findings = examined(replace(sentence, verdict=word))
        if word in differs and sentence.verdict in differs:
            assert verdict.is_current  # which of the two is a judgement, not a number
            continue
        (finding,) = findings
        assert (finding.code, finding.span) == ("E310", sentence.span("verdict"))
        assert verdict.word == "MISMATCH"


def test_the_verdicts_there_are() -> None:
    """All four are in use, and those that say no give a reason."""
    assert {sentence.verdict for sentence in sentences()} == {"exact", "rounds", "false", "not reproduced"}
    assert all(sentence.reason for sentence in sentences() if sentence.verdict in ("false", "not reproduced"))


REASONS: dict[str, Callable[[], int]] = {
    "60,965,224": lambda: network("alexnet").trunk.params,
    "6,998,552": lambda: network("googlenet").trunk.params,
    "118,013,952": lambda: network("googlenet").rows["conv1"].macs,
    "1,582,671,872": lambda: network("googlenet").trunk.macs,
    # the separable conv1 of 2,712 weights made a dense one of 9,408, at 112x112
    "2,032,600,064": lambda: network("bn_inception").trunk.macs + (9_408 - 2_712) * 112 * 112,
    "138,357,544": lambda: network("vgg16").trunk.params,
    "6,081,573,472": lambda: network("inception_v2").trunk.macs,
    "27,161,264": lambda: network("inception_v3").total.params,
}


def test_the_numbers_in_reasons() -> None:
    """Every long number that a reason gives is one that the networks give."""
    given = {number for sentence in sentences() for number in re.findall(r"\d[\d,]*,\d{3}", sentence.reason)}

    assert given == REASONS.keys()
    assert {number: f"{compute():,}" for number, compute in REASONS.items()} == {number: number for number in REASONS}


# --- numbers and formulas ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "bound", "value"),
    [
        ("12x", "", "12"),
        ("2.5\u00d7", "", "2.5"),
        ("112.9M", "", "112900000"),
        ("1.5B", "", "1500000000"),
        ("44.9%", "", "0.449"),
        ("33 %", "", "0.33"),
        ("-3.45%", "", "-0.0345"),
        ("\u22123.45%", "", "-0.0345"),
        ("+30%", "", "0.30"),
        ("0.9001", "", "0.9001"),
        ("1,008", "", "1008"),
        ("under 25M", "under", "25000000"),
        ("over  25%", "over", "0.25"),
    ],
)
def test_stated_numbers(text: str, bound: str, value: str) -> None:
    stated = claims.parse_stated(text)

    assert (stated.bound, stated.value) == (bound, Fraction(value))


@pytest.mark.parametrize(
    "text", ["", "x", "%", "many", "12xx", "1.5e9", "about 3x", "--3", "under", "1024x1024", "3/4"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="write a number such as"):
        claims.parse_stated(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1 + 0.2", "0.3"),  # of decimal numbers, not of the nearest binary ones
        ("(9 + 9) / 25", "18/25"),
        ("1 - 27 / 49", "22/49"),
        ("2 - 3 - 4", "-5"),
        ("2 * (3 - 4)", "-2"),
        ("7 // 2 + 7 % 4", "6"),
        ("max(9, 2 * 5) + min(1 / 3, 1 / 2)", "31/3"),
        ("round(25 / 9) + floor(25 / 9) + ceil(1 / 9)", "6"),
        ("round(100, 8)", "104"),
        ("1e6 * 1e6", "1000000000000"),  # larger than any number of a spec
    ],
)
def test_arithmetic(text: str, value: str) -> None:
    assert claims.evaluate_formula(algebra.parse_claim(text), {}) == Fraction(value)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("params(googlenet)", 6_998_552),
        ("params(googlenet.inception_3a)", 163_696),
        ("params(googlenet.aux1) + params(googlenet.aux2)", 6_379_728),
        ("ops(googlenet.inception_3a)", 128_049_152),
        ("depth(googlenet.inception_3a)", 2),
        ("receptive_field(googlenet.conv1)", 7),
        ("activations(googlenet.conv1)", 112 * 112 * 64),
        ("heads(googlenet) + heads(inception_v4)", 2),
        ("calls(googlenet.inception)", 9),
        ("calls(googlenet.aux)", 2),
        ("calls(inception_v3.split)", 4),  # of two modules, each of which calls it twice
        ("calls(inception_v4.inception_b)", 7),  # `7 of`
    ],
)
def test_measures(formula: str, value: int) -> None:
    """Networks, rows and heads are measured by the measures of the printed columns; heads and calls are counted."""
    text = f"claims: {{a: {{source: s, sentence: t, formula: {formula}, printed: {value}, verdict: exact}}}}"
    ((verdict,), findings) = examined(*read_claims(yaml.parse(Source("claims.yaml", text))))

    assert verdict.computed == value
    assert findings == ()


def test_every_measure_of_the_language_is_one_of_claims() -> None:
    """The grammar spells the measures out; `ir.values` lists them."""
    for name in (*MEASURE_FUNCTIONS, *PART_COUNTS):
        assert algebra.parse_claim(f"{name}(a.b)") == Measurement(name, Name("a.b"))


@settings(max_examples=150)
@given(formulas())
def test_formulas(formula: Value) -> None:
    """Printing and parsing are inverse."""
    assert algebra.parse_claim(spell(formula)) == formula


def test_a_spec_measures_nothing() -> None:
    """The formulas of networks know no measures."""
    spec = "network: a\ninput: 3x8x8\nlayers: |\n  name | layer\n  a    | conv 1x1 {params(b)} same\n"
    with pytest.raises(SpecError) as caught:
        compiler.compile_source(Source("a.yaml", spec))

    assert [fault.message for fault in caught.value.diagnostics] == ["unknown function"]


# --- files and the command --------------------------------------------------------------------------------------------


def folder(tmp_path: Path, text: str, **specs: str) -> Path:
    """A folder with claims and specs, and GoogLeNet; gives the claims."""
    for name, spec in specs.items():
        (tmp_path / f"{name}.yaml").write_text(spec, encoding="utf-8")
    (tmp_path / "googlenet.yaml").write_bytes((SPECS / "googlenet.yaml").read_bytes())
    (tmp_path / "claims.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "claims.yaml"


def claim(formula: str, printed: str = "22", verdict: str = "exact") -> str:
    """A line of a file of claims."""
    rest = f"formula: '{formula}', printed: {printed}, verdict: {verdict}"
    return f"  c{len(formula)}: {{source: s, sentence: t, {rest}}}\n"


def test_only_what_is_measured_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec is compiled once if it is measured, and not at all else."""
    compiled: list[Path] = []

    def compile_file(path: Path, **options: Any) -> object:
        compiled.append(path)
        return real(path, **options)

    real = compiler.compile_file
    monkeypatch.setattr(compiler, "compile_file", compile_file)
    file = folder(
        tmp_path, f"claims:\n{claim('depth(googlenet)')}{claim('depth(googlenet) + 0')}", broken="network: 1\n"
    )

    assert compilation.examine(file).findings == ()
    assert compiled == [tmp_path / "googlenet.yaml"]


def test_a_broken_spec_is_reported_beside_the_other_claims(tmp_path: Path) -> None:
    """The errors of a measured spec are reported once; the claims about others have their verdicts."""
    text = f"claims:\n{claim('depth(broken)')}{claim('params(broken)')}{claim('depth(googlenet)')}"
    verdicts, findings = compilation.examine(folder(tmp_path, text, broken="network: broken\ninput: 3x8x8\n"))

    assert [verdict.sentence.written for verdict in verdicts] == ["depth(googlenet)"]
    assert [(fault.code, fault.message) for fault in findings] == [("E104", "the spec has no key `layers`")]


SCALED = """\
network: scaled
input: 3x32x32
settings: {width: 1.0, blocks: 2}
modules: {block: {graph: "conv 3x3 {8 * width} same"}}
layers: |
  name   | layer
  blocks | {blocks} of block
  pool   | avgpool global -> flatten
"""


def test_a_network_is_measured_with_other_settings_and_sizes(tmp_path: Path) -> None:
    """Of the rows of `scaled`, in multiply-adds and calls."""
    whole = (3 * 8 + 8 * 8) * 9 * 32 * 32
    formulas = {
        "ops(scaled.blocks)": whole,
        "ops(scaled.blocks, size=16)": whole // 4,
        "ops(scaled, width=0.5)": (3 * 4 + 4 * 4) * 9 * 32 * 32,
        "params(scaled, blocks=1, width=0.5)": 3 * 4 * 9,
        "calls(scaled.block, blocks=3)": 3,
        "calls(scaled.block, blocks=3, size=8) + calls(scaled.block)": 5,
    }
    text = "".join(claim(formula, str(value)) for formula, value in formulas.items())
    verdicts, findings = compilation.examine(folder(tmp_path, f"claims:\n{text}", scaled=SCALED))

    assert {verdict.sentence.written: verdict.computed for verdict in verdicts} == formulas
    assert findings == ()


def test_a_size_that_a_network_cannot_have(tmp_path: Path) -> None:
    """The layer that fixes the size is told, and the formula that asks for another."""
    (fault,) = compilation.examine(folder(tmp_path, f"claims:\n{claim('ops(googlenet, size=256)')}")).findings
    (note,) = (note for note in fault.notes if note.message == "measured here")

    assert fault.code == "E218"
    assert fault.span is not None and fault.span.source.file.endswith("googlenet.yaml")
    assert note.span.source.file.endswith("claims.yaml")


def test_a_changed_network_changes_a_verdict(tmp_path: Path) -> None:
    """With 3x3 for 5x5, as in some ports, GoogLeNet keeps the budget that its Figure 3 exceeds: so says the claim."""
    text = (SPECS / "googlenet.yaml").read_text(encoding="utf-8").replace("conv 5x5 {#5x5}", "conv 3x3 {#5x5}")
    dense = f"claims:\n{claim('ops(googlenet)', '1.5B', 'false, reason: r')}"
    assert compilation.examine(folder(tmp_path, dense)).findings == ()
    (tmp_path / "googlenet.yaml").write_text(text, encoding="utf-8")
    (finding,) = compilation.examine(tmp_path / "claims.yaml").findings

    assert finding.code == "E310"
    assert finding.message.endswith("is recorded as `false`: 1.5B is printed, 1.50B computed")


def test_a_folder_of_specs_leaves_claims_out(tmp_path: Path) -> None:
    """A file of claims is not a spec: a folder is read without them, and there is none in them."""
    file = folder(tmp_path, f"# comment\nclaims:\n{claim('1')}")

    assert discovery.find_specs([tmp_path]) == [tmp_path / "googlenet.yaml"]
    assert FILE not in discovery.find_specs([SPECS])
    assert discovery.find_files([file, tmp_path]) == ([tmp_path / "googlenet.yaml"], [file], [])


def test_a_file_of_claims_among_specs(tmp_path: Path) -> None:
    """Where every file of a folder is named, as a shell or pre-commit does, `check` holds it and `compile` skips it."""
    file = folder(tmp_path, f"claims:\n{claim('depth(googlenet)', '22')}")
    files = sorted(map(str, tmp_path.glob("*.yaml")))
    checked = run("check", *files)

    assert checked.exit_code == 0
    assert f"{file}: 1 claim: 1 exact, 0 rounds, 0 false, 0 not reproduced, 0 mismatches" in checked.output
    assert "printed numbers:" in checked.output
    assert run("check", file).output == run("claims", file).output

    compiled = run("compile", *files, "--out", tmp_path / "out")
    assert compiled.exit_code == 0
    assert f"skipped {file}: it holds claims, not a network\n" in compiled.output
    file.write_text(file.read_text(encoding="utf-8").replace("22", "23"), encoding="utf-8")
    assert run("check", *files).exit_code == 1


def test_the_command() -> None:
    """Prints every claim and how many have which verdict, and exits with 0 where all hold."""
    result = run("claims", FILE)
    line = next(line for line in result.output.splitlines() if line.startswith("googlenet_fewer_than_alexnet "))
    words = [sentence.verdict for sentence in sentences()]
    counted = ", ".join(f"{words.count(word)} {word}" for word in ("exact", "rounds", "false", "not reproduced"))

    assert result.exit_code == 0
    assert line.split() == "googlenet_fewer_than_alexnet params(alexnet) / params(googlenet) 12x 8.7x false".split()
    assert result.output.splitlines()[-1] == f"{len(words)} claims: {counted}, 0 mismatches"


def test_the_command_for_machines() -> None:
    """The JSON has every part of a claim, its number as a number."""
    result = run("claims", FILE, "--format", "json")
    data = json.loads(result.output)
    by_id = {claim["id"]: claim for claim in data["claims"]}

    assert (result.exit_code, data["diagnostics"]) == (0, [])
    assert list(by_id) == list(COMPUTED)
    assert by_id["inception_v3_operations"]["computed"] == V3_OPS
    assert by_id["googlenet_fewer_than_alexnet"] == {
        "id": "googlenet_fewer_than_alexnet",
        "source": "1409.4842, section 1",
        "sentence": "GoogLeNet uses 12 times fewer parameters than the winning architecture of Krizhevsky et al.",
        "formula": "params(alexnet) / params(googlenet)",
        "printed": "12x",
        "computed": ALEXNET / GOOGLENET,
        "shown": "8.7x",
        "verdict": "false",
        "recorded": "false",
        "reason": "Table 1 gives 6,998,552 parameters; a ratio of 12 needs the 5 million that 1512.00567 speaks of",
    }


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_a_verdict_that_does_not_hold_fails(tmp_path: Path, form: str) -> None:
    """The exit code is 1 and the diagnostic is printed in every form; 2 where the file cannot be read."""
    result = run("claims", folder(tmp_path, f"claims:\n{claim('depth(googlenet)', '23')}"), "--format", form)

    assert result.exit_code == 1
    assert "E310" in result.output + result.stderr
    assert run("claims", tmp_path / "missing.yaml", "--format", form).exit_code == 2


@pytest.mark.parametrize("name", ["googlenet", "googlenet_separable"])
def test_a_spec_is_no_file_of_claims(name: str) -> None:
    """One error says so, and which command is meant."""
    path = str(SPECS / f"{name}.yaml")
    done = run("claims", path)

    assert done.exit_code == 1
    assert done.stderr.startswith("error[E104]: this is a spec, not a file of claims\n")
    assert f"help: `inception-dsl check {path}` checks a spec" in done.stderr
    assert done.stderr.endswith("\n1 error\n")
