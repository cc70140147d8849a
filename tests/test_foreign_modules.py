"""Modules of torch as others write them, and what their names are mistyped as: a network, or a message that helps."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_runner import SMALL, Run, in_folder
from hostile_models import NODE, model, weight
from torch import nn

import inception_dsl
from inception_dsl.interchange.torch.foreign import inference, plain
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.weights.files import safetensors

NETS = '''
"""A network of somebody."""
import dataclasses
import socket
import sys

import torch
from torch import nn

from .layers import Block


class Net(nn.Module):
    def __init__(self, width=4, *, classes=10):
        super().__init__()
        self.conv = Block(width)
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        print("shape", x.shape)
        return self.fc(self.conv(x).mean((2, 3)))


@dataclasses.dataclass
class Output:
    logits: torch.Tensor
    loss: object = None


class Dataclass(Net):
    def forward(self, x):
        return Output(super().forward(x))


class Scaled(Net):
    def __init__(self):
        super().__init__()
        self.register_buffer("factor", torch.tensor(0.5))

    def forward(self, x):
        return self.factor * super().forward(x)


class Nothing(Net):
    def forward(self, x):
        return None, super().forward(x)


class Lazy(Net):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.LazyConv2d(4, 3, padding=1, bias=False), nn.ReLU())


def normed():
    net = Net()
    nn.utils.parametrizations.weight_norm(net.conv.conv)
    return net


def wrapped():
    return nn.DataParallel(Net().bfloat16())


def half():
    return Net().half()


def scripted():
    return torch.jit.trace(Net().eval(), torch.zeros(1, 3, 8, 8))


def nothing(width):
    print("called")


def downloads():
    socket.create_connection(("example.com", 80))


def fails():
    raise RuntimeError("no such config")


def leaves():
    sys.exit(3)


class Two(Net):
    def forward(self, x, mask):
        return super().forward(x) * mask


instance = Net()
'''
LAYERS = """
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.relu(self.conv(x))
"""
SPEC = """
network: net
input: 3x8x8
classes: 10
layers: |
  name | layer
  conv | conv 3x3 4 same -> relu
  fc   | avgpool global -> flatten -> fc {classes}
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repository")


@pytest.fixture
def run(package: Path) -> Iterator[Run]:
    files = {
        "spec.yaml": SPEC,
        "small.yaml": SMALL,
        "theirs/__init__.py": "",
        "theirs/nets.py": NETS,
        "theirs/layers.py": LAYERS,
        "program.py": "import argparse\nargparse.ArgumentParser().parse_args(['--x'])",
        "incomplete.py": "import no_such_library",
    }
    with pytest.MonkeyPatch.context() as patch:
        yield in_folder(package, patch, files)


@pytest.mark.parametrize("name", ["Net", "instance", "Dataclass", "Lazy", "normed", "wrapped", "half"])
def test_a_module_is_audited_however_it_is_wrapped(run: Run, name: str) -> None:
    done = run("audit", "spec.yaml", f"theirs.nets:{name}", "--values", "--format", "json")

    result = json.loads(done.stdout)["result"]  # what the module prints is not among it
    assert result["holds"], result
    assert [row["row"] for row in result["values"]["rows"]] == ["conv", "fc"]


def test_numbers_that_a_module_gives_itself_are_read(run: Run) -> None:
    Path("scaled.yaml").write_text(f"{SPEC}  scale | 0.5 * pass\n", encoding="utf-8")

    assert run("audit", "scaled.yaml", "theirs.nets:Scaled").exit_code == 0


MISTAKES = {
    "theirs.nets.Net": "write `theirs.nets:Net`: a colon",
    "theirs/nets.py:Net": "write `theirs.nets:Net`",
    "theirs.nets:Net(width=8)": "write `theirs.nets:Net`; its arguments are given with `--arg NAME=VALUE`",
    "theirs/nets.py": "`theirs.nets:CALLABLE`",
    "theirs.net:Net": "did you mean `theirs.nets`?",
    "theirs.nets:Nett": "did you mean `Net`?",
    "thiers.nets:Net": "there is no module `thiers`",
    "spec.yaml": "`inception-dsl diff` compares",
    "builtin:googlenet": "`inception-dsl diff` compares",
    "model.h5": "export the network as ONNX",
    "https://example.com/model.onnx": "download it",
    "": "give an `.onnx` file",
    ".": "give an `.onnx` file",
    "no such thing": "give an `.onnx` file",
    "theirs.nets:nothing": "it takes `width`, as `--arg NAME=VALUE`",
    "theirs.nets:fails": "RuntimeError: no such config, at theirs/nets.py:",
    "theirs.nets:leaves": "SystemExit: 3, at theirs/nets.py:",
    "theirs.nets:downloads": "it reads from example.com",
    "theirs.nets:scripted": "gives TorchScript",
    "theirs.nets:Two": "missing a required argument: 'mask'",
    "program:net": "belongs below `if __name__ == '__main__':`",
    "incomplete:net": "install `no_such_library`",
}


@pytest.mark.parametrize("target", MISTAKES)
def test_a_mistake_is_answered_with_what_to_do(run: Run, target: str) -> None:
    done = run("audit", "spec.yaml", target)

    assert done.exit_code == 2
    assert MISTAKES[target] in done.stderr
    assert done.stdout == ""


