"""Weight files: which are read, which are refused and why, and the exported ONNX file."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx as standard
import onnxruntime
import pytest
import torch
from cli_runner import cli
from safetensors.torch import load_file, save_file
from test_json import enveloped

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.onnx.onnx import NEWEST
from inception_dsl.ir.typed import Typed
from inception_dsl.network import loads
from inception_dsl.weights import deploy, files, matching, transfer
from inception_dsl.weights.drawn import draw
from inception_dsl.weights.names.libraries import LIBRARIES
from inception_dsl.weights.names.notation import Names, expand

TINY = """
network: tiny
input: 3x16x16
classes: 5
layers: |
  name  | layer
  conv1 | conv 3x3/2 8 same bn relu
  conv2 | conv 3x3 4 same bias
  pool  | avgpool global -> flatten
  fc    | fc {classes}
heads:
  aux: {from: conv1, loss_weight: 0.3, graph: "avgpool global -> flatten -> fc 3"}
"""
NET = Names("tinynet", "tiny", "features.0.{conv,bn} features.2 classifier", "side")
THEIRS = ["features.0.conv.weight", "features.2.weight", "features.2.bias", "classifier.weight", "classifier.bias"]
Change = Callable[[dict[str, torch.Tensor]], Any]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.setattr(matching, "LIBRARIES", {**LIBRARIES, "torchvision": (NET,)})
    return loads(TINY).typed


@pytest.fixture
def spec(tmp_path: Path, typed: Typed) -> Path:
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path / "tiny.yaml"


def state(typed: Typed, prefix: str = "") -> dict[str, torch.Tensor]:
    """Tensors under the library's names."""
    torch.manual_seed(0)
    names = matching.match(typed, "torchvision").theirs
    shapes = {ours: typed.weights[ours].shape for ours in names if ours in typed.weights}
    counters = {theirs: torch.tensor(3) for ours, theirs in names.items() if ours not in shapes}
    return {names[ours]: torch.rand(shape) for ours, shape in shapes.items()} | counters


def codes(action: Callable[[], object]) -> list[str]:
    with pytest.raises(SpecError) as caught:
        action()
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


