"""Sweeps: the fast costs are the compiler's, the front is exact, and what is written is what was costed."""

from __future__ import annotations

import csv
import json
import re
import shlex
from itertools import product
from operator import le
from pathlib import Path
from typing import Any

import pytest
from cli_runner import Run, in_folder
from hypothesis import given, settings
from hypothesis import strategies as st
from sessions import follow
from strategies import specs
from test_json import enveloped
from test_readme import blocks

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.values import Scalar
from inception_dsl.network import load
from inception_dsl.spec import loader
from inception_dsl.spec.network import Base
from inception_dsl.sweeps.axes import expand
from inception_dsl.sweeps.costs import Costs
from inception_dsl.sweeps.pareto import Front
from inception_dsl.sweeps.replay import Invalid
from inception_dsl.sweeps.search import feasible_sampler
from inception_dsl.sweeps.sweep import Values, sweep
from inception_dsl.sweeps.variant import Variant

ROOT = Path(__file__).parent.parent

WIDTH = re.compile(r"(?<=conv )(\d+x\d+(?:/[\dx{}a-z]+)?) ([1-9])(?= |\]|\n|$)")
"""The kernel and the width of a convolution in a drawn spec."""

FACTORS = (
    "{{{0} * wide}}",
    "{{max({0}, wide)}}",
    "{{{0} - 1 + wide}}",
    "{{round(wide * {0})}}",
    "{{{0} // (2 - wide)}}",
)


def varied(text: str, draw: st.DataObject) -> str:
    """A drawn spec with a new setting `wide` in some of its widths and cells, which changes nothing where it is 1."""

    def scaled(width: str) -> str:
        return draw.draw(st.sampled_from(FACTORS)).format(width) if draw.draw(st.booleans()) else width

    text = WIDTH.sub(lambda found: f"{found[1]} {scaled(found[2])}", text)
    text = re.sub(r"(?<=\| )[2-9](?= \||$)", lambda found: scaled(found[0]), text, flags=re.MULTILINE)
    return text.replace("settings:\n", "settings:\n  wide: 1.0\n").replace("settings: {", "settings: {wide: 1.0, ")


def outcome(costs: Costs, chosen: dict[str, Scalar], image: Pair | None) -> object:
    """What a sweep says of a variant: the costs of its rows, or that it is not valid."""
    try:
        found = costs.cost(chosen, image)
    except Invalid:
        return None
    return found.trunk, found.rows


def compiled(costs: Costs, chosen: dict[str, Scalar], image: Pair | None) -> object:
    """What the compiler says of it."""
    try:
        _, found = costs.compile(chosen, image)
    except SpecError:
        return None
    return found.trunk, found.rows


def base_of(text: str) -> Base:
    """A spec as the base of its variants."""
    return compiler.as_base(loader.load_source(Source("drawn.yaml", text), compiler.as_base))


@settings(max_examples=20)
@given(specs(), st.data())
def test_random_sweeps_cost_what_the_compiler_counts(text: str, draw: st.DataObject) -> None:
    compare(base_of(varied(text, draw)))


def compare(base: Base) -> None:
    """Compare the costs of some variants with what the compiler counts."""
    costs = Costs(base, ("wide", "n"))
    for wide, n, image in product((1, 0.5, 2, 0, 3), (1, 0), (None, (33, 40))):
        chosen: dict[str, Scalar] = {"wide": wide, "n": n}
        assert outcome(costs, chosen, image) == compiled(costs, chosen, image), (wide, n, image)


@pytest.mark.parametrize(
    ("spec", "settings", "image"),
    [
        ("builtin:mobilenet_v1", {"width": (0.5, 0.3, 1.25)}, (160, 192)),
        ("benchmarks/googlenet_scaled.yaml", {"width": (0.25, 1.7), "depth": (1, 3)}, (225, 225)),
        ("benchmarks/googlenet_stages.yaml", {"w3": (20, 0), "w5": (35, 1)}, None),
        ("builtin:convnext_tiny", {"drop_path": (0, 0.2)}, None),
    ],
)
def test_real_sweeps_cost_what_the_compiler_counts(
    spec: str, settings: dict[str, tuple[Scalar, ...]], image: Pair | None
) -> None:
    costs = Costs(compiler.as_base(compiler.load(spec if ":" in spec else ROOT / spec)), (*settings,))
    for values in product(*settings.values()):
        chosen = dict(zip(settings, values, strict=True))
        for size in {None, image}:
            assert outcome(costs, chosen, size) == compiled(costs, chosen, size), (chosen, size)


