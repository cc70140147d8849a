"""`diff`: what it says about edits, the laws that hold for all networks, and torch's word on which checkpoints load."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cli_runner import Run, in_folder
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from safetensors.torch import load_file, save_file
from strategies import specs
from test_architecture import loaded
from test_json import enveloped
from test_readme import blocks, excerpt

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.diff.changes import EntryChange
from inception_dsl.diff.data import as_data
from inception_dsl.diff.diff import Diff
from inception_dsl.diff.markdown import markdown
from inception_dsl.diff.migration import migration
from inception_dsl.diff.text import text
from inception_dsl.network import Network, load, loads
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.rows import RowSpec
from inception_dsl.syntax.terms import Chain, Term, Use
from inception_dsl.weights.migrate import migrate

ROOT = Path(__file__).parent.parent
SCHEMA = Draft202012Validator(json.loads((ROOT / "schemas/diff.json").read_text(encoding="utf-8")))
BASE = """
network: small
input: 3x32x32
classes: 10
defaults: {conv: same bn relu}
modules:
  block:
    graph: |
      | 1x1: conv 1x1 {a}
      | 3x3: conv 1x1 {b} -> conv 3x3 {c}
layers: |
  name   | layer                   | a | b | c  | output   | params
  conv1  | conv 3x3/2 8            |   |   |    | 16x16x8  | 232
  block1 | block                   | 8 | 4 | 12 | 16x16x20 |
  block2 | block                   | 8 | 6 | 12 | 16x16x20 |
  fc     | avgpool global -> fc 10 |   |   |    | 1x1x10   |
heads:
  aux: {from: block1, graph: avgpool global -> fc 10}
