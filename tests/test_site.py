"""The site of networks: complete, sourced, safe whatever a spec says, and written whole or not at all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from chart_geometry import faults
from cli_runner import SMALL, Run, cli, in_folder
from hypothesis import given
from hypothesis import strategies as st
from markup_reader import Reader

from inception_dsl import network
from inception_dsl.emit.charts.svg import svg
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.site.chart import error_charts
from inception_dsl.emit.site.entry import Entry, entry, number
from inception_dsl.emit.site.errors import printed_error
from inception_dsl.emit.site.lineage import ordered, years
from inception_dsl.ir.results import Result, parse_value

ROOT = Path(__file__).parent.parent

NAMES = ("alexnet", "googlenet", "googlenet_bn_small", "googlenet_separable", "inception_v3", "vgg16", "xception")

CLAIMS = """
claims:
  googlenet_budget:
    source: 1409.4842, section 1
    sentence: The models keep a computational budget of 1.5 billion multiply-adds.
    formula: ops(googlenet_separable)
    printed: 1.5B
    verdict: rounds
  googlenet_fewer_than_alexnet:
    source: 1409.4842, section 1
    sentence: GoogLeNet uses 12 times fewer parameters.
    formula: params(alexnet) / params(googlenet)
    printed: 12x
    verdict: false
    reason: it has 6,998,552
"""

HOSTILE = (
    "</title></script><script>alert(1)</script>\" onload='alert(2)' <img src=x onerror=alert(3)> \u202e\u2066 & {{ 7 }}"
)


def spec(name: str) -> str:
    """The text of a spec of this repository."""
    return (ROOT / f"specs/{name}.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def entries() -> dict[str, Entry]:
    loaded = [network.load(ROOT / f"specs/{name}.yaml") for name in NAMES]
    return {net.name: entry(Subject(net.typed)) for net in loaded}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of some networks, and of claims about them."""
    base = tmp_path_factory.mktemp("site")
    (base / "specs").mkdir()
    for name in NAMES:
        (base / "specs" / f"{name}.yaml").write_text(spec(name), encoding="utf-8")
    (base / "specs/claims.yaml").write_text(CLAIMS, encoding="utf-8")
    result = cli("site", base / "specs", "--out", base / "site")
    assert result.exit_code == 0, result.output
    assert "2 claims: 0 exact, 1 rounds, 1 false" in result.stdout
    return base / "site"