def test_one_compilation_serves_all_widths(monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes a sweep fast: neither is a variant compiled, nor is a plan made twice for a structure."""
    costs = Costs(compiler.as_base(compiler.load(ROOT / "benchmarks/googlenet_scaled.yaml")), ("width", "depth"))
    plans: list[object] = []
    make = costs._make

    def counted(*given: Any) -> Any:
        plans.append(given)
        return make(*given)

    monkeypatch.setattr(costs, "_make", counted)
    monkeypatch.setattr(costs, "compile", None)
    for width, depth in product(range(25, 200, 10), (1, 2, 3)):
        costs.cost({"width": width / 100, "depth": depth})

    assert len(plans) == 3


# --- the command ------------------------------------------------------------------------------------------------------

PAGE = (ROOT / "docs/sweeps.md").read_text(encoding="utf-8")
SCALED = (ROOT / "benchmarks/googlenet_scaled.yaml").read_text(encoding="utf-8")

TINY = """
network: tiny
title: Tiny
input: 3x16x16
classes: 10
settings:
  width: {default: 16, min: 0, max: 64}
  depth: 1
  kernel: {default: 3, type: int}
  act: relu
layers: |
  name | layer                                               | depth
  conv | conv 3x3 {width} same                               | 1
  body | {depth} of [conv {kernel}x{kernel} {width} same {act}] |
  both | [ conv 1x1 {width} groups=4 | conv 1x1 {width - 8} ] |
  pool | avgpool 16x16 valid                                 |
  fc   | fc {classes}                                        |
heads:
  aux: {from: conv, graph: "avgpool global -> fc {classes}"}
""".replace(" {act}]", "] -> {act}")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs commands in a folder with two specs."""
    return in_folder(tmp_path, monkeypatch, {"tiny.yaml": TINY, "googlenet_scaled.yaml": SCALED})


def result(run: Run, *words: str, code: int = 0) -> dict[str, Any]:
    """The result of a sweep as JSON."""
    done = run("sweep", *words, "--format", "json")
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout)["result"]
    return found


def test_the_spec_in_the_page_is_the_real_one() -> None:
    (shown,) = [block for block in blocks("docs/sweeps.md", "yaml") if block.startswith("extends:")]
    assert SCALED.endswith(shown)


@pytest.mark.usefixtures("run")
def test_the_sessions_of_the_page() -> None:
    assert [follow(block) for block in blocks("docs/sweeps.md", "console")]


def test_a_front_is_what_a_comparison_of_all_pairs_leaves(run: Run) -> None:
    axes = {"width": [*range(8, 65, 8)], "depth": [1, 2, 3], "kernel": [1, 3]}
    found = sweep("tiny.yaml", axes, where=["width * depth <= 100"], max_params=200_000)
    kept = [*found]

    def key(variant: Variant) -> tuple[int, int, int]:
        return -variant.params, variant.macs, variant.activations

    beaten = [any(key(b) != key(a) and all(map(le, key(b), key(a))) for b in kept) for a in kept]
    assert len(found) == 48 and 0 < len(kept) < 48
    assert {a.values for a in found.front()} == {a.values for a, beats in zip(kept, beaten, strict=True) if not beats}


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[st.integers(0, 5)] * n), max_size=40)))
def test_a_front_of_points(points: list[tuple[int, ...]]) -> None:
    front: Front[tuple[int, ...]] = Front(lambda point: point)
    for point in points:
        front.add(point)
    best = [a for a in points if not any(b != a and all(map(le, b, a)) for b in points)]

    assert front.items() == sorted(best)


def test_what_is_counted_is_what_show_prints(run: Run) -> None:
    (front,) = result(run, "tiny.yaml", "--set", "width=16", "--set", "kernel=5", "--set", "act=silu", "--size", "16")[
        "front"
    ]
    shown = json.loads(
        run(
            "show", "tiny.yaml", "--set", "width=16", "--set", "kernel=5", "--set", "act=silu", "--format", "json"
        ).stdout
    )["result"]

    assert {key: front[key] for key in ("params", "macs", "depth")} == shown["totals"]["trunk"]
    assert front["activations"] == sum(row["activations"] for row in shown["rows"] if row["name"] != "aux")
    assert front["settings"] == {"width": 16, "kernel": 5, "act": "silu"} and front["size"] == [16, 16]


