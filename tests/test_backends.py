"""A backend is a folder and a line in a table: a third one, added here, is seen wherever the other two are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from cli_runner import cli
from test_crosscheck import OWN, program
from test_ops import TORCH

from inception_dsl.compiler import compile_source
from inception_dsl.crosscheck.crosscheck import cross_check
from inception_dsl.crosscheck.executor import Executor, Forward
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.backend import Backend
from inception_dsl.emit.backends import BACKENDS, by_name
from inception_dsl.emit.onnx.node import OnnxNode
from inception_dsl.emit.options import Options
from inception_dsl.emit.python import CallExpr, literal
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.typed import Typed
from inception_dsl.network import loads
from inception_dsl.spec.vocabulary.entry import LayerEntry, Word
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.words import WORDS

RULES: Rules[Any] = Rules("Eager")
"""torch's own layer for every op."""
RULES.update(TORCH)


class Eager(Executor):
    """Interprets the IR node by node, without an emitted file."""

    def __init__(self, typed: Typed) -> None:
        self.weights = {name: weight.shape for name, weight in typed.weights.items()}
        self.loaded: Mapping[str, Any] = {}

    def load(self, weights: Mapping[str, Any]) -> None:
        self.loaded = weights

    def at(self, part: Typed) -> Forward:
        def forward(images: Any) -> Iterator[tuple[str, Any]]:
            values = {-1: torch.from_numpy(images)}
            for index, node in enumerate(part.nodes):
                layer = RULES[type(node.op)](node.op, *node.types).eval().requires_grad_(requires_grad=False)
                own = {name.rpartition(".")[2]: torch.from_numpy(self.loaded[name]) for name in node.weights}
                for name, tensor in layer.state_dict().items():
                    if name.rpartition(".")[2] in own:
                        tensor.copy_(own[name.rpartition(".")[2]])
                values[index] = layer(*(values[end] for end in node.inputs))
            yield from ((name, values[part.ends[name]].numpy()) for name in (*part.trunk, *part.heads))

        return forward


def emit(typed: Typed, options: Options, rebuild: str) -> dict[str, bytes]:
    return {"eager.txt": "\n".join(f"{'/'.join(node.path)} {node.op.name}" for node in typed.nodes).encode()}


EAGER = Backend("eager", RULES, emit, Eager, ("torch",))


@pytest.fixture
def eager() -> Iterator[None]:
    """The table of backends with one more line."""
    BACKENDS.append(EAGER)
    yield
    BACKENDS.remove(EAGER)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text("network: small\ninput: 3x9x9\nlayers: |\n  name | layer\n  stem | conv 3x3 4 same relu\n")
    return path


@pytest.mark.usefixtures("eager")
def test_ops_lists_it() -> None:
    assert "Backends: PyTorch, ONNX, Eager" in cli("ops").stdout
    (conv,) = json.loads(cli("ops", "conv", "--format", "json").stdout)["result"]["layers"].values()
    assert conv["backends"][-1] == "Eager"


