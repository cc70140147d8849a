"""Results that a spec reports: read, printed, shown beside what is proved, and never judged."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from cli_runner import cli as run
from hypothesis import given, settings
from hypothesis import strategies as st

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import Findings, Source
from inception_dsl.emit.report.report import report
from inception_dsl.emit.runner.runner import fingerprint, former_fingerprint
from inception_dsl.ir.results import Result, parse_value
from inception_dsl.network import load, loads
from inception_dsl.spec import discovery
from inception_dsl.spec.reported import REQUIRED, print_results, read_results
from inception_dsl.syntax import yaml

SPECS = Path(__file__).parent.parent / "specs"

TINY = """\
network: tiny
input: 3x8x8
settings: {width: 4}
layers: |
  name | layer
  conv | conv 1x1 {width}
  fc   | fc 10
reported: |
  metric      | value  | data              | network  | source
  top-1 error | 23%    | ILSVRC 2014, test | 7 models | Table 2
  top-5 error | 6.67%  | ILSVRC 2014, test | 7 models | Table 2
  top-5 error | 10.07% | ILSVRC 2014, test |          | Table 3
"""


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("6.67%", 0.0667),
        ("43.9 %", 0.439),
        ("0.92", 0.92),
        ("-1.5", -1.5),
        ("31.0M", 31_000_000),
        ("2.7K", 2_700),
        ("1,281,167", 1_281_167),
        ("17", 17),
    ],
)
def test_values(text: str, number: float) -> None:
    assert parse_value(text) == number


@pytest.mark.parametrize("text", ["", "%", "about 5%", "6,67%", "6.67%%", "5.6/21.2", "1e3", "inf", "7 models"])
def test_what_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match="write a number such as"):
        parse_value(text)


@given(st.decimals(0, 10**6, places=3))
def test_a_percentage_is_the_nearest_number(value: Decimal) -> None:
    """The value is divided as a decimal number, not as a binary one."""
    assert parse_value(f"{value}%") == float(value / 100)


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="|[]{}\n", categories=["L", "N", "P", "Zs"])).map(
    lambda text: " ".join(text.split())
)
_RESULTS = st.builds(
    Result,
    **dict.fromkeys(("metric", "data", "source"), _CELLS.filter(bool)),
    value=st.sampled_from(["6.67%", "31.0M", "0.5", "1,024"]),
    protocol=_CELLS,
    network=_CELLS,
)


@settings(max_examples=100)
@given(st.lists(_RESULTS, min_size=1, max_size=4))
def test_printing_and_reading_are_inverse(results: list[Result]) -> None:
    from inception_dsl.syntax.yaml_printer import dump

    document = yaml.parse(Source("any.yaml", dump({"reported": print_results(results)})))
    findings = Findings()

    assert read_results(document.text(("reported",)), findings) == tuple(results)
    assert findings.diagnostics == []


# --- variants ---------------------------------------------------------------------------------------------------------


def variant(tmp_path: Path, text: str) -> tuple[Result, ...]:
    """What a variant of `tiny` reports."""
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    (tmp_path / "other.yaml").write_text(f"extends: tiny.yaml\nnetwork: other\n{text}", encoding="utf-8")
    return compiler.compile_file(tmp_path / "other.yaml").reported


def test_a_variant_inherits_no_results(tmp_path: Path) -> None:
    """It is not the network that was measured, however little it changes; it may report its own."""
    own = "reported: |\n  metric | value | data | source\n  error | 1% | drawn | here\n"

    assert variant(tmp_path, "") == ()
    assert variant(tmp_path, "classes: 5\n") == ()
    assert variant(tmp_path, own) == (Result("error", "1%", "drawn", "here"),)
    resolved = run("show", tmp_path / "other.yaml", "--resolved", "--blame").output.splitlines()
    (line,) = (line for line in resolved if "error" in line)
    assert line.removeprefix(f"{tmp_path}/").split(maxsplit=1) == ["other.yaml:3", "error  | 1%    | drawn | here"]


def test_other_settings_make_another_network(tmp_path: Path) -> None:
    """`--set` keeps the results only where it changes nothing."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")

    assert len(load(path, {"width": 4}).reported) == 3
    assert load(path, {"width": 8}).reported == ()


def test_a_run_goes_on_after_something_was_measured() -> None:
    """The digest by which a run knows its network is that of the network alone."""
    measured, plain = loads(TINY).typed, loads(TINY.partition("reported:")[0]).typed

    assert fingerprint(measured) == fingerprint(plain)
    assert former_fingerprint(measured) == former_fingerprint(plain)


# --- where they are shown ---------------------------------------------------------------------------------------------