def test_variants_that_are_not_valid_are_counted_and_explained(run: Run) -> None:
    words = ("tiny.yaml", "--set", "width=8:16", "--set", "kernel=2,3")
    found = result(run, *words)
    rows = {reason["row"]: reason for reason in found["invalid"]}

    assert (found["combinations"], found["valid"]) == (18, 3)  # widths of 8, 12 and 16: 0 leaves its branch out
    assert rows["both"]["code"] == "E212" and rows["both"]["settings"] == {"width": 9, "kernel": 3}
    assert sum(reason["variants"] for reason in found["invalid"]) == 15
    assert "not valid: " in run("sweep", *words).output


def test_no_valid_variant_is_an_error(run: Run) -> None:
    done = run("sweep", "tiny.yaml", "--set", "kernel=2,4")
    assert done.exit_code == 1 and "error[E211]" in done.stderr
    assert run("sweep", "tiny.yaml", "--set", "width=8,16", "--max-macs", "1").exit_code == 1


def test_a_csv_has_every_variant(run: Run) -> None:
    found = result(
        run, "tiny.yaml", "--set", "width=8:32:8", "--set", "depth=1,2", "--csv", "out/all.csv", "--minimise", "ops"
    )
    with Path("out/all.csv").open(encoding="utf-8", newline="") as file:
        lines = [*csv.DictReader(file)]

    assert [*lines[0]] == "width depth params macs activations network_depth receptive_field front".split()
    assert len(lines) == found["kept"] == 8
    assert [line["macs"] for line in lines if line["front"] == "1"] == [str(found["front"][0]["macs"])]


def test_written_variants_hold_and_cost_the_same(run: Run) -> None:
    Path("specs").mkdir()
    Path("tiny.yaml").rename("specs/tiny.yaml")
    words = ("specs/tiny.yaml", "--set", "width=8:32:8", "--set", "act=relu,silu", "--size", "16")
    assert "cannot extend" in run("sweep", *words, "--write", "2", "--out", "specs/below").stderr
    found = result(run, *words, "--write", "3", "--out", ".")
    written = sorted(Path().glob("tiny_*.yaml"))

    assert len(written) == 3 and run("check", *written).exit_code == 0
    totals = [load(path).cost().trunk for path in written]
    costs = [(variant["params"], variant["macs"], variant["activations"]) for variant in found["front"]]
    assert {(trunk.params, trunk.macs, trunk.activations) for trunk in totals} <= {*costs} and costs[0] in [
        (trunk.params, trunk.macs, trunk.activations) for trunk in totals
    ]
    assert run("fmt", "--check", *written).exit_code == 0
    written[0].write_text("network: mine")
    assert "another file is there" in run("sweep", *words, "--write", "3", "--out", ".").stderr


def test_a_variant_of_another_size_costs_the_same_as_a_spec(run: Run) -> None:
    (front,) = result(run, "builtin:mobilenet_v1", "--set", "width=0.5", "--size", "160x192", "--write", "1")["front"]
    trunk = load("mobilenet_v1_width_0_5_size_160x192.yaml").cost().trunk

    assert (front["params"], front["macs"], front["activations"]) == (trunk.params, trunk.macs, trunk.activations)


