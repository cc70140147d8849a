"""`diff`: what it says about edits."""

from __future__ import annotations

import pytest
from diff_cases import BASE, words

from inception_dsl.diff.changes import EntryChange
from inception_dsl.diff.diff import Diff
from inception_dsl.diff.migration import migration
from inception_dsl.diff.text import text
from inception_dsl.network import loads


def edited(*pairs: tuple[str, str]) -> Diff:
    """The base compared with an edited copy."""
    now = BASE
    for old, new in pairs:
        assert old in now
        now = now.replace(old, new)
    return loads(BASE, "base.yaml").diff(loads(now, "base.yaml"))


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


def test_keys_that_describe() -> None:
    """A module may be called like a key that describes."""
    other = BASE.replace("\n    graph: |", "\n    columns: [b, a, c]\n    doc: new\n    graph: |").replace(
        "block:", "source:"
    )
    found = loads(BASE).diff(loads(other.replace("| block  ", "| source ")))

    assert {key.name for key in found.keys} == {
        *("modules.block.graph", "modules.source.columns", "modules.source.doc", "modules.source.graph"),
    }
    assert "described differently: modules.source.doc, modules.source.columns" in text(found)
    assert "modules.source.graph:" in text(found)
    assert all(not row.layers and not row.tensors_by_change() for row in found.rows) and found.same_network


def test_a_module_that_is_repeated_more_often() -> None:
    """Tensors of a whole branch or repetition are counted together."""
    found = edited(("| block                   | 8", "| 2 of block -> 2 of bn   | 8"))
    more = loads(found.after.spec.document.source.text.replace("2 of block", "3 of block"))
    again = loads(found.after.spec.document.source.text).diff(more)

    assert "weights gained: 0.2 (18 tensors)" in text(again)


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