def test_the_spec_comes_before_the_network(run: Run) -> None:
    done = run("audit", "theirs.nets:Net", "spec.yaml")

    assert done.exit_code == 2
    assert "the spec comes before the network" in done.stderr


def test_the_traceback_of_their_code_is_shown_if_asked(run: Run) -> None:
    done = run("--traceback", "audit", "spec.yaml", "theirs.nets:fails")

    assert "in fails\n" in done.stderr


def test_adopt_overwrites_nothing_and_says_so_first(run: Run) -> None:
    for options in (["--out", "spec.yaml"], ["--out", "new.yaml", "--weights", "w.safetensors"]):
        Path("w.safetensors").write_text("mine", encoding="utf-8")
        done = run("adopt", "theirs.nets:fails", *options)

        assert done.exit_code == 2
        assert "exists already" in done.stderr
        assert not Path("new.yaml").exists()


def test_a_module_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4).eval()).half()
    modes = [each.training for each in net.modules()]
    read_torch(plain(net, "net"), (3, 8, 8), "net")

    assert [each.training for each in net.modules()] == modes
    assert {each.dtype for each in net.parameters()} == {torch.float16}
    with pytest.raises(ZeroDivisionError), inference(net):
        raise ZeroDivisionError
    assert [each.training for each in net.modules()] == modes
    assert socket.getaddrinfo.__module__ == "socket"


def test_a_module_of_python_is_audited_as_it_is(run: Run) -> None:
    network = inception_dsl.load("spec.yaml")
    net = network.build().half()

    assert network.audit(nn.DataParallel(net)).holds
    assert {each.dtype for each in net.parameters()} == {torch.float16}


NASTY = "conv\n::error::x\x1b[31m<b>`|\u2028injected: yes\u0085- y 層" * 50


def test_names_of_a_stranger_end_no_line(run: Run) -> None:
    nodes = [
        NODE("Conv", ["x", "w"], ["c"], name=f"/{NASTY}/Conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        NODE("Relu", ["c"], ["r"], name=f"/{NASTY}/Relu"),
        NODE("Conv", ["r", "v"], ["y"], name="/層/Conv", kernel_shape=[5, 5], pads=[2, 2, 2, 2]),
    ]
    data = model(nodes, [weight("w", 4, 3, 3, 3), weight("v", 4, 4, 5, 5)], (1, 3, 8, 8)).SerializeToString()
    Path("nasty.onnx").write_bytes(data)

    assert run("adopt", "nasty.onnx", "--out", "adopted.yaml", "--force").exit_code == 0
    text = Path("adopted.yaml").read_text(encoding="utf-8")
    assert "\u2028" not in text
    assert "injected: yes" not in [line.strip() for line in text.splitlines()]
    assert max(map(len, text.splitlines())) < 200
    assert run("audit", "adopted.yaml", "nasty.onnx").exit_code == 0


def test_an_output_that_is_none_is_not_the_main_one(run: Run) -> None:
    done = run("adopt", "theirs.nets:Nothing", "--out", "nothing.yaml", "--size", "8", "--force")

    assert done.exit_code == 0, done.stderr
    assert "the values agree" in done.stdout


def test_a_finding_without_a_place_names_the_spec_as_it_was_given(run: Run) -> None:
    done = run("audit", "spec.yaml", "theirs.nets:Scaled", "--format", "github")

    assert done.exit_code == 1
    assert done.stdout.startswith("::error file=spec.yaml,")
    done = run("audit", "builtin:googlenet_bn_small", "theirs.nets:Lazy")
    assert done.stdout.startswith("googlenet_bn_small (builtin:googlenet_bn_small) against")


@pytest.mark.parametrize("names", ["zyxw", "abcd"])
def test_a_file_of_weights_without_an_order_is_paired_by_content(run: Run, names: str) -> None:
    shapes = [(9, 3, 3, 3), (9, 9, 1, 1), (7, 9, 3, 3), (5, 7, 3, 3)]
    rows = "\n".join(f"  c{at} | conv {shape[2]}x{shape[3]} {shape[0]} same" for at, shape in enumerate(shapes))
    Path("four.yaml").write_text(f"network: four\ninput: 3x8x8\nlayers: |\n  name | layer\n{rows}\n", encoding="utf-8")
    tensors = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in zip(names, shapes, strict=True)}
    Path("four.safetensors").write_bytes(safetensors(tensors, {}))

    assert run("audit", "four.yaml", "four.safetensors").exit_code == 0
    tensors[f"{names[2]}.weight"] = np.zeros((7, 9, 1, 1), np.float32)
    Path("four.safetensors").write_bytes(safetensors(tensors, {}))
    result = json.loads(run("audit", "four.yaml", "four.safetensors", "--format", "json").stdout)["result"]
    assert [(each["what"], each["places"][0]["row"]) for each in result["findings"]] == [("kernel", "c2")]


@pytest.mark.parametrize("name", ["model.onnx", "model.pth", "model.safetensors"])
def test_a_file_that_git_lfs_keeps_is_said_to_be_one(run: Run, name: str) -> None:
    Path(name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", encoding="utf-8")
    done = run("audit", "spec.yaml", name)

    assert done.exit_code == 2
    assert "`git lfs pull`" in done.stderr