"""
"""The spec that the examples edit."""


def edited(*pairs: tuple[str, str]) -> Diff:
    """The base compared with an edited copy."""
    now = BASE
    for old, new in pairs:
        assert old in now
        now = now.replace(old, new)
    return loads(BASE, "base.yaml").diff(loads(now, "base.yaml"))


def words(found: Diff) -> dict[str, tuple[str, ...]]:
    """What happened to the rows and heads that differ."""
    return {entry.name: entry.words for entry in found.entries}


def fates(entry: EntryChange) -> dict[str, list[tuple[str | None, str | None]]]:
    """The tensors of a row that are not kept."""
    return {fate: [tensor[:2] for tensor in found] for fate, found in entry.tensors_by_change().items()}


def test_a_widened_branch() -> None:
    found = edited(("| 8 | 4 | 12 |", "| 8 | 4 | 16 |"))
    block1, block2, aux = found.entries

    assert words(found) == {"block1": ("changed",), "block2": ("affected",), "aux": ("affected",)}
    assert block1.cells == (("c", "12", "16"),)
    assert block1.printed == () and found.keys == ()
    (layer,) = block1.layers
    assert (layer.before, layer.layer) == ("b3x3.1", ("conv 3x3 12 same bn relu", "conv 3x3 16 same bn relu"))
    assert {change.name for change in block1.numbers} == {"output", "params", "macs", "activations"}
    assert block2.layers == () and [str(arrives) for arrives in block2.arrives] == ["16x16x20", "16x16x24"]
    assert [*fates(block1)] == ["reshaped"] and not found.loads
    assert fates(block2)["reshaped"] == [(f"block2.{name}.conv.weight",) * 2 for name in ("b1x1", "b3x3.0")]
    assert fates(aux) == {"reshaped": [("aux.1.fc.weight", "aux.1.fc.weight")]}


def test_a_renamed_row() -> None:
    found = edited(("block1", "mixed1"))
    block, aux = found.entries

    assert words(found) == {"mixed1": ("renamed",), "aux": ("changed",)}
    assert aux.cells == (("from", "block1", "mixed1"),)
    assert {*fates(block)} == {"renamed"} and not found.loads
    assert all(new == str(old).replace("block1", "mixed1") for old, new in fates(block)["renamed"])
    assert "block1.* to mixed1.* (18 tensors)" in text(found)


def test_a_moved_row() -> None:
    lines = BASE.splitlines()
    (one,) = (number for number, line in enumerate(lines) if line.startswith("  block1"))
    lines[one], lines[one + 1] = lines[one + 1], lines[one]
    found = loads(BASE).diff(loads("\n".join(lines)))

    assert [name for name, happened in words(found).items() if "moved" in happened] in (["block1"], ["block2"])
    assert {name for name, happened in words(found).items() if happened == ("affected",)} <= {"block1", "block2", "aux"}


def test_a_renamed_branch_and_a_new_one() -> None:
    found = edited(("| 1x1: ", "| point: "), ("-> conv 3x3 {c}", "-> conv 3x3 {c}\n      | pool: maxpool 3x3/1 same"))

    assert words(found)["block1"] == ("changed",)
    block1 = found.rows[0]
    assert [(layer.before, layer.after) for layer in block1.layers] == [("b1x1", "point"), (None, "pool")]
    assert fates(block1)["renamed"][0] == ("block1.b1x1.conv.weight", "block1.point.conv.weight")
    assert [key.name for key in found.keys] == ["modules.block.graph"]


def test_a_bias_instead_of_a_norm() -> None:
    found = edited(("same bn relu", "same bias relu"))
    conv1 = found.rows[0]

    assert conv1.layers[0].layer == ("conv 3x3/2 8 same bn relu", "conv 3x3/2 8 same bias relu")
    assert fates(conv1)["gained"] == [(None, "conv1.conv.bias")]
    assert ("conv1.bn.num_batches_tracked", None) in fates(conv1)["lost"]


def test_a_dropped_printed_number() -> None:
    found = edited(("| 16x16x8  | 232", "|          | 216"))

    assert words(found) == {"conv1": ("changed",)} and found.loads and found.same_network
    assert found.rows[0].printed == (("output", "16x16x8", None), ("params", "232", "216"))
    assert "printed numbers dropped: output 16x16x8" in text(found)


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        (("input: 3x32x32", "input: 3x40x40"), "input"),
        (("classes: 10", "classes: 12"), "classes"),
        (("network: small", "network: tiny"), "network"),
        (("{conv: same bn relu}", "{conv: same bn silu}"), "defaults.conv"),
        (("classes: 10", "settings: {n: 2}"), "settings.n"),
        (("classes: 10", "paper: {year: 2015}"), "paper.year"),
        (("heads:", "training: {recipe: modern}\nheads:"), "training.recipe"),
    ],
)
def test_every_other_key(edit: tuple[str, str], key: str) -> None:
    assert key in [change.name for change in edited(edit, ("fc 10 ", "fc {classes} ")).keys]


def test_what_a_layer_reads() -> None:
    """The same layers on other values."""
    graph = "a: conv 1x1 4 -> b: conv 1x1 4 -> [ pass + @{} ]"
    one, other = (BASE.replace("block                   | 8 | 4 | 12", f"{graph.format(step)} | | | ") for step in "ab")
    found = loads(one).diff(loads(other))

    ((*_, layer),) = (entry.layers for entry in found.rows)
    assert layer.reads == (("b", "a"), ("b", "b")) and layer.layer == ("add", "add")
    assert found.loads and not found.same_network
    assert "add: reads b and b, not b and a" in text(found)
    assert "A checkpoint loads, but the network computes something else." in text(found)


def test_branches_that_change_places() -> None:
    """Their names stay, so that checkpoints load; the channels come in another order."""
    one = "      | 1x1: conv 1x1 {a}\n"
    other = "      | 3x3: conv 1x1 {b} -> conv 3x3 {c}\n"
    found = edited((one + other, other + one))

    assert words(found) == {"block1": ("changed",), "block2": ("changed",)}
    assert found.loads and not found.same_network


def test_names_that_change_places() -> None:
    """Torch would load the weights into the wrong rows: the comparison says so, and the migration puts them right."""
    head, row = (
        "network: swapped\ninput: 3x8x8\nlayers: |\n  name | layer\n  stem | conv 1x1 8\n",
        "  {} | conv 3x3 8 same{}\n",
    )
    one, other = (head + row.format(first, " relu") + row.format(second, " silu") for first, second in ("ab", "ba"))
    found = loads(one).diff(loads(other))

    assert [(row.before, row.after) for row in found.rows] == [("a", "b"), ("b", "a")]
    assert found.loads and "A checkpoint loads, but 2 tensors belong to other layers" in text(found)
    assert migration(found).tensors["b.conv.weight"] == "a.conv.weight"


# --- laws -------------------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(specs())
def test_a_network_is_equal_to_itself(drawn: str) -> None:
    found = loads(drawn).diff(loads(drawn))

    assert found.equal and found.loads and found.same_network and not found.rows
    assert {tensor.change for tensor in found.tensors} <= {"kept"}
    assert migration(found).dropped == ()


def facts(found: Diff, order: int = 1) -> set[object]:
    """All that a comparison says, with what is before and after exchanged if `order` is -1."""

    def both(pair: Any) -> Any:
        return tuple(pair)[::order]

    facts: set[object] = {(change.name, repr(both(change[1:]))) for change in (*found.keys, *found.totals)}
    for entry in (*found.all_rows, *found.all_heads):
        changes = [(change.name, repr(both(change[1:]))) for change in (*entry.cells, *entry.printed, *entry.numbers)]
        layers = [(both(layer[:2]), both(layer.layer), both(layer.reads or (None, None))) for layer in entry.layers]
        tensors = [(both(tensor[:2]), both(tensor.shapes)) for tensor in entry.tensors]
        whole = both((entry.before, entry.after)), entry.moved, both(map(str, entry.arrives))
        facts.add((entry.kind, *whole, frozenset(changes), frozenset(layers), frozenset(tensors)))
    return facts | {found.equal, found.loads}


@settings(max_examples=20)
@given(specs(), specs())
def test_both_directions_say_the_same(one: str, other: str) -> None:
    """What one loses, the other gains."""
    there, back = loads(one).diff(loads(other)), loads(other).diff(loads(one))

    assert facts(there) == facts(back, -1)
    for found in (there, back):
        SCHEMA.validate(json.loads(json.dumps(as_data(found))))
        shown = markdown(found)
        assert len(shown) < 60_000
        assert (
            shown.count("<details>")
            == shown.count("</details>")
            == MarkdownIt("commonmark").render(shown).count("<details>")
        )


def edits(spec: NetworkSpec) -> Iterator[tuple[str, str, NetworkSpec]]:
    """Single edits of rows: what happens to which row, and the spec with the edit."""
    rows, bn = spec.rows, Use("bn")
    text = spec.document.source.text

    def with_rows(*new: RowSpec) -> NetworkSpec:
        return replace(spec, rows=new)

    for at, row in enumerate(rows):
        before, after = rows[:at], rows[at + 1 :]
        steps: tuple[Term, ...] = row.layer.term.steps if isinstance(row.layer.term, Chain) else (row.layer.term,)
        formula = replace(row.layer, term=Chain((*steps, bn)))
        yield "changed", row.name, with_rows(*before, replace(row, layer=formula), *after)
        extra = replace(row, name="extra", layer=replace(row.layer, term=bn), args=dict.fromkeys(row.args), printed={})
        yield "added", "extra", with_rows(*before, row, extra, *after)
        if text.count(row.name) == 1:
            yield "renamed", "other", with_rows(*before, replace(row, name="other"), *after)
            if len(rows) > 1:
                yield "removed", row.name, with_rows(*before, *after)


@st.composite
def edited_specs(draw: st.DrawFn) -> tuple[Network, Network, str, str]:
    """A random network, and one with a single edit: what happens to which row."""
    base = loads(draw(specs()))
    happened, row, spec = draw(st.sampled_from([*edits(base._spec)]))
    try:
        now = Network(spec)
        assert now.typed.nodes is not None
    except SpecError:
        assume(False)  # a row that others need is removed
    return base, now, happened, row


@settings(max_examples=40)
@given(edited_specs())
def test_a_single_edit_is_reported_at_its_row(case: tuple[Network, Network, str, str]) -> None:
    base, now, happened, row = case
    found = base.diff(now)

    assert not found.equal and found.keys == ()
    told = words(found)
    assert told.pop(row) == (happened,), base._spec.document.source.text
    assert {*told.values()} <= {("affected",)}
    assert row in text(found) and row in markdown(found)


@settings(max_examples=15)
@given(edited_specs() | st.tuples(specs().map(loads), specs().map(loads), st.just(""), st.just("")))
def test_torch_says_which_checkpoints_load_and_migrated_ones_do(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[Network, Network, str, str]
) -> None:
    base, now, *_ = case
    found, state, model = base.diff(now), base.build().state_dict(), now.build()
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError:
        assert not found.loads
    else:
        assert found.loads

    file = tmp_path_factory.mktemp("map") / "x.safetensors"
    save_file({name: torch.rand_like(x) if x.is_floating_point() else x + 3 for name, x in state.items()}, file)
    before, moved = load_file(file), migrate(now.typed, file, migration(found), "map.json")
    after = {name: torch.from_numpy(values) for name, values in moved.weights.items()}
    model.load_state_dict(after, strict=True)
    for tensor in found.tensors:
        if tensor.change in ("kept", "renamed"):
            assert torch.equal(after[str(tensor.after)], before[str(tensor.before)])
    assert {*moved.drawn} == {tensor.after for tensor in found.tensors if tensor.change in ("gained", "reshaped")}
    assert {*moved.dropped} == {tensor.before for tensor in found.tensors if tensor.change in ("lost", "reshaped")}


PAIRS = [
    ("googlenet", "googlenet_separable"),
    ("inception_v3_torchvision", "inception_v3_timm"),
    ("inception_v3", "inception_v3_keras"),
]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_torch_says_which_checkpoints_of_real_networks_load(before: str, after: str) -> None:
    nets = [load(ROOT / f"specs/{name}.yaml") for name in (before, after)]
    with torch.device("meta"):
        one, other = (net.build() for net in nets)
        problem = one.state_dict().keys() != other.state_dict().keys() or any(
            values.shape != other.state_dict()[name].shape for name, values in one.state_dict().items()
        )
        if problem:
            with pytest.raises(RuntimeError, match="state_dict"):
                other.load_state_dict(one.state_dict(), strict=True, assign=True)
        else:
            other.load_state_dict(one.state_dict(), strict=True, assign=True)

    assert nets[0].diff(nets[1]).loads == (not problem)


# --- the command ------------------------------------------------------------------------------------------------------


def git(words: str) -> None:
    """Run git in the working folder."""
    subprocess.run(["git", *words.split()], check=True)  # noqa: S607


def commit() -> None:
    """Make a repository of the working folder, with all files in it."""
    for words in ("init -q -b main", "add .", "-c user.name=x -c user.email=x@y commit -q -m x"):
        git(words)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a repository with a spec and a variant, both changed since they were committed."""
    variant = "extends: small.yaml\nnetwork: variant\noverride: {rows: {block2: {a: 10}}}\n"
    run = in_folder(tmp_path, monkeypatch, {"specs/small.yaml": BASE, "specs/variant.yaml": variant})
    commit()
    Path("specs/small.yaml").write_text(BASE.replace("| 8 | 4 | 12 |", "| 8 | 4 | 16 |"), encoding="utf-8")
    return run


