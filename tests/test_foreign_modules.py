"""Modules of torch as others write them: wrapped, in half precision, with outputs and numbers of their own."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import torch
from cli_runner import Run
from foreign_package import SPEC
from torch import nn

import inception_dsl
from inception_dsl.interchange.torch.foreign import inference, plain
from inception_dsl.interchange.torch.reader import read_torch


@pytest.mark.parametrize("name", ["Net", "instance", "Dataclass", "Lazy", "normed", "wrapped", "half"])
def test_a_module_is_audited_however_it_is_wrapped(theirs: Run, name: str) -> None:
    done = theirs("audit", "spec.yaml", f"theirs.nets:{name}", "--values", "--format", "json")

    result = json.loads(done.stdout)["result"]  # what the module prints is not among it
    assert result["holds"], result
    assert [row["row"] for row in result["values"]["rows"]] == ["conv", "fc"]


def test_numbers_that_a_module_gives_itself_are_read(theirs: Run) -> None:
    Path("scaled.yaml").write_text(f"{SPEC}  scale | 0.5 * pass\n", encoding="utf-8")

    assert theirs("audit", "scaled.yaml", "theirs.nets:Scaled").exit_code == 0


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


def test_a_module_of_python_is_audited_as_it_is(theirs: Run) -> None:
    network = inception_dsl.load("spec.yaml")
    net = network.build().half()

    assert network.audit(nn.DataParallel(net)).holds
    assert {each.dtype for each in net.parameters()} == {torch.float16}


def test_an_output_that_is_none_is_not_the_main_one(theirs: Run) -> None:
    done = theirs("adopt", "theirs.nets:Nothing", "--out", "nothing.yaml", "--size", "8", "--force")

    assert done.exit_code == 0, done.stderr
    assert "the values agree" in done.stdout