class Attack:
    """A pickle that would create a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_every_kind_of_file_is_read_alike(typed: Typed, tmp_path: Path, suffix: str, wrapped: bool) -> None:
    held, file = state(typed), tmp_path / f"net{suffix}"
    if suffix == ".safetensors":
        save_file(held, file)
    else:
        torch.save({"state_dict": held, "epoch": 3} if wrapped else held, file)
    moved = transfer.import_weights(typed, file, "torchvision")
    assert np.array_equal(moved.weights["conv1.bn.running_var"], held["features.0.bn.running_var"].numpy())
    assert moved.weights["conv1.bn.num_batches_tracked"] == 3
    read = [f"read `state_dict` of `net{suffix}`"] if wrapped and suffix != ".safetensors" else []
    assert moved.sentences == (
        *read,
        "matched all 12 tensors with torchvision's tinynet by order, name and shape",
    )


def test_a_pickle_that_would_run_code_is_refused_and_runs_none(typed: Typed, tmp_path: Path) -> None:
    made = tmp_path / "made"
    torch.save({"features.0.conv.weight": Attack(made)}, tmp_path / "evil.pth")
    (tmp_path / "older.pt").write_bytes(pickle.dumps({"features.0.conv.weight": Attack(made)}, protocol=2))
    for name in ("evil.pth", "older.pt"):
        assert codes(lambda name=name: files.read_weights(tmp_path / name)) == ["E131"]  # type: ignore[misc]
    assert not made.exists()


def test_a_file_without_weights_is_refused(tmp_path: Path) -> None:
    for name in ("text.pth", "text.safetensors", "text.txt"):
        (tmp_path / name).write_text("no weights at all, whatever the name says")
    (tmp_path / "empty.pt").write_bytes(b"")
    torch.save([torch.zeros(3)], tmp_path / "list.pt")
    torch.save({"epoch": 3}, tmp_path / "number.pt")
    for file in sorted(tmp_path.iterdir()):
        assert codes(lambda file=file: files.read_weights(file)) == ["E130"], file  # type: ignore[misc]
    for path in (tmp_path / "none.pt", tmp_path / "none.txt", tmp_path):  # a folder is not a format
        assert codes(lambda path=path: files.read_weights(path)) == ["E001"]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda held: held.pop("features.2.bias"), ["E133"]),
        (lambda held: held.update({"features.0.conv.bias": torch.zeros(8)}), ["E134"]),
        (lambda held: held.update({"classifier.weight": torch.zeros(4, 5)}), ["E135"]),
        (lambda held: held.update({"classifier.weight": torch.zeros(5, 4).double()}), ["E135"]),
        (lambda held: held.update({"classifier.weight": torch.zeros(5, 4).to_sparse()}), ["E135"]),
        (lambda held: [held.pop(name) for name in THEIRS], ["E132"]),
        (lambda held: [held.pop("side.bias"), held.update(more=torch.zeros(1))], ["E133", "E134"]),
    ],
)
@pytest.mark.filterwarnings("ignore:Validating sparse tensor:UserWarning")
def test_nothing_is_written_where_anything_does_not_fit(
    spec: Path, typed: Typed, change: Change, expected: list[str]
) -> None:
    held, file, out = state(typed), spec.with_name("net.pth"), spec.with_name("out.safetensors")
    change(held)
    torch.save(held, file)
    out.write_bytes(b"as it was")
    result = cli("weights", "import", spec, file, "--from", "torchvision", "--out", out, "--format", "json")
    assert [diagnostic["code"] for diagnostic in json.loads(result.stdout)["diagnostics"]] == expected
    assert (result.exit_code, out.read_bytes()) == (1, b"as it was")
    assert {path.name for path in spec.parent.iterdir()} == {"tiny.yaml", "net.pth", "out.safetensors"}


def test_the_json_of_weight_commands(spec: Path, typed: Typed) -> None:
    """The JSON has the keys that are documented, and the files that were written."""
    net, ours, theirs, graph = (
        spec.with_name(f"{name}") for name in ("net.pth", "a.safetensors", "b.safetensors", "c.onnx")
    )
    torch.save(state(typed), net)
    for words, out in (
        (("weights import", spec, net, "--from", "torchvision"), ours),
        (("weights export", spec, ours, "--to", "torchvision"), theirs),
        (("export", spec, "--weights", ours), graph),
    ):
        result = cli(*str(words[0]).split(), *words[1:], "--out", out, "--format", "json")
        data = enveloped(result, str(words[0]))
        assert result.exit_code == 0
        assert data["files"] == [{"path": str(out), "status": "written"}]
        assert out.is_file()


def test_half_precision_is_widened_without_loss(typed: Typed, tmp_path: Path) -> None:
    for kind in (torch.float16, torch.bfloat16):
        held = {name: each.to(kind) if each.is_floating_point() else each for name, each in state(typed).items()}
        save_file(held, tmp_path / "net.safetensors")
        moved = transfer.import_weights(typed, tmp_path / "net.safetensors", "torchvision").weights
        assert torch.equal(torch.from_numpy(moved["fc.weight"]).to(kind), held["classifier.weight"])


def test_heads_are_left_out_on_request_and_reported(spec: Path, typed: Typed) -> None:
    held, file, out = state(typed), spec.with_name("net.pth"), spec.with_name("out.safetensors")
    torch.save(held, file)
    result = cli("weights", "import", spec, file, "--from", "torchvision", "--out", out, "--no-heads")
    assert (result.exit_code, result.output.splitlines()[1]) == (0, "left out 2 tensors of heads: side")
    assert not [name for name in load_file(out) if name.startswith("aux")]
    assert transfer.export_weights(typed, out, "torchvision").weights.keys() == {
        n for n in held if not n.startswith("side")
    }
    assert cli("export", spec, "--weights", out, "--out", spec.with_name("a.onnx"), "--no-verify").exit_code == 0
    assert codes(lambda: transfer.load_weights(typed, out, heads=True)) == ["E133"]


def test_the_command_line_gives_back_what_it_took(spec: Path, typed: Typed) -> None:
    held, folder = state(typed), spec.parent
    torch.save(held, folder / "net.pth")
    ours, theirs = folder / "ours.safetensors", folder / "theirs.safetensors"
    assert cli("weights", "import", spec, folder / "net.pth", "--from", "torchvision", "--out", ours).exit_code == 0
    assert cli("weights", "export", spec, ours, "--to", "torchvision", "--out", theirs).exit_code == 0
    back = load_file(theirs)
    assert back.keys() == held.keys() and all(torch.equal(back[name], each) for name, each in held.items())
    assert cli("weights", "export", spec, ours, "--to", "torchvision", "--out", folder / "x.pth").exit_code == 2
    result = cli("weights", "export", spec, ours, "--to", "timm")
    assert result.exit_code == 1 and "no known network of timm has 4 layers with weights" in result.stderr


@pytest.mark.parametrize("options", [[], ["--heads"], ["--opset", "17"]])
def test_an_exported_file_runs_by_itself_at_any_batch(spec: Path, options: list[str]) -> None:
    out = spec.with_name("tiny.onnx")
    result = cli("export", spec, "--init", "7", "--out", out, *options)
    assert (result.exit_code, result.output.splitlines()[0]) == (0, f"wrote {out}")
    assert "onnxruntime agrees with PyTorch: values differ by at most " in result.output
    model = standard.load(out)
    standard.checker.check_model(model, full_check=True)
    assert [each.name for each in model.graph.input] == ["input"]
    assert {each.version for each in model.opset_import} == {17 if "17" in options else NEWEST}
    run = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        shapes = [each.shape for each in run.run(None, {"input": np.zeros((batch, 3, 16, 16), np.float32)})]
        assert shapes == [(batch, 5), *([(batch, 3)] if "--heads" in options else [])]


def test_large_weights_lie_beside_the_file(typed: Typed, tmp_path: Path) -> None:
    drawn = draw(typed, 1)
    within = deploy.onnx_files(typed, drawn, "net.onnx", opset=NEWEST, heads=True)
    beside = deploy.onnx_files(typed, drawn, "net.onnx", opset=NEWEST, heads=True, most=100)
    assert (list(within), list(beside)) == (["net.onnx"], ["net.onnx.data", "net.onnx"])
    for name, content in beside.items():
        (tmp_path / name).write_bytes(content)
    standard.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)
    held = {
        each.name: standard.numpy_helper.to_array(each, str(tmp_path))
        for each in standard.load(tmp_path / "net.onnx").graph.initializer
    }
    assert all(np.array_equal(held[name], drawn[name]) for name in typed.weights)
    (tmp_path / "whole.onnx").write_bytes(within["net.onnx"])
    x = {"input": np.random.default_rng(0).normal(size=(2, 3, 16, 16)).astype(np.float32)}
    one, other = (
        onnxruntime.InferenceSession(tmp_path / name, providers=["CPUExecutionProvider"]).run(None, x)
        for name in ("net.onnx", "whole.onnx")
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_file_that_computes_something_else_is_a_finding(typed: Typed, tmp_path: Path) -> None:
    held, file = draw(typed, 1), tmp_path / "net.onnx"
    other = {**held, "conv2.bias": held["conv2.bias"] + 0.1}
    file.write_bytes(deploy.onnx_files(typed, other, "net.onnx", opset=NEWEST, heads=False)["net.onnx"])
    comparison = deploy.compare_with_pytorch(typed, held, file, heads=False)
    assert [finding.code for finding in comparison.findings(file)] == ["E403"]
    broken = {**held, "fc.bias": held["fc.bias"] * np.nan}
    file.write_bytes(deploy.onnx_files(typed, broken, "net.onnx", opset=NEWEST, heads=False)["net.onnx"])
    assert deploy.compare_with_pytorch(typed, broken, file, heads=False).findings(file)


def test_a_comparison_says_when_it_says_little(typed: Typed, tmp_path: Path) -> None:
    held, file = {name: np.zeros_like(each) + 1 for name, each in draw(typed, 1).items()}, tmp_path / "net.onnx"
    held |= {name: each * 0 for name, each in held.items() if name == "fc.weight"}
    held["fc.bias"] = np.arange(5, dtype=np.float32)
    file.write_bytes(deploy.onnx_files(typed, held, "net.onnx", opset=NEWEST, heads=False)["net.onnx"])
    comparison = deploy.compare_with_pytorch(typed, held, file, heads=False)
    assert not comparison.findings(file) and "this shows little" in comparison.sentence


def test_exactly_one_source_of_weights_is_required(spec: Path) -> None:
    for which in ([], ["--init", "1", "--weights", "x.pt"]):
        result = cli("export", spec, "--out", "x.onnx", *which)
        assert result.exit_code == 2 and "choose the weights: --weights FILE or --init SEED" in result.stderr


def test_names_expand_from_left_to_right() -> None:
    assert list(expand("a{b,c{1-3},}d{x,y}")) == [f"a{b}d{x}" for b in ("b", "c1", "c2", "c3", "") for x in "xy"]
    for known in LIBRARIES.values():
        assert all(len(set(names.trunk + names.heads)) == len(names.trunk + names.heads) for names in known)