def test_a_revision_has_its_own_base_files(run: Run) -> None:
    result = run("diff", "specs/variant.yaml@main", "specs/variant.yaml", "--format", "json")
    data = enveloped(result, "diff")["result"]
    SCHEMA.validate(data)

    assert result.exit_code == 0
    assert (data["before"], data["after"]) == (
        {"spec": "specs/variant.yaml@main", "network": "variant"},
        {"spec": "specs/variant.yaml", "network": "variant"},
    )
    assert [(row["after"], row["changes"]) for row in data["rows"]] == [
        ("block1", ["changed"]),
        ("block2", ["affected"]),
    ]
    assert data["rows"][0]["cells"] == [{"name": "c", "before": "12", "after": "16"}]


def test_a_file_that_is_gone_can_be_read_from_a_revision(run: Run) -> None:
    for file in ("variant.yaml", "small.yaml"):
        Path("specs", file).unlink()
    Path("specs").rmdir()

    assert "give the same network" in run("diff", "specs/variant.yaml@main", "specs/variant.yaml@HEAD").stdout


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "specs/small.yaml@man",
            "git knows no revision `man` here\n --> specs/small.yaml@man\n  = help: did you mean `main`?",
        ),
        ("specs/smal.yaml@main", "there is no such file in the revision `main`"),
        ("specs/small.yaml@-main", "`-main` is not a revision"),
        ("specs/small.yaml@main\n", "git knows no revision"),
        ("specs/sm\nall.yaml@main", "there is no such file in the revision `main`"),
        ("../small.yaml@main", "not a git repository"),
        ("none.yaml", "cannot read `none.yaml`"),
    ],
)
def test_a_revision_that_cannot_be_read(spec: str, message: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent.parent))
    result = run("diff", spec, "specs/small.yaml")

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr and "error[E001]" in result.stderr