@pytest.mark.usefixtures("eager")
def test_compile_writes_its_files(spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    assert cli("compile", str(spec), "--out", str(out)).exit_code == 0
    assert (out / "small" / "eager.txt").read_text() == "stem/conv conv\nstem/relu relu"
    assert cli("compile", "--check", str(spec), "--out", str(out)).exit_code == 0
    assert loads(spec.read_text()).emit("eager").keys() == {"eager.txt"}


@pytest.mark.usefixtures("eager")
def test_check_compares_it(spec: Path) -> None:
    result = cli("check", "--against", "onnx,eager", str(spec))

    assert "onnx and eager: 1 tensors with 108 parameters match the spec" in result.stdout
    assert (
        "unknown name `egaer`: expected `pytorch`, `onnx` or `eager`. Did you mean `eager`?"
        in cli("check", "--against", "egaer", str(spec)).stderr
    )


@dataclass(frozen=True)
class Bent(Op):
    """An op that the language does not have."""

    name = "bent"
    slope: float = 0.01


@pytest.mark.parametrize(
    "formula",
    [
        "conv 3x3 8 same -> bent",
        "conv 3x3 8 same -> bent slope=0.3",
        "conv 3x3 8 same bent -> conv 1x1 8 bias bent",
        "conv 3x3/2 8 same_upper bn bent -> 2 of conv 1x1 8 bn gamma=none bent",
        "fc 6 bent -> fc 5 relu -> fc 5 bias=none bent",
    ],
)
def test_an_op_is_a_class_an_entry_of_the_vocabulary_and_a_rule_for_each_backend(
    formula: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """These are all the places that an op with a word touches. Every file is then emitted, and the backends agree."""
    monkeypatch.setitem(LAYERS, "bent", LayerEntry("bent", (Bent,), words=frozenset({"slope"})))
    for name in ("conv", "fc"):
        monkeypatch.setitem(LAYERS, name, LAYERS[name]._replace(words=LAYERS[name].words | {"bent"}))
    monkeypatch.setitem(WORDS, "slope", Word("is the slope below 0", value="number", alone=False))
    monkeypatch.setitem(WORDS, "bent", Word("adds a bent ReLU after it", "act", op=Bent))
    rules = {name: backend.rules for name, backend in by_name().items()}
    monkeypatch.setitem(rules["pytorch"], Bent, lambda op, *_: CallExpr("nn.LeakyReLU", (literal(op.slope),)))
    monkeypatch.setitem(rules["onnx"], Bent, lambda op, _: OnnxNode("LeakyRelu", {"alpha": op.slope}))
    text = f"network: tiny\ninput: 3x9x9\nlayers: |\n  name | layer\n  a | {formula}\n  b | fc 4\n"
    spec = tmp_path / "tiny.yaml"
    spec.write_text(text)

    assert cli("compile", str(spec), "--out", str(tmp_path / "out")).exit_code == 0
    assert {file.name for file in (tmp_path / "out" / "tiny").iterdir()} == {
        *("architecture.svg", "model.onnx", "model.py", "report.md")
    }
    report = cross_check(compile_source(Source("tiny.yaml", text)), BACKENDS, [(9, 9)])
    assert report.findings == ()
    assert all(0 < (comparison.difference or 0) < 1e-5 for comparison in report.comparisons)


def test_an_op_after_a_layer_that_no_helper_class_owns_is_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "lrn", LAYERS["lrn"]._replace(words=LAYERS["lrn"].words | {"relu"}))
    net = loads("network: tiny\ninput: 3x9x9\nlayers: |\n  name | layer\n  a | lrn 5 relu\n")

    with pytest.raises(LookupError, match="no helper class has `relu` after `lrn`"):
        net.pytorch_source()


def test_a_module_does_not_take_the_name_of_a_helper_class() -> None:
    modules = "modules:\n  same_conv: {graph: conv 3x3/2 4 same_upper}\n  conv_stem: {graph: same_conv -> conv 1x1 4}\n"
    net = loads(f"network: tiny\ninput: 3x9x9\n{modules}layers: |\n  name | layer\n  a | conv_stem\n")

    assert re.findall(r"class (\w+)", net.pytorch_source()) == ["SameConv", "SameConvModule", "ConvStem", "Tiny"]


@pytest.mark.usefixtures("eager")
def test_three_backends_agree() -> None:
    report = cross_check(program(), BACKENDS)

    assert report.findings == ()
    assert report.sentences[0].startswith("pytorch, onnx and eager: 35 tensors")
    assert all(0 < (comparison.difference or 0) < 1e-5 for comparison in report.comparisons)


@pytest.mark.usefixtures("eager")
def test_an_error_in_one_of_three_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, Scale, lambda op, *inputs: TORCH[Scale](Scale(op.factor * 1.01), *inputs))
    (finding,) = cross_check(program(), BACKENDS, [OWN], [1]).findings

    assert finding.message.startswith("the values of `res` at 33x33 differ by")
    assert finding.message.endswith("; pytorch and onnx agree")


@pytest.mark.usefixtures("eager")
def test_an_error_in_the_first_of_three_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    source = pytorch.source
    monkeypatch.setattr(pytorch, "source", lambda typed: source(typed).replace("0.17", "0.1705"))
    (finding,) = cross_check(program(), BACKENDS, [OWN], [1]).findings

    assert finding.message.endswith("; onnx and eager agree")
