"""Laws of `diff` on random networks, and torch's word on which checkpoints load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from diff_cases import ROOT, SCHEMA, words
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from safetensors.torch import load_file, save_file
from strategies import specs

from inception_dsl.diagnostics.diagnostic import SpecError
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
        assert all(len(line) <= 80 for line in text(found, 80).split("\n"))
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
    ("resnet50", "resnet50_torchvision"),
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