def test_an_error_in_a_revision_names_it(run: Run) -> None:
    Path("specs/small.yaml").write_text(BASE.replace("conv 3x3/2 8", "conv 3x3/2"), encoding="utf-8")
    git("-c user.name=x -c user.email=x@y commit -q -a -m y")
    result = run("diff", "specs/variant.yaml@HEAD~1", "specs/variant.yaml@HEAD")

    assert result.exit_code == 1
    assert " --> specs/small.yaml@HEAD:13:12" in result.stderr


def test_git_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = run("diff", "specs/small.yaml@main", "specs/small.yaml")

    assert result.exit_code == 2 and "git cannot be run" in result.stderr and "install git" in result.stderr


def test_settings_on_either_side(run: Run) -> None:
    spec = Path("specs/wide.yaml")
    spec.write_text(BASE.replace("classes: 10", "settings: {w: 1, d: 1}").replace("conv 3x3/2 8", "conv 3x3/2 {8 * w}"))

    def cells(*options: str) -> list[tuple[str, Any, Any]]:
        data = json.loads(run("diff", spec, spec, *options, "--format", "json").stdout)["result"]
        return [tuple(key.values()) for key in data["keys"]]

    assert cells("--set", "w=2") == []
    assert cells("--set-after", "w=2") == [("settings.w", 1, 2)]
    assert cells("--set-before", "w=2") == [("settings.w", 2, 1)]
    assert cells("--set", "w=2", "--set-after", "w=3", "--set-before", "d=2") == [
        ("settings.w", 2, 3),
        ("settings.d", 2, 1),
    ]
    assert run("diff", spec, spec, "--set-after", "x=2").exit_code == 1


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "markdown"])
def test_breaking(form: str, run: Run) -> None:
    words = ("diff", "specs/small.yaml@main", "specs/small.yaml", "--format", form)

    assert run(*words).exit_code == 0
    result = run(*words, "--breaking")
    assert result.exit_code == 1 and "E139" in result.output
    assert run("diff", "specs/small.yaml", "specs/small.yaml", "--breaking", "--format", form).exit_code == 0