def test_the_report_sets_them_apart() -> None:
    """They stand in a section of their own, after everything that is computed."""
    text = loads(TINY).report()
    before, _, section = text.partition("\n## Reported, not checked\n")
    section = section.partition("\n## ")[0]

    assert "6.67%" not in before
    assert "nothing here computes them" in section and "none has a verdict" in section
    assert "\n- top-1 error 23%, top-5 error 6.67%: ILSVRC 2014, test; 7 models (Table 2)\n" in section
    assert "\n- top-5 error 10.07%: ILSVRC 2014, test (Table 3)\n" in section
    assert "## Reported" not in loads(TINY.partition("reported:")[0]).report()


def test_they_have_no_verdict() -> None:
    """`check` counts printed numbers alone."""
    net = loads(TINY)

    assert net.check() == ((), ())
    assert [result.number for result in net.reported] == [0.23, 0.0667, 0.1007]


def test_show(tmp_path: Path) -> None:
    """As text, as Markdown and as JSON."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    text, markdown, data = (run("show", path, "--format", form).output for form in ("text", "markdown", "json"))

    assert text.splitlines()[-5:] == [
        "Reported, not checked:",
        "metric       value   data               network   source",
        "top-1 error  23%     ILSVRC 2014, test  7 models  Table 2",
        "top-5 error  6.67%   ILSVRC 2014, test  7 models  Table 2",
        "top-5 error  10.07%  ILSVRC 2014, test            Table 3",
    ]
    assert "| top-5 error | 6.67%  | ILSVRC 2014, test | 7 models | Table 2 |" in markdown
    assert json.loads(data)["result"]["reported"][1] == {
        "metric": "top-5 error",
        "printed": "6.67%",
        "value": 0.0667,
        "data": "ILSVRC 2014, test",
        "protocol": "",
        "network": "7 models",
        "source": "Table 2",
    }


# --- the specs of this repository -------------------------------------------------------------------------------------

PROGRAMS = {path.stem: compiler.compile_file(path) for path in discovery.find_specs([SPECS])}


def test_every_result_says_what_where_and_whose() -> None:
    """The paper's own network is measured by its table; errors and accuracies are percentages below 100."""
    results = [result for program in PROGRAMS.values() for result in program.reported]

    assert len(results) > 100
    for result in results:
        assert all(getattr(result, column) for column in REQUIRED)
        if result.metric.endswith(("error", "accuracy")):
            assert result.value.endswith("%") and 0 < result.number < 1
        assert any(word in result.source for word in ("Table", "Figure", "abstract", "readme", "meta", "csv"))


def test_no_result_is_reported_twice() -> None:
    """Of one network, by one source under one protocol."""
    for program in PROGRAMS.values():
        keys = [replace(result, value="") for result in program.reported]
        assert len({*keys}) == len(keys), program.name


def test_top_5_errors_are_smaller_than_top_1() -> None:
    """Of the same measurement, as the definition of the two says."""
    for program in PROGRAMS.values():
        found: dict[tuple[str, ...], dict[str, float]] = {}
        for result in program.reported:
            same = (result.data, result.protocol, result.network, result.source)
            found.setdefault(same, {})[result.metric] = result.number
        for numbers in found.values():
            if numbers.keys() >= {"top-1 error", "top-5 error"}:
                assert numbers["top-5 error"] < numbers["top-1 error"]
            if numbers.keys() >= {"top-1 accuracy", "top-5 accuracy"}:
                assert numbers["top-1 accuracy"] < numbers["top-5 accuracy"]


TORCHVISION = [
    (name, result.source.split(", ")[1].removesuffix(".meta"))
    for name, program in PROGRAMS.items()
    for result in program.reported
    if result.source.startswith("torchvision,")
]


@pytest.mark.parametrize(("name", "weights"), sorted({*TORCHVISION}))
def test_torchvision_reports_the_same(name: str, weights: str) -> None:
    """The numbers are those that torchvision lists with its weights, which it evaluates at the size that they state."""
    import torchvision

    found = torchvision.models.get_weight(weights)
    metrics, size = found.meta["_metrics"]["ImageNet-1K"], found.transforms().crop_size[0]
    reported = {r.metric: r for r in PROGRAMS[name].reported if weights in r.source}

    assert {metric: result.value for metric, result in reported.items()} == {
        "top-1 accuracy": f"{metrics['acc@1']}%",
        "top-5 accuracy": f"{metrics['acc@5']}%",
    }
    assert {result.protocol for result in reported.values()} == {f"1 crop of {size}x{size}"}


def test_there_are_specs_with_torchvision_s_numbers() -> None:
    assert len({*TORCHVISION}) >= 7
    assert "## Reported, not checked" in report(load(SPECS / "googlenet.yaml").typed)