@pytest.fixture(scope="module")
def index(folder: Path) -> Reader:
    return Reader((folder / "index.html").read_text(encoding="utf-8"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return in_folder(tmp_path, monkeypatch, {"specs/small.yaml": SMALL})


# --- what the index says ----------------------------------------------------------------------------------------------


def test_every_network_is_a_line_with_its_numbers(index: Reader) -> None:
    line = index.text("tr", id="network=googlenet")

    assert "GoogLeNet (Inception v1)" in line and "2015 7.00M 1.58B 22" in re.sub(r"\s+", " ", line)
    assert "10.07%1 crop, 1409.4842, Table 3" in line
    assert "39 ✓ 13 ≈ 12 †" in line.replace("\u00a0", " ")
    assert {attributes.get("id") for tag, attributes in index.found if tag == "tr"} > {f"network={n}" for n in NAMES}
    exact = [attributes["title"] for tag, attributes in index.found if tag == "td" and "title" in attributes]
    assert "6,998,552" in exact and "top-1 accuracy 79.0%, ILSVRC 2012, validation" in exact


def test_links_lead_to_files_and_places(index: Reader, folder: Path) -> None:
    ids = {attributes["id"] for _, attributes in index.found if "id" in attributes}
    links = {attributes["href"] or "" for tag, attributes in index.found if tag == "a"}
    pages = {link.partition("#")[0] for link in links if "/" in link and not link.startswith("https://arxiv.org/")}
    figures = {attributes["src"] or "" for tag, attributes in index.found if tag == "img"}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    assert pages == {f"{name}/report.html" for name in NAMES}
    assert figures == {f"{name}/architecture.svg" for name in NAMES}
    assert there == {*pages, *figures, "index.html"}
    assert {link[1:] for link in links if link.startswith("#")} <= ids
    assert all('<a href="../index.html">' in (folder / page).read_text("utf-8") for page in pages)


def test_a_claim_has_its_verdict_and_its_networks(index: Reader) -> None:
    line = index.text("tr", id="claim=googlenet_fewer_than_alexnet")

    assert "1409.4842, section 1, AlexNet, two towers, GoogLeNet (Inception v1)" in line
    assert "params(alexnet) / params(googlenet)" in line and "12x 8.7x falseit has 6,998,552" in line


def test_variants_follow_what_they_extend(entries: dict[str, Entry]) -> None:
    order = [entry.name for entry in ordered(reversed(entries.values()))]

    assert order == [
        *("alexnet", "vgg16", "googlenet", "googlenet_separable"),
        *("inception_v3", "xception", "googlenet_bn_small"),
    ]
    listed = years(ordered(entries.values()))
    assert [year.year for year in listed] == [2012, 2015, 2016, 2017, None]
    assert [paper.arxiv for paper in listed[1].papers] == ["1409.1556", "1409.4842"]


@pytest.mark.parametrize(
    ("name", "errors"),
    [  # 2012, Table 2; 1409.4842, Table 3; 1512.00567, Table 3; 1610.02357, Table 1: an accuracy
        ("alexnet", ("40.7%", "18.2%")),
        ("googlenet", (None, "10.07%")),
        ("inception_v3", ("21.2%", "5.6%")),
        ("xception", ("21.0%", "5.5%")),
        ("googlenet_separable", (None, None)),
    ],
)
def test_the_errors_are_those_of_the_papers(
    name: str, errors: tuple[str | None, ...], entries: dict[str, Entry]
) -> None:
    assert tuple(error and error.text for error in entries[name].errors) == errors


@pytest.mark.parametrize(
    "other",
    [
        {"network": "7 models"},
        {"data": "ILSVRC 2012, test"},
        {"data": "LFW"},
        {"metric": "top-1 error"},
        {"protocol": "144 crops", "value": "1%"},
        {"value": "5M"},
    ],
)
def test_other_results_are_not_the_error(other: dict[str, str]) -> None:
    own = {
        "metric": "top-5 error",
        "value": "9%",
        "data": "ILSVRC 2012, validation",
        "source": "a",
        "protocol": "1 crop",
    }

    found = printed_error([Result(**own | other), Result(**own)], "top-5")
    assert found and (found.text, found.number, found.crops) == ("9%", 0.09, 1)


@pytest.mark.parametrize(
    ("exact", "short"),
    [
        (6_998_552, "7.00M"),
        (1_582_671_872, "1.58B"),
        (138_357_544, "138M"),
        (999_999, "1.00M"),
        (1_230, "1.23K"),
        (7, "7"),
    ],
)
def test_numbers_have_three_digits(exact: int, short: str) -> None:
    assert number(exact).short == short


@given(st.integers(0, 10**19))
def test_a_short_number_is_the_exact_one_rounded(exact: int) -> None:
    short = number(exact).short
    value = parse_value(short.removesuffix("T")) * (10**12 if short.endswith("T") else 1)

    assert value == pytest.approx(exact, rel=0.0051)
    assert len(short) <= 5 or exact >= 999.5e12


@given(st.floats(0, 1), st.sampled_from(["error", "accuracy"]), st.sampled_from(["%", ""]), st.integers(0, 9))
def test_an_accuracy_is_an_error(part: float, metric: str, unit: str, digits: int) -> None:
    value = f"{part * (100 if unit else 1):.{digits}f}{unit}"
    found = printed_error([Result(f"top-5 {metric}", value, "ImageNet", "a")], "top-5")

    assert found and found.number == pytest.approx(parse_value(found.text), abs=1e-9)
    assert found.number == pytest.approx(abs((metric == "accuracy") - parse_value(value)), abs=1e-9)


@pytest.mark.parametrize("value", ["0,000", "0K", "0.001K", "-0.1%", "1,000%"])
def test_odd_results_are_no_fault(value: str) -> None:
    found = printed_error([Result("top-1 accuracy", value, "ImageNet", "a")], "top-1")

    assert found is None or 0 <= found.number <= 1


def test_a_base_that_is_not_listed_may_have_the_name_of_an_entry(entries: dict[str, Entry]) -> None:
    one = entries["googlenet"]._replace(base="googlenet_separable")  # extends another network of that name
    two = entries["googlenet_separable"]

    assert {entry.name for entry in ordered([one, two])} == {"googlenet", "googlenet_separable"}


def test_the_charts_cover_nothing_and_name_every_network_with_an_error(entries: dict[str, Entry]) -> None:
    top5, top1 = error_charts(entries.values())

    assert faults(svg(top5)) == faults(svg(top1)) == []
    for chart, at in ((top1, 0), (top5, 1)):
        drawn = svg(chart)
        for shown in entries.values():
            assert (f'href="{shown.page}"' in drawn) == bool(shown.errors[at])
    assert "GoogLeNet (Inception v1): error 10.07%, 1.58B multiply-adds" in svg(top5)
    assert "1 crop, 1409.4842, Table 3" in svg(top5)


# --- what it is safe from ---------------------------------------------------------------------------------------------


def test_nothing_in_a_spec_becomes_markup(run: Run) -> None:
    title = json.dumps(HOSTILE)
    header, row = "metric | value | data | protocol | source", "top-5 error | 9% | ImageNet | <u>1 crop | </td><script>"
    reported = f"reported: |\n  {header}\n  {row}\n"
    Path("specs/small.yaml").write_text(
        SMALL
        + f'title: {title}\npaper: {{title: {title}, authors: "<i>", year: 2015, arxiv: "1409.4842"}}\n'
        + reported,
        encoding="utf-8",
    )
    Path("specs/claims.yaml").write_text(
        f"claims:\n  one:\n    source: {title}\n    sentence: {title}\n    formula: depth(small)\n"
        f"    printed: 3\n    verdict: false\n    reason: {title}\n",
        encoding="utf-8",
    )
    assert run("site").exit_code == 0
    text = Path("site/index.html").read_text(encoding="utf-8")
    index = Reader(text)

    tags = [tag for tag, _ in index.found]
    assert tags.count("script") == tags.count("img") == 1 and not {*tags} & {"u", "i"}
    assert not [name for _, attributes in index.found for name in attributes if name.startswith("on")]
    assert index.text("tr", id="claim=one").count("alert(3)") == 4  # sentence, source, network, reason
    assert not {"\u202e", "\u2066"} & {*text}


def test_the_same_specs_give_the_same_bytes(folder: Path) -> None:
    """In another process too, where sets have another order."""
    before = {path: path.read_bytes() for path in folder.rglob("*.html")}

    command = [sys.executable, "-m", "inception_dsl", "site", str(folder.parent / "specs"), "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": "1"})
    assert {path: path.read_bytes() for path in folder.rglob("*.html")} == before


def test_only_a_folder_of_its_own_is_written(run: Run) -> None:
    Path("mine").mkdir()
    Path("mine/index.html").write_text("<!doctype html>\n<p>mine", encoding="utf-8")
    refused = run("site", "--out", "mine")

    assert refused.exit_code == 2 and "error[E006]" in refused.stderr
    assert [path.name for path in Path("mine").iterdir()] == ["index.html"]
    assert "mine" in Path("mine/index.html").read_text("utf-8")
    assert run("site", "--out", "fresh/site").exit_code == run("site", "--out", "fresh/site").exit_code == 0


def test_nothing_is_written_unless_everything_holds(run: Run) -> None:
    Path("specs/wrong.yaml").write_text(SMALL.replace("small", "wrong").replace("108", "109"), encoding="utf-8")
    failed = run("site", "--format", "json")

    assert failed.exit_code == 1 and not Path("site").exists()
    assert [found["code"] for found in json.loads(failed.stdout)["diagnostics"]] == ["E301"]
    assert run("site", "none.yaml").exit_code == 2


def test_built_in_networks_and_their_claims(run: Run) -> None:
    assert run("site", "builtin:googlenet", "builtin:googlenet_separable", "specs/claims.yaml").exit_code == 2
    Path("specs/claims.yaml").write_text(CLAIMS.partition("  googlenet_fewer")[0], encoding="utf-8")
    Path("specs/googlenet.yaml").write_text(spec("googlenet"), encoding="utf-8")
    Path("specs/googlenet_separable.yaml").write_text(spec("googlenet_separable"), encoding="utf-8")
    assert run("site", "builtin:googlenet_separable", "specs/claims.yaml").exit_code == 0
    index = Path("site/index.html").read_text(encoding="utf-8")
    assert "from <code>builtin:googlenet_separable specs/claims.yaml</code>" in index
    assert "section 1, GoogLeNet, separable conv1" in Reader(index).text("tr", id="claim=googlenet_budget")


def test_pages_of_networks_that_are_gone_are_named(run: Run) -> None:
    Path("specs/other.yaml").write_text(SMALL.replace("network: small", "network: other"), encoding="utf-8")
    assert "wrote site/index.html and 2 pages" in run("site").stdout
    Path("specs/other.yaml").unlink()
    again = run("site", "--format", "json")

    found = json.loads(again.stdout)
    assert again.exit_code == 0
    assert [(one["code"], one["file"]) for one in found["diagnostics"]] == [
        ("W402", f"site/other/{name}") for name in ("architecture.svg", "report.html")
    ]
    assert [one["path"] for one in found["files"]] == [
        f"site/{name}" for name in ("index.html", "small/report.html", "small/architecture.svg")
    ]
