"""Variants of specs: what edits make of a base, what they keep of its printed numbers, and what is told where."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import specs
from test_bad_specs import EDIT, edited

from inception_dsl import compiler
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.codes.table import CODES
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError
from inception_dsl.ir.typed import Typed
from inception_dsl.network import load
from inception_dsl.paper import verdicts
from inception_dsl.spec.loader import MAX_CHAIN
from inception_dsl.spec.models import VERBS
from inception_dsl.spec.network import Base, NetworkSpec, read_spec
from inception_dsl.spec.printer import print_spec
from inception_dsl.spec.set_settings import with_settings
from inception_dsl.spec.settings import Setting, setting
from inception_dsl.spec.variant_models import KINDS
from inception_dsl.spec.variants import vary
from inception_dsl.syntax import yaml

ROOT = Path(__file__).parent.parent
BAD = ROOT / "tests" / "cases" / "bad" / "variants"

BASE = """\
network: tiny
title: Tiny
input: 3x32x32
classes: 10
settings:
  width: {default: 1.0, min: 0.25, max: 4}
  depth: 2
  pool: avgpool
defaults: {conv: same relu}
modules:
  block:
    doc: figure 2
    columns: ["#1x1", "#3x3"]
    graph: |
      | 1x1: conv 1x1 {#1x1}
      | 3x3: conv 3x3 {#3x3}
  residual: {graph: "[ pass + conv 3x3 {in} ]"}
layers: |
  name  | layer                | #1x1 | #3x3 | output   | params | ops
  conv1 | conv 3x3 {8 * width} |      |      | 32x32x8  | 216    | 221K
  block | block                | 8    | 16   | 32x32x24 | 1216   | 1.2M
  res   | {depth} of residual  |      |      | 32x32x24 | 9K     |
  pool1 | {pool} global        |      |      | 1x1x24   |        |
  fc    | fc {classes}         |      |      | 1x1x10   | 250    |
heads:
  aux: {from: block, loss_weight: 0.3, graph: avgpool global -> fc 10}
published:
  totals: {params: 12K, depth: 5}
  errata:
    res.params: the paper forgets the second one
"""


def base() -> NetworkSpec:
    """The spec that variants here extend."""
    return read_spec(yaml.parse(Source("base.yaml", BASE)))


@cache
def basis() -> Base:
    """It, compiled."""
    return compiler.as_base(base())


def variant(edits: str, of: NetworkSpec | None = None, name: str = "variant") -> NetworkSpec:
    """What edits make of a base."""
    text = f"extends: base.yaml\nnetwork: {name}\n{edits}"
    return vary(compiler.as_base(of) if of else basis(), yaml.parse(Source(f"{name}.yaml", text)))


def typed(spec: NetworkSpec) -> Typed:
    """A spec lowered, its inherited numbers sorted out."""
    return compiler.at_size(compiler.compile_spec(spec))


def claims(spec: NetworkSpec) -> dict[tuple[str, str], str]:
    """The numbers that a spec holds against what it computes."""
    return {(claim.row, claim.column): claim.text for claim in typed(spec).program.published.claims}


def dropped(spec: NetworkSpec) -> set[str]:
    """The numbers of its base that a variant has not."""
    return {f"{each.row}.{each.column}" for each in typed(spec).program.published.dropped}


def findings(spec: NetworkSpec) -> list[str]:
    """The codes of what does not hold."""
    network = typed(spec)
    return [finding.code for finding in verdicts.findings(network, verdicts.compare_cells(network))]


def codes(edits: str) -> list[str]:
    """The codes of what is wrong with edits."""
    with pytest.raises(SpecError) as caught:
        typed(variant(edits))
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


def rows(spec: NetworkSpec) -> list[str]:
    return [row.name for row in spec.rows]


def row(spec: NetworkSpec, name: str) -> Mapping[str, str]:
    """The cells of a row as written."""
    return {column: cell.text for column, cell in spec.rows[rows(spec).index(name)].cells.items()}


def test_the_base_holds() -> None:
    assert findings(base()) == []
    assert len(claims(base())) == 13


# --- edits ------------------------------------------------------------------------------------------------------------


def test_a_variant_without_edits_is_its_base_under_another_name() -> None:
    made = variant("")

    assert (made.network, made.title) == ("variant", "Tiny")
    assert print_spec(made) == print_spec(base()).replace("network: tiny", "network: variant")
    assert claims(made) == claims(base())
    assert dropped(made) == set()


@settings(max_examples=60)
@given(specs())
def test_no_edits_make_no_difference(text: str) -> None:
    """Of any spec, except to what it reports; and what is printed of the variant reads back as the same spec."""
    spec = read_spec(yaml.parse(Source("base.yaml", text)))
    made = vary(compiler.as_base(spec), yaml.parse(Source("v.yaml", f"extends: base.yaml\nnetwork: {spec.network}\n")))

    assert made == replace(spec, reported=())
    assert read_spec(yaml.parse(Source("flat.yaml", print_spec(made)))) == made


def test_top_level_keys_are_given_anew() -> None:
    made = variant("title: Other\ninput: 3x64x64\nclasses: 5\npaper: {year: 2016}")

    assert (made.title, made.input, made.classes, made.paper) == ("Other", (3, 64, 64), 5, {"year": 2016})


def test_cells_are_overridden_and_taken_out() -> None:
    made = variant('override: {rows: {block: {"#1x1": 4, output: null, params: "", ops: 1.1M}, conv1: {ops: }}}')

    assert row(made, "block") == {**row(base(), "block"), "#1x1": "4", "output": "", "params": "", "ops": "1.1M"}
    assert row(made, "conv1")["ops"] == ""
    assert row(made, "res") == row(base(), "res")
    assert made.rows[1].args == {"#1x1": 4, "#3x3": 16}


def test_a_cell_may_be_in_a_column_that_the_base_has_not() -> None:
    made = variant('override: {modules: {residual: {graph: "[ pass + conv {k}x{k} {in} ]"}}, rows: {res: {k: 5}}}')

    assert made.rows[2].args["k"] == 5
    assert row(made, "conv1")["k"] == ""
    assert typed(made).out("res").channels == 24


def test_a_column_may_be_inserted_with_its_first_cell() -> None:
    made = variant("override: {rows: {conv1: {memory: 8.2K}}}\ninsert: {columns: {memory: {measure: activations}}}")

    assert claims(made)["conv1", "memory"] == "8.2K"
    assert codes("insert: {columns: {ops: {unit: 1024}}}") == ["E123"]
    assert codes("override: {rows: {conv1: {ops: 1}}}\ninsert: {columns: {ops: {unit: 1024}}}") == ["E123"]


def test_rows_are_inserted_after_and_before_others() -> None:
    made = variant(
        "insert: {rows: [{after: conv1, name: norm, layer: lrn 5}, {before: conv1, name: stem, layer: conv 1x1 8},"
        " {after: norm, name: act, layer: relu, output: 32x32x8}]}"
    )

    assert rows(made) == ["stem", "conv1", "norm", "act", "block", "res", "pool1", "fc"]
    assert row(made, "act") == {
        **dict.fromkeys(row(base(), "res"), ""),
        "name": "act",
        "layer": "relu",
        "output": "32x32x8",
    }


def test_parts_are_removed() -> None:
    made = variant(
        "remove: {rows: [res], modules: [residual], heads: [aux], totals: [depth], settings: [depth], columns: [ops]}"
    )

    assert rows(made) == ["conv1", "block", "pool1", "fc"]
    assert (list(made.modules), made.heads) == (["block"], ())
    assert list(made.settings) == ["width", "pool"]
    assert "ops" not in row(made, "conv1")
    assert findings(made) == [], "its errata go with a row"


def test_what_is_removed_can_be_inserted_anew() -> None:
    made = variant("remove: {modules: [residual]}\ninsert: {modules: {residual: {graph: conv 1x1 24}}}")

    assert typed(made).out("res").channels == 24
    assert claims(made)["res", "output"] == "32x32x24"


def test_names_are_followed_where_they_are_used() -> None:
    made = variant("rename: {rows: {block: mixed, res: tail}, modules: {block: inception}, heads: {aux: side}}")
    network = typed(made)

    assert rows(made) == ["conv1", "mixed", "tail", "pool1", "fc"]
    assert list(made.modules) == ["inception", "residual"]
    assert [(head.name, head.source) for head in made.heads] == [("side", "mixed")]
    assert list(made.published["errata"]) == ["tail.params"]
    assert network.program.rows[1].layer == "inception"
    assert findings(made) == [] and dropped(made) == set()
    assert read_spec(yaml.parse(Source("flat.yaml", print_spec(made)))) == made


def test_names_are_swapped_all_at_once() -> None:
    once = variant("rename: {modules: {block: residual, residual: block}, rows: {conv1: fc, fc: conv1}}")
    twice = variant("rename: {modules: {block: third}}", of=once)

    assert rows(once) == ["fc", "block", "res", "pool1", "conv1"]
    assert {name: module.doc for name, module in once.modules.items()} == {"residual": "figure 2", "block": ""}
    assert claims(once)["fc", "params"] == "216"
    assert [term.layer.text for term in twice.rows][1:3] == ["residual", "{depth} of third"]
    assert typed(twice).weights.keys() == typed(once).weights.keys()


def test_modules_heads_columns_and_settings_are_overridden_by_key() -> None:
    made = variant(
        "override:\n"
        '  modules: {block: {doc: null, graph: "conv 1x1 {#1x1} -> conv 3x3 {#3x3}"}}\n'
        "  heads: {aux: {from: conv1}}\n"
        "  columns: {params: {unit: 1024}}\n"
        "  settings: {width: 0.5, depth: {min: 1, type: null}}\n"
        "  defaults: {conv: same bn}\n"
    )

    assert made.modules["block"].columns == ("#1x1", "#3x3")
    assert made.modules["block"].doc == ""
    assert (made.heads[0].source, made.heads[0].loss_weight) == ("conv1", 0.3)
    assert made.published["params"] == {"unit": 1024}
    assert made.settings["width"] == base().settings["width"]._replace(value=0.5)
    assert made.settings["depth"] == Setting(2, "int", minimum=1)


def test_chains() -> None:
    """A variant of a variant has what both have changed."""
    first = variant("override: {rows: {fc: {layer: fc 20}}}", name="first")
    second = variant("override: {rows: {conv1: {layer: conv 5x5 8}}}\nrename: {rows: {fc: last}}", first, "second")

    assert second.base and second.base.spec is first
    assert typed(second).out("last").channels == 20
    assert dropped(second) == {"conv1.params", "conv1.ops", "last.output", "last.params", "totals.params"}
    assert ("last", "params") not in claims(second)


EVERY_EDIT = """\
extends: base.yaml
network: variant
title: Every edit
classes: 12
rename: {rows: {pool1: last}, modules: {block: mixed}, heads: {aux: side}}
remove: {totals: [depth], errata: [res.params]}
override:
  rows:
    conv1: {layer: "conv 5x5/2 16 -> relu", output: 16x16x16, ops: null}
    res: {layer: 3 of residual}
  modules: {residual: {graph: "[ pass | conv 1x1 {in} ]", doc: doubles}}
  heads: {side: {loss_weight: 0.5}}
  columns: {params: {unit: 1024}}
  defaults: {conv: same bn}
  settings: {width: 0.5, depth: {max: 9}}
  totals: {params: 1M}
  errata: {}
insert:
  rows: [{after: conv1, name: norm1, layer: lrn 5}, {before: fc, name: drop, layer: dropout 40%}]
  modules: {stem: {graph: conv 1x1 8}}
  heads: {other: {from: res, graph: avgpool global -> fc 3}}
  columns: {depth: {rounding: down}}
  settings: {more: {default: 3, type: int}}
  totals: {ops: 1G}
  errata: {totals.ops: it is less}
"""


def test_every_edit_reads_back() -> None:
    made = vary(basis(), yaml.parse(Source("v.yaml", EVERY_EDIT)))

    assert rows(made) == ["conv1", "norm1", "block", "res", "last", "drop", "fc"]
    assert read_spec(yaml.parse(Source("flat.yaml", print_spec(made)))) == made


@settings(max_examples=400, derandomize=True)
@given(st.lists(EDIT, min_size=1, max_size=4))
def test_any_slip_gives_a_network_or_errors(slips: list[tuple[str, int, str]]) -> None:
    """Edits with a few slips compile, or raise `SpecError`; never anything else."""
    try:
        network = typed(vary(basis(), yaml.parse(Source("v.yaml", edited(EVERY_EDIT, slips)))))
        reported = verdicts.findings(network, verdicts.compare_cells(network))
    except SpecError as error:
        reported = error.diagnostics

    assert bool(render.text(reported)) == bool(reported)


def test_what_extends_nothing_loads_nothing_for_it() -> None:
    """Reading a plain spec costs what it did before there were variants."""
    code = "import sys; from inception_dsl import load; load('specs/googlenet.yaml'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "inception_dsl.spec.network" in loaded.split()
    assert not {"variants", "draft", "variant_models", "blame"} & {name.split(".")[-1] for name in loaded.split()}


# --- printed numbers --------------------------------------------------------------------------------------------------


def test_numbers_are_kept_where_they_describe_the_variant_too() -> None:
    """Another kernel has other parameters and operations, and the same output and depth."""
    made = variant("override: {rows: {conv1: {layer: conv 5x5 8}}}")

    assert dropped(made) == {"conv1.params", "conv1.ops", "totals.params"}
    assert claims(made)["conv1", "output"] == "32x32x8"
    assert findings(made) == []


def test_a_width_changes_the_rows_that_read_it() -> None:
    made = variant("override: {rows: {conv1: {layer: conv 3x3 16}}}")

    assert dropped(made) == {
        *("conv1.output", "conv1.params", "conv1.ops", "block.params", "block.ops", "totals.params"),
    }


def test_numbers_that_a_variant_restates_are_its_own() -> None:
    made = variant("override: {rows: {conv1: {layer: conv 5x5 8, params: 601}}, totals: {params: 13K}}")

    assert dropped(made) == {"conv1.ops"}
    assert findings(made) == ["E301", "E301"]


def test_errata_go_with_their_numbers() -> None:
    """With one that is dropped, and with one that is restated: the reason was about the base."""
    lost = variant("override: {rows: {res: {layer: residual}}}")
    restated = variant("override: {rows: {res: {layer: residual, params: 5.2K}}}")

    assert "res.params" in dropped(lost)
    for made in (lost, restated):
        assert typed(made).program.published.errata == ()
        assert findings(made) == []


def test_heads_leave_the_trunk_alone() -> None:
    assert dropped(variant("override: {heads: {aux: {graph: avgpool global -> fc 20 -> fc 10}}}")) == set()


def test_what_another_default_changes() -> None:
    """It reaches every layer that has it, also those inside modules."""
    assert dropped(variant("override: {defaults: {conv: same relu bias}}")) == {
        *("conv1.params", "block.params", "res.params", "totals.params"),
    }


@settings(max_examples=60)
@given(
    st.sampled_from(["conv1", "block", "res", "fc"]),
    st.sampled_from(
        ["conv 3x3 8", "conv 1x1 24", "residual", "block", "pass", "avgpool 3x3/2 same", "bn", "maxpool 3x3/1 same"]
    ),
    st.sampled_from(["", "\ndefaults: {conv: same}", "\nsettings: {width: 2}"]),
)
def test_no_inherited_number_is_ever_wrong(name: str, layer: str, more: str) -> None:
    """Whatever a variant makes of a base that holds: what it keeps holds."""
    cells = ', "#1x1": 4, "#3x3": 4' if layer == "block" else ', "#1x1": null, "#3x3": null'
    made = variant(f'override: {{rows: {{{name}: {{layer: "{layer}"{cells}}}}}{more.replace(chr(10), ", ")}}}')
    try:
        found = findings(made)
    except SpecError as error:  # what the layer gives does not fit what comes after it
        found = [diagnostic.code for diagnostic in error.diagnostics if diagnostic.code not in ("E205", "E209", "E215")]

    assert found == []


# --- settings ---------------------------------------------------------------------------------------------------------


def test_settings_are_set() -> None:
    made = with_settings(basis(), {"width": "2", "depth": "1", "pool": "maxpool"})
    network = typed(made)

    assert network.out("conv1").channels == 16
    assert not any("res/1" in "/".join(node.path) for node in network.nodes)
    assert "MaxPool" in {type(node.op).__name__ for node in network.of("pool1")}
    assert network.program.file == "base.yaml --set width=2 --set depth=1 --set pool=maxpool"
    assert "conv1.params" in dropped(made) and findings(made) == []


def test_a_setting_set_to_what_it_is_changes_nothing() -> None:
    made = with_settings(basis(), {"width": "1.0"})

    assert typed(made).program.file == "base.yaml"
    assert dropped(made) == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("width", "0.2"), ("width", "5"), ("width", "wide"), ("width", "nan"), ("width", "1e3"), ("depth", "2.5")),
        *(("pool", "poool"), ("pool", "3"), ("widht", "1"), ("depth", ""), ("depth", "1_0"), ("depth", "9" * 5000)),
    ],
)
def test_a_setting_is_of_its_type_and_within_bounds(name: str, value: str) -> None:
    with pytest.raises(SpecError) as caught:
        with_settings(basis(), {name: value})

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E125"]
    assert not caught.value.diagnostics[0].message.endswith(" ")


@given(st.floats(-(10**9), 10**9))
def test_a_setting_reads_what_a_command_line_is_cited_with(number: float) -> None:
    """Python's own way to write a number, as `1e-05`, is read back."""
    assert setting(1.0).set(repr(number)).value == number


@pytest.mark.parametrize(("text", "number"), [("5e-1", 0.5), (".5", 0.5), ("2.", 2.0), ("1E0", 1.0), ("+3", 3)])
def test_ways_to_write_a_setting(text: str, number: float) -> None:
    assert setting(1.0).set(text).problem() == ""
    assert setting(1.0).set(text).value == number


@pytest.mark.parametrize("text", ["", ".", "e1", "1e", "0x10", "1/2", "0,5", "1e400", "nan", "-inf", "1_0", "9" * 5000])
def test_what_is_no_number_is_none(text: str) -> None:
    assert setting(1.0).set(text).problem() == "it must be a float"


def test_settings_read_back() -> None:
    made = with_settings(basis(), {"width": "0.5"})
    again = read_spec(yaml.parse(Source("flat.yaml", print_spec(made))))

    assert again == made
    assert again.settings["width"].maximum == 4


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a base, where a command is started."""
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(BASE, encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [sys.executable, "-m", "inception_dsl", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_bad_variant(path: Path, update_golden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken variant gives the text beside it, each fault at the file and line that it was written in."""
    monkeypatch.chdir(BAD)
    with pytest.raises(SpecError) as caught:
        compiler.at_size(compiler.compile_file(path.name))
    diagnostics = caught.value.diagnostics
    text = render.text(diagnostics) + "\n"
    golden = path.with_suffix(".txt")
    if update_golden:
        golden.write_text(text, encoding="utf-8")

    assert text == golden.read_text(encoding="utf-8")
    assert caught.value.exit_code == 1
    assert all(
        diagnostic.span and diagnostic.span.line <= len(diagnostic.span.source.lines) for diagnostic in diagnostics
    )
    assert {diagnostic.code for diagnostic in diagnostics} <= {*CODES}


def test_there_is_a_text_for_every_bad_variant() -> None:
    assert [path.stem for path in sorted(BAD.glob("*.yaml"))] == [path.stem for path in sorted(BAD.glob("*.txt"))]


def test_a_text_alone_extends_nothing(folder: Path) -> None:
    with pytest.raises(SpecError) as caught:
        compiler.compile_source(Source("v.yaml", "extends: base.yaml\nnetwork: v\n"))

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E120"]


def test_a_base_lies_in_the_folder_of_the_spec(folder: Path) -> None:
    """Also by way of a link, and of the folder that a base in the chain lies in."""
    inner = folder / "inner"
    inner.mkdir()
    (inner / "v.yaml").write_text("extends: ../base.yaml\nnetwork: v\n")
    (inner / "link.yaml").symlink_to("../base.yaml")
    (inner / "w.yaml").write_text("extends: link.yaml\nnetwork: w\n")
    (folder / "outer.yaml").write_text("extends: inner/v.yaml\nnetwork: outer\n")
    for name in ("v", "w"):
        with pytest.raises(SpecError) as caught:
            compiler.load(inner / f"{name}.yaml")
        assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E120"]

    assert compiler.load("outer.yaml").network == "outer"
    assert compiler.load("inner/v.yaml", outside=True).network == "v"
    assert run("check", "inner/v.yaml").returncode == 1
    assert run("check", "inner/v.yaml", "--extend-outside").returncode == 0


@pytest.mark.parametrize("base_path", ["/base.yaml", "~/base.yaml", "C:base.yaml", "\\\\base.yaml"])
def test_a_base_is_never_absolute(folder: Path, base_path: str) -> None:
    Path("v.yaml").write_text(f"extends: {base_path}\nnetwork: v\n")
    with pytest.raises(SpecError) as caught:
        compiler.load("v.yaml", outside=True)

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E120"]


@pytest.mark.parametrize(
    "base_path", ['"\\0"', '"a\\nb"', "'   '", "[base.yaml]", ".", "x" * 600, "base.yaml/x", "null"]
)
def test_what_is_no_path(folder: Path, base_path: str) -> None:
    Path("v.yaml").write_text(f"extends: {base_path}\nnetwork: v\n")
    with pytest.raises(SpecError) as caught:
        compiler.load("v.yaml")

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E120"]


def test_a_chain_is_bounded(folder: Path) -> None:
    before = "base"
    for i in range(MAX_CHAIN):
        Path(f"v{i}.yaml").write_text(f"extends: {before}.yaml\nnetwork: v{i}\n")
        before = f"v{i}"

    assert compiler.load(f"v{MAX_CHAIN - 2}.yaml").network == f"v{MAX_CHAIN - 2}"
    with pytest.raises(SpecError) as caught:
        compiler.load(f"v{MAX_CHAIN - 1}.yaml")
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E121"]


def test_check_says_what_is_dropped(folder: Path) -> None:
    Path("v.yaml").write_text("extends: base.yaml\nnetwork: v\noverride: {rows: {conv1: {layer: conv 5x5 8}}}\n")
    text, data = run("check", "v.yaml"), json.loads(run("check", "v.yaml", "--format", "json").stdout)

    assert text.returncode == 0, text.stderr
    assert "0 mismatches; 3 of the base dropped\n" in text.stdout
    assert "not for this variant: params, ops of conv1; params of the total." in text.stdout
    assert data["specs"][0]["dropped"] == ["conv1.params", "conv1.ops", "totals.params"]
    assert "params, ops of conv1; params of the total." in load("v.yaml").report()


def test_set_on_the_command_line(folder: Path) -> None:
    shown = run("show", "base.yaml", "--set", "width=2", "--format", "json")
    elsewhere = run("compile", "base.yaml", "--set", "width=2", "--out", "wide")

    assert json.loads(shown.stdout)["result"]["rows"][0]["output"] == [16, 32, 32]
    assert run("compile", "base.yaml", "--set", "width=2").returncode == 2
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert "base.yaml --set width=2" in (folder / "wide/tiny/model.py").read_text(encoding="utf-8")
    assert run("check", "base.yaml", "--set", "width=9").returncode == 1
    for text in ("width", "=9", " = 9"):
        refused = run("check", "base.yaml", "--set", text)
        assert refused.returncode == 2
        assert f"invalid setting `{text}`: expected NAME=VALUE" in refused.stderr
    assert load("base.yaml", settings={"width": 2}).typed.out("conv1").channels == 16


def test_show_resolved(folder: Path) -> None:
    """The flat spec has the verdicts of the variant; with `--blame` each line says where it is from."""
    Path("v.yaml").write_text("extends: base.yaml\nnetwork: v\noverride:\n  rows: {conv1: {layer: conv 5x5 8}}\n")
    Path("flat.yaml").write_text(run("show", "v.yaml", "--resolved").stdout, encoding="utf-8")
    blamed = run("show", "v.yaml", "--resolved", "--blame").stdout.splitlines()
    flat = Path("flat.yaml").read_text(encoding="utf-8").splitlines()
    made = compiler.compile_file("v.yaml").published
    again = compiler.compile_file("flat.yaml").published

    assert [(claim.row, claim.column, claim.text) for claim in again.claims] == [
        (claim.row, claim.column, claim.text) for claim in made.claims
    ]
    assert [(each.row, each.column) for each in again.errata] == [("res", "params")]
    assert [line.endswith(text) for line, text in zip(blamed, flat, strict=True)] == [True] * len(flat)
    (conv1,) = (line for line in blamed if "conv1 " in line)
    assert conv1.startswith("base.yaml:20 v.yaml:4 ")
    assert blamed[0].startswith("v.yaml:2 ")
    assert run("show", "v.yaml", "--blame").returncode == 2
    assert run("show", "v.yaml", "--resolved", "--size", "64").returncode == 2


def test_specs_that_extend_others_are_held_to_no_erratum_of_a_row_they_change() -> None:
    found = compiler.compile_file(ROOT / "specs" / "googlenet_separable.yaml").published

    assert found.dropped == ()
    assert not any(each.row in ("conv1", "totals") for each in found.errata)


def test_edits_that_cannot_be() -> None:
    assert codes("insert: {rows: [{name: a, layer: relu}]}") == ["E124"]
    assert codes("remove: {rows: [block]}") == ["E124"]
    assert codes("rename: {rows: {conv1: x, fc: x}}") == ["E123"]
    assert codes("override: {rows: {conv1: {layer: {}}}}") == ["E105"]


@pytest.mark.parametrize(
    ("edits", "name"),
    [
        ("insert: {defaults: {lrn: k=2}}", "tiny"),
        ("insert: {totals: {ops: 1M}, columns: {ops: {unit: 1024}}}", "tiny"),
        ("override: {rows: {conv1: {memory: 4K}}}\ninsert: {columns: {memory: {measure: activations}}}", "tiny"),
        ("override: {errata: {totals.params: another reason}}", "tiny"),
        ('override: {rows: {block: {layer: conv 3x3 24, "#1x1": null, "#3x3": null}}}', "tiny"),
        (
            'insert: {modules: {wide: {columns: [w, dil], graph: "conv 1x1 {w} -> conv 3x3 {dil} dilation=2"}}}\n'
            'override: {rows: {block: {layer: wide w=8, dil: 24, "#1x1": null, "#3x3": null}}}',
            "tiny",
        ),
        (
            'override: {modules: {block: {graph: "conv 1x1 {#1x1}", columns: null}}}\nremove: {columns: ["#3x3"]}',
            "tiny",
        ),
        ('insert: {rows: [{name: relu1, after: conv1, layer: relu}], modules: {se: {graph: "conv 1x1 {in}"}}}', "tiny"),
        (
            "remove: {rows: [fc]}\noverride: {rows: {conv2: {layer: pass}}}\ninit: {source: section 5, conv: he}",
            "filled",
        ),
    ],
)
def test_what_is_advised_compiles(edits: str, name: str) -> None:
    """What the texts beside `bad/variants` tell to write, written."""
    assert typed(variant(edits, compiler.load(BAD / "bases" / f"{name}.yaml"))).trunk


def test_work_grows_with_the_files() -> None:
    """Thousands of edits of thousands of rows; and a column is a cell of every row, which is bounded."""
    many = 3000
    rows = "".join(f"  r{i} | conv 1x1 4\n" for i in range(many))
    large = compiler.as_base(
        read_spec(yaml.parse(Source("large.yaml", f"network: large\ninput: 3x8x8\nlayers: |\n  name | layer\n{rows}")))
    )
    inserted = "".join(f"    - {{after: r{i}, name: s{i}, layer: relu}}\n" for i in range(0, many, 3))
    overridden = "".join(f"    r{i}: {{layer: conv 1x1 8}}\n" for i in range(1, many, 3))
    removed = ", ".join(f"r{i}" for i in range(2, many, 3))
    edits = f"insert:\n  rows:\n{inserted}override:\n  rows:\n{overridden}remove: {{rows: [{removed}]}}\n"
    document = yaml.parse(Source("v.yaml", f"extends: large.yaml\nnetwork: v\n{edits}"))
    begun = time.process_time()
    made = vary(large, document)
    took = time.process_time() - begun

    assert [row.name for row in made.rows][:4] == ["r0", "s0", "r1", "r3"]
    assert len(made.rows) == many
    assert took < 2, "it is 0.3 s on a fast machine, and was quadratic"

    cells = ", ".join(f"k{i}: 1" for i in range(400))
    with pytest.raises(SpecError) as caught:
        vary(large, yaml.parse(Source("v.yaml", f"extends: l\nnetwork: v\noverride: {{rows: {{r1: {{{cells}}}}}}}\n")))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E117"]


KEYS = st.sampled_from(
    "rename remove override insert rows columns modules heads defaults settings totals errata layers published conv1"
    " block res fc aux width params init training paper title input classes name layer after before graph from delete"
    " #1x1 conv res.params totals.ops block.layer lrn 7 null".split()
)
SCALARS = st.none() | st.booleans() | st.integers(-3, 9**9) | st.floats(allow_nan=False) | KEYS | st.text(max_size=9)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)


@settings(max_examples=200)
@given(
    st.dictionaries(KEYS, ANYTHING, min_size=1, max_size=4)
    | st.dictionaries(st.sampled_from(VERBS), st.dictionaries(st.sampled_from([*KINDS]), ANYTHING), min_size=1)
)
@example({"training": {}})  # its base has none
def test_any_data_gives_a_network_or_errors(data: dict[str, Any]) -> None:
    """Of any form, with any of the words that have a meaning somewhere: what is said of it is in the file."""
    text = json.dumps({"extends": "base.yaml", "network": "variant", **data})
    try:
        typed(vary(basis(), yaml.parse(Source("v.yaml", text))))
        reported: tuple[Diagnostic, ...] = ()
    except SpecError as error:
        reported = error.diagnostics

    assert all(each.span and each.span.line <= len(each.span.source.lines) for each in reported)
    assert bool(render.text(reported)) == bool(reported)


@pytest.mark.parametrize(("name", "meant"), [("lr", "`optim.lr`"), ("loss", "`loss.name`")])
def test_a_name_of_a_run_is_told_its_group(name: str, meant: str) -> None:
    with pytest.raises(SpecError) as caught:
        with_settings(basis(), {name: "1"})

    assert caught.value.diagnostics[0].help.endswith(f"; a run has {meant}")
