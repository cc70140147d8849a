"""What a GPU would meet in the generated networks and in `train.py`, as far as a machine without one can tell.

Fake tensors of `cuda:0` have a device and a shape but no numbers: a forward pass on them finds what was left on another
device. A backward pass on them wants a CUDA context, so gradients are taken on the meta device. No test here has run a
kernel of a GPU.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import torch
from meta import META, OnlyQueued, optimisers_on_meta
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from inception_dsl.emit.runner import runner
from inception_dsl.network import Network, load
from inception_dsl.recipes.recipe import named
from inception_dsl.runner.base.config import Config, Data, Loss, NetworkInfo
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.images.prefetch import on_device
from inception_dsl.runner.learning.loss import compute_loss
from inception_dsl.runner.loop.state import TrainingState
from inception_dsl.runner.loop.step import train_step
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers.readers import open_images

NETWORKS = ("googlenet", "inception_v3", "googlenet_bn_small")
HEADS = {"googlenet": 3, "inception_v3": 2, "googlenet_bn_small": 2}  # classifiers, the last one included
CPU, GPU = torch.device("cpu"), torch.device("cuda:0")
BATCH = 2


@cache
def network(name: str) -> Network:
    """The spec of that name, compiled."""
    return load(f"specs/{name}.yaml")


def built(name: str) -> nn.Module:
    """The generated network, in training, on the default device."""
    return network(name).build().train()


def images(name: str) -> Tensor:
    """As few as batch normalisation takes, on the default device."""
    return torch.randn(BATCH, *network(name).program.input.shape)


def config(name: str) -> Config:
    """Its input, and the weights of its heads."""
    heads = {head.name: float(head.loss_weight) for head in network(name).program.heads}
    channels, height, width = network(name).program.input.shape
    data = Data(batch=BATCH, channels=channels, height=height, width=width, mean=(0.5,), std=(0.5,))
    return Config(data=data, loss=Loss(heads=heads))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_of_training_needs_no_numbers(name: str) -> None:
    reader, info = open_images("fake:8x10", "train"), NetworkInfo(name, name, "")
    training = TrainingState(lambda classes: network(name).build(), config(name), info, reader, RankContext(META))
    with META:
        pixels, labels = torch.zeros(images(name).shape, dtype=torch.uint8), torch.zeros(BATCH, dtype=torch.long)
        batch = Batch(pixels, torch.ones(BATCH, 1), labels, labels, [])
    with optimisers_on_meta():
        batches = on_device([batch, batch], training.config, training.context)
        train_step(training, batches, 0.1, lambda: False)  # constants are copied to the device once
        with OnlyQueued():
            numbers = train_step(training, batches, 0.1, lambda: False)

    assert numbers.values.device == META
    assert len(numbers.values) == len(numbers.names) == HEADS[name] + 5
    weights = [*training.network.parameters()]
    assert all(weight.grad is not None and weight.grad.device == META for weight in weights)


@pytest.mark.parametrize("name", NETWORKS)
def test_all_of_a_network_is_on_the_gpu_that_it_is_made_on(name: str) -> None:
    with FakeTensorMode():
        with GPU:
            model = built(name)
            outputs = model(images(name))
            loss, losses = compute_loss(outputs, torch.zeros(BATCH, dtype=torch.long), config(name))
        assert {each.device for each in (*model.parameters(), *model.buffers(), *outputs, loss)} == {GPU}
        assert len(losses) == len(outputs) == HEADS[name]
        with CPU, pytest.raises(RuntimeError, match="same device"):
            model(images(name))


@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_is_close_to_float32(name: str) -> None:
    torch.manual_seed(0)
    model, inputs, labels = built(name), images(name), torch.arange(BATCH)
    for each in model.modules():
        if isinstance(each, nn.Dropout):
            each.p = 0.0
    with torch.no_grad():
        exact = model(inputs)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = model(inputs)
            loss, _ = compute_loss(rough, labels, config(name))
        torch.testing.assert_close(loss, compute_loss(exact, labels, config(name))[0], rtol=0.02, atol=0)

    assert loss.dtype is torch.float32
    for each, other in zip(exact, rough, strict=True):
        assert other.dtype is torch.bfloat16
        distance = (each - other).norm() / each.norm()
        assert 0 < distance < (1 if name == "inception_v3" else 0.05)  # 94 norms of two images each: they amplify


@pytest.mark.parametrize("name", ["googlenet", "googlenet_bn_small"])
def test_it_compiles_as_one_graph_forward_and_backward(name: str) -> None:
    torch.compiler.reset()
    with META:
        model = built(name)
        outputs = torch.compile(model, fullgraph=True, backend="aot_eager")(images(name))
        loss, _ = compute_loss(outputs, torch.zeros(BATCH, dtype=torch.long), config(name))
        torch.autograd.backward(loss)

    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_deepest_compiles_as_one_graph() -> None:
    torch.compiler.reset()
    with META, torch.no_grad():
        outputs = torch.compile(built("inception_v3"), fullgraph=True, backend="eager")(images("inception_v3"))

    assert [output.shape for output in outputs] == [(BATCH, 1000)] * 2


@pytest.mark.parametrize("name", NETWORKS)
def test_it_can_be_exported(name: str) -> None:
    with META:
        exported = torch.export.export(built(name).eval(), (images(name),))
        logits = exported.module()(images(name))

    assert logits.shape == (BATCH, 10 if name == "googlenet_bn_small" else 1000)


@pytest.mark.parametrize("name", NETWORKS)
def test_channels_stay_last(name: str) -> None:
    model, maps = built(name).to(memory_format=torch.channels_last), list[tuple[str, bool]]()

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and output.shape[2:] != (1, 1):
            maps.append((type(module).__name__, output.is_contiguous(memory_format=torch.channels_last)))

    for each in model.modules():
        each.register_forward_hook(note)
    with torch.no_grad():
        model(images(name).to(memory_format=torch.channels_last))

    assert len(maps) > 100
    assert [kind for kind, last in maps if not last] == []


DEVICES = re.compile(r"\b(cuda|nccl|gloo|xccl|xpu|mps|rocm|hip|hpu|npu)\b")


def literals(source: str) -> Iterator[tuple[int, str]]:
    """Lines of a file that name a kind of device, in a string or as an attribute.

    `pick_device`, `supports_bf16` and `lost_connection`, which reads gloo's messages, may; docstrings, comments and
    the text below `--help` are for readers.
    """
    tree = ast.parse(source)
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case (
                ast.FunctionDef(name="pick_device" | "supports_bf16" | "lost_connection")
                | ast.Assign(targets=[ast.Name(id="EPILOG")])
                | ast.Expr(value=ast.Constant())
            ):
                skipped |= {*ast.walk(node)}
    for node in ast.walk(tree):
        if node in skipped:
            continue
        match node:
            case ast.Constant(value=str(text)) | ast.Attribute(attr=text) | ast.Name(id=text):
                found = DEVICES.search(text)
            case ast.ImportFrom(module=module, names=names):
                found = DEVICES.search(f"{module} {' '.join(name.name for name in names)}")
            case ast.Import(names=names):
                found = DEVICES.search(" ".join(name.name for name in names))
            case _:
                continue
        if found:
            yield node.lineno, found[0]


@pytest.mark.parametrize("recipe", ["googlenet-paper", "inception-v3-tfrelease", "modern"])
def test_no_emitted_file_names_a_device(recipe: str) -> None:
    typed = network("googlenet").typed
    stated = named(recipe).with_values({"loss": {"heads": {head.name: 0.3 for head in typed.program.heads}}})
    files = {**runner.files(typed, stated), "model.py": network("googlenet").pytorch_source()}

    assert {"train.py", "support.py", "model.py"} <= files.keys()
    assert any("def pick_device" in text for text in files.values())
    assert [(name, *literal) for name, text in files.items() for literal in literals(text)] == []


@pytest.mark.parametrize(
    "line",
    [
        'x.to("cuda")',
        'x.to(f"cuda:{rank}")',
        "x.cuda()",
        "torch.cuda.synchronize()",
        "import torch.cuda.amp",
        "from torch import cuda",
        'init_process_group("nccl")',
        'init_process_group("cpu:gloo")',
        'torch.device("mps")',
    ],
)
def test_a_device_that_is_named_is_found(line: str) -> None:
    kept = 'def pick_device():\n    """Which cuda."""\n    return "cuda"\n'

    assert [*literals(kept)] == []
    assert [number for number, _ in literals(f"{kept}{line}\n")] == [4]
