"""GoogLeNet, and the other specs here: what the paper prints, what torch and onnxruntime make of the emitted files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import onnx as standard
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from inception_dsl.analysis.cost import cost
from inception_dsl.build import build, load_module
from inception_dsl.compiler import compile_file
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.crosscheck import cross_check
from inception_dsl.emit.backends import BACKENDS
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.pytorch.executor import PyTorch
from inception_dsl.ir.program import Program
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower
from inception_dsl.paper import verdicts
from inception_dsl.spec.discovery import find_specs

SPECS = find_specs([Path(__file__).parent.parent / "specs"])
NAMES = [path.stem for path in SPECS]

# Table 1 of arXiv:1409.4842, the last four printed columns, copied from the paper and not from the spec
TABLE = """
conv1         112x112x64  1  2.7K   34M
pool1         56x56x64    0
conv2         56x56x192   2  112K   360M
pool2         28x28x192   0
inception_3a  28x28x256   2  159K   128M
inception_3b  28x28x480   2  380K   304M
pool3         14x14x480   0
inception_4a  14x14x512   2  364K   73M
inception_4b  14x14x512   2  437K   88M
inception_4c  14x14x512   2  463K   100M
inception_4d  14x14x528   2  580K   119M
inception_4e  14x14x832   2  840K   170M
pool4         7x7x832     0
inception_5a  7x7x832     2  1072K  54M
inception_5b  7x7x1024    2  1388K  71M
pool5         1x1x1024    0
drop          1x1x1024    0
fc            1x1x1000    1  1000K  1M
softmax       1x1x1000    0
"""
COLUMNS = ("output", "depth", "params", "ops")
CELLS = {
    (row, column): text
    for row, *cells in map(str.split, TABLE.strip().splitlines())
    for column, text in zip(COLUMNS, cells, strict=False)
}
TOTALS = {("totals", "depth"): "22", ("totals", "ops"): "1.5B"}  # sections 5 and 1 of the paper

# Where the print is not what the row computes, each to be explained in the spec
ERRATA = {
    *(("conv1", "params"), ("conv1", "ops"), ("inception_4a", "params"), ("inception_4a", "ops")),
    *(("inception_4b", "params"), ("inception_4c", "params"), ("inception_4d", "params"), ("inception_4e", "params")),
    *(("inception_5a", "params"), ("inception_5a", "ops"), ("inception_5b", "params"), ("totals", "ops")),
}
SEPARABLE = {("conv1", "params"), ("conv1", "ops"), ("totals", "ops")}
"""What the variant with a separable conv1 explains."""


@cache
def program(name: str) -> Program:
    """A spec of this repository, compiled."""
    return compile_file(f"builtin:{name}")


@cache
def typed(name: str) -> Typed:
    """A spec of this repository, at its own size."""
    return lower(program(name))


@cache
def source(name: str) -> str:
    """Its generated file."""
    return pytorch.source(typed(name))


@cache
def cells(name: str) -> Mapping[tuple[str, str], verdicts.Verdict]:
    """The verdict on every cell that a spec says is printed."""
    return {(cell.claim.row, cell.claim.column): cell for cell in verdicts.compare_cells(typed(name))}


def meta(name: str) -> nn.Module:
    """The generated network without numbers; in training, with nothing dropped."""
    with torch.device("meta"):
        net = build(source(name), name).eval()
    net.training = True
    return net


def shape(x: Tensor) -> tuple[int, ...]:
    """The shape of one example."""
    return tuple(x.shape[1:])


def tensors(net: nn.Module) -> dict[str, tuple[int, ...]]:
    """The state_dict by shapes, in its order."""
    named = {key: tuple(each.shape) for key, each in net.state_dict().items()}
    return {key: named[key] for key in named if not key.endswith("num_batches_tracked")}


def rows(net: nn.Module, image: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """The shapes that hooks see leave the network's own layers."""
    seen: dict[str, tuple[int, ...]] = {}
    for row, layer in net.named_children():
        layer.register_forward_hook(lambda _, __, out, row=row: seen.update({row: shape(out)}))
    net(torch.empty(2, *image, device="meta"))
    return seen