def test_a_migration_is_written_and_applied(run: Run) -> None:
    Path("specs/small.yaml").write_text(
        BASE.replace("block1", "mixed1").replace("| 8 | 6 | 12 ", "| 8 | 6 | 16 "), "utf-8"
    )
    Path("old.yaml").write_text(BASE, "utf-8")
    state = load("old.yaml").build().state_dict()
    save_file(state, "old.safetensors", {"loss": "cross_entropy", "spec": "old"})
    result = run("diff", "specs/small.yaml@main", "specs/small.yaml", "--map", "maps/m.json")
    assert result.exit_code == 0 and "wrote maps/m.json" in result.stdout
    result = run(
        "weights", "migrate", "specs/small.yaml", "old.safetensors", "--map", "maps/m.json", "--out", "new.safetensors"
    )

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "kept the values of 40 tensors, 18 tensors under a new name",
        "drew 6 tensors anew: block2 (5), fc (1)",
        "dropped 6 tensors: block2 (5), fc (1)",
        "wrote new.safetensors",
    ]
    new = load_file("new.safetensors")
    load("specs/small.yaml").build().load_state_dict(new, strict=True)
    assert torch.equal(new["mixed1.b3x3.1.conv.weight"], state["block1.b3x3.1.conv.weight"])
    again = run(
        "weights",
        "migrate",
        "specs/small.yaml",
        "old.safetensors",
        "--map",
        "maps/m.json",
        "--seed",
        "1",
        "--format",
        "json",
    )
    data = enveloped(again, "weights migrate")["result"]
    other = load_file("small.safetensors")
    assert {name for name in new if not torch.equal(new[name], other[name])} == {
        "block2.b3x3.1.conv.weight",
        "fc.1.fc.weight",
    }
    assert "block2.b3x3.1.conv.weight" in data["drawn"] and data["kept"]["mixed1.b1x1.bn.bias"] == "block1.b1x1.bn.bias"


def test_heads_may_be_left_out_of_a_migration(run: Run) -> None:
    save_file(
        {name: x for name, x in loads(BASE).build().state_dict().items() if not name.startswith("aux")}, "x.safetensors"
    )
    run("diff", "specs/small.yaml@main", "specs/small.yaml@main", "--map", "m.json")
    words = ("weights", "migrate", "specs/variant.yaml", "x.safetensors", "--map", "m.json")
    Path("specs/variant.yaml").write_text(BASE, encoding="utf-8")

    assert "leave the heads out with `--no-heads`" in run(*words).stderr
    assert run(*words, "--no-heads").exit_code == 0
    assert not [name for name in load_file("small.safetensors") if name.startswith("aux")]