def test_the_json_is_the_documented_one(run: Run) -> None:
    words = ("sweep", "tiny.yaml", "--set", "width=8:16:2", "--csv", "all.csv", "--format", "json")
    found = enveloped(run(*words), "sweep")["result"]
    page = (ROOT / "docs/json.md").read_text(encoding="utf-8").partition("For `sweep`")[2].partition("For `ablate`")[0]
    front, invalid = page.split("| key | content |")[1:]

    assert {*found["front"][0]} == {*re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", front, re.MULTILINE)))}
    assert {*found["invalid"][0]} == {
        *re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", invalid, re.MULTILINE)))
    }


def test_an_interrupted_sweep_leaves_no_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    Path("all.csv").write_text("before")
    monkeypatch.setattr("inception_dsl.sweeps.table.csv.DictReader", interrupt)
    monkeypatch.setattr("inception_dsl.sweeps.table.csv.reader", interrupt)
    done = run("sweep", "tiny.yaml", "--set", "width=8,16", "--csv", "all.csv")

    assert done.exit_code == 130
    assert Path("all.csv").read_text() == "before" and {path.name for path in Path().iterdir()} == {
        *("tiny.yaml", "googlenet_scaled.yaml", "all.csv")
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--set wide=1,2", "`tiny` has no setting `wide`"),
        ("--set width=8,65", "the setting `width` cannot be 65"),
        ("--set width=60:70", "the setting `width` cannot be 65, nor 5 other values of the sweep"),
        ("--set width=8:4", "the range `8:4` is empty"),
        ("--set width=4:8:0", "the step of `4:8:0` is not above 0"),
        ("--set width=4:x", "`4:x` is not a range"),
        ("--set width=", "there is no value"),
        ("--set width=1,,2", "`1,,2` has an empty value"),
        ("--set width=0:64:1e-9", "has 64,000,000,001 values; the limit is 10,000,000"),
        ("--set width=0:64 --set depth=1:1000 --set kernel=1:1000", "the sweep has 65,000,000 combinations"),
        ("", "nothing is varied"),
        ("--size 0", "`0` is not an image size"),
        ("--size 16 --where depth", "this is not a comparison"),
        ("--size 16 --where 'deep < 3'", "undefined name `deep`"),
        ("--size 16 --where 'act < 3'", "undefined name `act`"),
        ("--size 16 --where 'ops < 600M'", "write 600000000"),
        ("--size 16 --where 'ops(tiny.cnv) < 3'", "`tiny` has no row `cnv`"),
        ("--size 16 --where 'ops(alexnet) < 3'", "this does not measure a variant of `tiny`"),
        ("--size 16 --where 'ops(tiny, width=3) < 3'", "this does not measure a variant of `tiny`"),
        ("--size 16 --where '1 / (depth - 1) < 3'", "this divides by 0"),
        ("--size 16 --where '(1 < 3'", "`(` is never closed"),
        ("--size 16 --minimise macs", "multiply-adds are `ops`"),
        ("--size 16 --max-macs many", "invalid number `many`"),
        ("--size 16 --plot x.gif", "unsupported image format; use .svg or .png"),
        ("--size 16 --out x", "--out needs --write"),
        ("--size 16 --where '< 3'", "error[E010]"),
        ("--size 16 --where 'ops <\n'", "error[E010]"),
        ("--size 16 --maximise ''", "error[E010]"),
    ],
)
def test_what_is_wrong_with_a_sweep(words: str, message: str, run: Run) -> None:
    done = run("sweep", "tiny.yaml", *shlex.split(words))

    assert done.exit_code in (1, 2) and message in done.stderr


def test_ranges_and_lists() -> None:
    assert expand("x", "0.25:2:0.05")[::35] == ["0.25", "2"] and len(expand("x", "0.25:2:0.05")) == 36
    assert expand("x", "3, 1:2,3 ,-1:1:0.5") == ["3", "1", "2", "-1", "-0.5", "0", "0.5"]
    assert expand("x", "1e2:1.2e2:10") == ["100", "110", "120"]


def test_the_plot_is_the_same_every_time(run: Run) -> None:
    for name in ("a.svg", "b.svg"):
        assert run("sweep", "tiny.yaml", "--set", "width=8:32:8", "--plot", name).exit_code == 0
    assert Path("a.svg").read_bytes() == Path("b.svg").read_bytes()
    assert "Tiny: 4 variants by width" in Path("a.svg").read_text(encoding="utf-8")


@pytest.mark.extras
def test_trials_of_optuna_are_variants(run: Run) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    axes: dict[str, Values] = {"width": "8:32:4", "depth": [1, 2, 4], "act": ["relu", "silu"]}
    found = sweep("tiny.yaml", axes, "16,32", where=["width * depth < 60"], max_params=60_000)
    kept = {variant.values for variant in found}
    sampler = feasible_sampler(found, optuna.samplers.TPESampler(seed=1, n_startup_trials=5))

    def objective(trial: optuna.Trial) -> float:
        variant = sampler.suggest(trial)
        assert variant.values in kept and variant.params <= 60_000
        assert {name: trial.params[name] for name in variant.settings} == variant.settings
        return variant.params * trial.suggest_float("rate", 0.5, 1)

    study = optuna.create_study(sampler=sampler, direction="maximize")
    study.optimize(objective, n_trials=15)

    assert len({tuple(trial.params[name] for name in axes) for trial in study.trials}) > 1
    with pytest.raises(ValueError, match="no variant"):
        feasible_sampler(sweep("tiny.yaml", axes, max_params=1))