# --- what the paper prints --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "column"), [*CELLS, *TOTALS])
def test_a_printed_cell_has_its_verdict(row: str, column: str) -> None:
    verdict = cells("googlenet")[row, column]
    exact = column in ("output", "depth")

    assert verdict.claim.text == {**CELLS, **TOTALS}[row, column], "the spec prints what the paper prints"
    assert verdict.verdict == ("exact" if exact else "erratum" if (row, column) in ERRATA else "rounds")


def test_nothing_else_is_printed() -> None:
    assert cells("googlenet").keys() == {*CELLS, *TOTALS}
    assert verdicts.findings(typed("googlenet"), tuple(cells("googlenet").values())) == ()


def test_the_separable_conv1_explains_the_first_row_and_the_total() -> None:
    found = cells("googlenet_separable")

    assert found.keys() == {*CELLS, *TOTALS}
    assert {cell for cell, each in found.items() if each.verdict == "erratum"} == ERRATA - SEPARABLE
    assert {found[cell].verdict for cell in SEPARABLE} <= {"exact", "rounds"}
    assert all(each.claim.text == {**CELLS, **TOTALS}[cell] for cell, each in found.items())
    assert cost(typed("googlenet_separable")).trunk.macs == 1_498_677_248


def test_the_totals() -> None:
    counted = cost(typed("googlenet"))

    assert (counted.trunk.params, counted.trunk.macs) == (6_998_552, 1_582_671_872)
    assert counted.total.params == 13_378_280


# --- every spec, on the meta device -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_weights_have_the_same_names_everywhere(name: str) -> None:
    ours = {key: weight.shape for key, weight in typed(name).weights.items()}
    graph = standard.ModelProto.FromString(onnx.model(typed(name), heads=True)).graph
    inputs = {
        each.name: tuple(dim.dim_value for dim in each.type.tensor_type.shape.dim)
        for each in graph.input
        if each.name != "input"
    }

    assert list(tensors(meta(name)).items()) == list(ours.items()) == list(inputs.items())


@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_multiply_adds_are_torchs(name: str) -> None:
    net, own = meta(name), typed(name)
    assert cost(own).total.params == sum(parameter.numel() for parameter in net.parameters())

    net.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.empty(1, *own.input.shape, device="meta"))

    assert counter.get_total_flops() / 2 == cost(own).trunk.macs


@pytest.mark.parametrize("name", NAMES)
def test_shapes_are_torchs(name: str) -> None:
    own = typed(name)
    seen = rows(meta(name), own.input.shape)

    assert seen == {row: own.out(row).shape for row in seen}
    passing = set(own.ends) - set(seen)
    assert all(own.ends[row] == own.ends[own.trunk[own.trunk.index(row) - 1]] for row in passing)


IDLE = r"# (\w+) (?:returns its input|is left to the loss)"
COMMENT = re.compile(rf" +(?:self\.(\w+) *= .*|\).*|{IDLE}) +# +([0-9]+(?: x +[0-9]+)*)")
START = re.compile(r"        self\.(\w+) *= ")


def comments(text: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each row of a generated file and the shape that the comment at its line's end gives."""
    current = ""
    for line in text.splitlines():
        if start := START.match(line):
            current = start[1]
        if found := COMMENT.fullmatch(line):
            yield found[1] or found[2] or current, tuple(int(n) for n in found[3].split("x"))


@pytest.mark.parametrize("name", NAMES)
def test_comments_tell_the_shapes_that_hooks_see(name: str) -> None:
    own = typed(name)
    seen, commented = rows(meta(name), own.input.shape), dict(comments(source(name)))

    assert commented.keys() == set(own.trunk)
    assert {row: commented[row] for row in commented if row in seen} == {
        row: seen[row] for row in commented if row in seen
    }


# --- the file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_short_and_imports_torch_alone(name: str) -> None:
    tree = ast.parse(source(name))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}

    assert {module.partition(".")[0] for module in modules} <= {"torch", "math", "collections", "typing"}
    classes = source(name).count("\nclass ")
    assert len(source(name).splitlines()) < 80 + 20 * classes + 3 * len(typed(name).trunk)