def broken(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], str]:
    """A migration with a change, as the text of a file."""

    def text(data: dict[str, Any]) -> str:
        change(data)
        return json.dumps(data)

    return text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: "{", "it is not JSON"),
        (lambda data: "[" * 100_000, "it is not JSON"),
        (lambda data: "[]", "it is not a JSON object"),
        (broken(lambda data: data.update(version=2)), "its `version` must be 1"),
        (broken(lambda data: data.update(tensors=[])), "its `tensors` must map"),
        (broken(lambda data: data["tensors"].update({"fc.1.fc.weight": 3})), "its `tensors` must map"),
        (broken(lambda data: data.update(dropped="fc")), "its `dropped` must be a list of names"),
        (broken(lambda data: data["tensors"].pop("fc.1.fc.bias")), "it lacks `fc.1.fc.bias`, so it is not for `small`"),
        (broken(lambda data: data["tensors"].update({"x.bias": None})), "the network lacks `x.bias`"),
    ],
    ids=map(str, range(9)),
)
def test_a_migration_that_cannot_be_used(change: Callable[[Any], str], message: str, run: Run) -> None:
    save_file(loads(BASE).build().state_dict(), "x.safetensors")
    run("diff", "specs/small.yaml@main", "specs/small.yaml@main", "--map", "m.json")
    Path("m.json").write_text(change(json.loads(Path("m.json").read_text("utf-8"))), "utf-8")
    Path("specs/small.yaml").write_text(BASE, "utf-8")
    result = run("weights", "migrate", "specs/small.yaml", "x.safetensors", "--map", "m.json")

    assert result.exit_code == 1 and "error[E138]" in result.stderr and message in result.stderr
    assert not Path("small.safetensors").exists()


def test_a_map_can_be_edited(run: Run) -> None:
    """A tensor can take another one of its shape; one of another shape is an error."""
    save_file(loads(BASE).build().state_dict(), "x.safetensors")
    Path("specs/small.yaml").write_text(BASE, "utf-8")
    run("diff", "specs/small.yaml", "specs/small.yaml", "--map", "m.json")
    data = json.loads(Path("m.json").read_text("utf-8"))
    words = ("weights", "migrate", "specs/small.yaml", "x.safetensors", "--map", "m.json")

    data["tensors"]["block1.b1x1.bn.bias"] = "block1.b1x1.bn.weight"
    Path("m.json").write_text(json.dumps(data), "utf-8")
    assert "error[E134]" in run(*words).stderr, "a tensor that nothing takes is dropped, or the file is the wrong one"
    data["dropped"].append("block1.b1x1.bn.bias")
    Path("m.json").write_text(json.dumps(data), "utf-8")
    assert run(*words).exit_code == 0
    assert (load_file("small.safetensors")["block1.b1x1.bn.bias"] == 1).all()
    data["tensors"]["block1.b1x1.bn.bias"] = "fc.1.fc.weight"
    Path("m.json").write_text(json.dumps(data), "utf-8")
    assert "error[E135]" in run(*words).stderr


def test_the_session_in_the_docs_is_the_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = (ROOT / "specs/googlenet.yaml").read_text(encoding="utf-8")
    run = in_folder(tmp_path, monkeypatch, {"specs/googlenet.yaml": old})
    commit()
    save_file(loads(old).build().state_dict(), "old.safetensors")
    wider = old.replace("| 384  | 48          | 128  | 128       |", "| 384  | 64          | 128  | 128       |")
    Path("specs/googlenet.yaml").write_text(wider.replace("inception_4b", "mixed_4b"), "utf-8")
    sessions = blocks("docs/diff.md", "console")

    assert sessions
    for session in sessions:
        for step in session.split("$ inception-dsl ")[1:]:
            words, _, shown = step.partition("\n")
            excerpt(shown, run(*shlex.split(words)).stdout)


def test_the_core_installation_is_enough() -> None:
    assert not loaded("diff", "specs/googlenet.yaml", "specs/bn_inception.yaml") & {"torch", "onnx", "numpy", "jinja2"}


def test_a_name_of_a_file_is_no_markup(run: Run) -> None:
    """The name and the values of a spec are shown literally."""
    Path("a|<b>`.yaml").write_text(
        BASE.replace("network: small", "network: small\ntitle: '<img src=x> | ` @you #1'"), "utf-8"
    )
    shown = run("diff", "specs/small.yaml@main", "a|<b>`.yaml", "--format", "markdown").stdout

    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(shown)
    assert "<img" not in html and "<b>" not in html
    assert html.count("<details>") == html.count("</details>")
