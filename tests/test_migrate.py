"""`diff --map` and `weights migrate`: checkpoints of an earlier version of a spec."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cli_runner import Run
from diff_cases import BASE, repository
from safetensors.torch import load_file, save_file
from test_json import enveloped

from inception_dsl.network import load, loads


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a repository with a spec and a variant, both changed since they were committed."""
    return repository(tmp_path, monkeypatch)


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


def test_a_migration_that_is_applied_to_its_own_base_says_so(run: Run) -> None:
    Path("old.yaml").write_text(BASE, "utf-8")
    Path("new.yaml").write_text(BASE.replace("| 8 | 6 | 12 ", "| 8 | 6 | 16 "), "utf-8")
    save_file(load("old.yaml").build().state_dict(), "old.safetensors")
    run("diff", "old.yaml", "new.yaml", "--map", "m.json")
    note = "that would fit, such as `block2.b3x3.1.conv.weight`: it is for `new.yaml`, not for `old.yaml`"

    for spec, noted in (("old.yaml", True), ("new.yaml", False)):
        result = run("weights", "migrate", spec, "old.safetensors", "--map", "m.json")
        assert result.exit_code == 0 and (note in result.stdout) == noted


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


def test_a_slip_overwrites_no_spec(run: Run) -> None:
    Path("a.yaml").write_text(BASE, "utf-8")
    sweep = ("sweep", "a.yaml", "--size", "32,64", "--csv", "a.yaml")
    for words in (("diff", "a.yaml", "a.yaml", "--map", "a.yaml"), sweep):
        result = run(*words)
        assert result.exit_code == 2 and "`a.yaml` is not a ." in result.stderr
    assert Path("a.yaml").read_text("utf-8") == BASE