@pytest.mark.parametrize("name", NAMES)
def test_the_file_passes_ruff(name: str, tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text(source(name), encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--extend-select",
            "I,UP",
            file,
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


# --- values -----------------------------------------------------------------------------------------------------------


def test_pytorch_and_onnxruntime_agree_at_224_with_heads_in_batches_of_1_3_and_8() -> None:
    report = cross_check(program("googlenet"), BACKENDS, images=[(224, 224)], batches=(1, 3, 8))
    (own,) = report.comparisons

    assert report.findings == ()
    assert own.compared == (*typed("googlenet").trunk, "aux1", "aux2")
    assert own.difference is not None
    assert 0 < own.difference < 1e-5


def test_pytorch_and_onnxruntime_agree_on_the_trunk_at_other_sizes() -> None:
    report = cross_check(program("googlenet"), BACKENDS, images=[(225, 225), (299, 299)], batches=[1])
    odd, large = report.comparisons

    assert report.findings == ()
    assert odd.constraint is None, "pools with `ceil` bring 225 to 7x7 too"
    assert odd.compared == (*typed("googlenet").trunk, "aux1", "aux2")
    assert large.constraint
    assert large.constraint.node.row == "fc"
    assert large.compared == typed("googlenet").trunk[:-2]


@pytest.fixture(scope="module")
def net() -> nn.Module:
    """GoogLeNet with weights that pass signals on; its heads run, and nothing is dropped."""
    system = PyTorch(typed("googlenet"))
    system.load(system.scale(probe.weights(typed("googlenet"))))
    return system.net


@pytest.fixture(scope="module")
def image() -> Tensor:
    """Two smooth images."""
    return torch.from_numpy(probe.images((3, 224, 224), 2, 30.0))


def agree(one: Any, other: Any) -> None:
    """Two outputs of the network are equal to rounding, names of heads included, and depend on the image."""
    ones, others = ([each] if isinstance(each, Tensor) else list(each) for each in (one, other))
    assert len(ones) == len(others)
    for a, b in zip(ones, others, strict=True):
        spread = float(a.max() - a.min())
        assert float((a[0] - a[1]).abs().max()) > 1e-3 * spread
        assert float((a - b).abs().max()) < 1e-5 * spread


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("way", ["compile", "export", "fx"])
def test_torch_takes_the_file_whole(net: nn.Module, image: Tensor, way: str, training: bool) -> None:
    net.training = training
    with torch.no_grad():
        expected = net(image)
        if way == "compile":
            torch.compiler.reset()
            given = torch.compile(net, backend="aot_eager", fullgraph=True)(image)
        elif way == "export":
            given = torch.export.export(net, (image,)).module()(image)
        else:
            given = torch.fx.symbolic_trace(net)(image)

    assert (
        (len(expected) == 3 and expected._fields == ("logits", "aux1", "aux2"))
        if training
        else shape(expected) == (1000,)
    )
    agree(expected, given)


def test_the_number_of_classes_is_an_argument() -> None:
    with torch.device("meta"):
        net = build(source("googlenet"), "googlenet", num_classes=7)

    assert [shape(each) for each in net(torch.empty(2, 3, 224, 224, device="meta"))] == [(7,)] * 3


def test_a_traceback_shows_the_generated_line() -> None:
    with pytest.raises(RuntimeError) as error, torch.device("meta"):
        build(source("googlenet"), "googlenet")(torch.empty(1, 3, 8, 8))

    files = [(str(entry.path), str(entry.statement)) for entry in error.traceback]
    assert any("<generated googlenet>" in path and "self." in line for path, line in files)
    assert load_module(source("googlenet"), "googlenet").__name__ not in sys.modules
