"""A repository of somebody else: a package with networks of torch, and a spec that most of them hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from cli_runner import SMALL, Run, in_folder

NETS: Final = '''
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
LAYERS: Final = """
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.relu(self.conv(x))
"""
SPEC: Final = """
network: net
input: 3x8x8
classes: 10
layers: |
  name | layer
  conv | conv 3x3 4 same -> relu
  fc   | avgpool global -> flatten -> fc {classes}
"""


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Run]:
    """What runs a command in the folder of that repository."""
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
        yield in_folder(tmp_path, patch, files)
