"""The folder that a run ends with: read by safetensors, loaded by the code of its own card."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import nn

from inception_dsl.runner.base.config import Augment, Config, Data, NetworkInfo
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.base.tensor_files import DTYPES, save_safetensors
from inception_dsl.runner.record.export import write_model
from inception_dsl.runner.record.scores import Score
from inception_dsl.training.card import write_card
from inception_dsl.weights import files

MODEL = '''\
"""A generated file, in small."""

from torch import Tensor, nn


class Tiny(nn.Module):
    def __init__(self, num_classes: int = 1000):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(self.conv(x)).mean((2, 3)))
'''
ABOUT = NetworkInfo("tiny", "Tiny, for tests", "0f" * 32)
CLASSES = ["T-shirt/top", "Trouser", "käse"]
TRAINED = {"steps": 6, "epochs": 0.5}
SCORE = Score(1000, 3, {"top1": 0.8765, "top5": 0.995, "loss": 0.41234})
CONFIG = Config(
    data=Data(source="folder:/somewhere/my photos/", channels=1, height=28, width=28, mean=(0.25,), std=(0.5,)),
    augment=Augment(evaluation="centre", resize=32),
)


@pytest.fixture
def model(tmp_path: Path) -> Iterator[ModuleType]:
    """`model.py` as `train.py` imports it."""
    code = tmp_path / "model.py"
    code.write_text(MODEL, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("model", code)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["model"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["model"]


def network(model: ModuleType) -> nn.Module:
    torch.manual_seed(0)
    made: nn.Module = model.Tiny(3)
    return made.train()


def complete(folder: Path, network: nn.Module, config: Config = CONFIG) -> None:
    """The folder as `inception-dsl train` leaves it: what the run writes, and the card."""
    write_model(folder, network, config, CLASSES, SCORE, ABOUT, TRAINED)
    write_card(folder, MODEL)


def test_the_folder_is_complete_and_the_same_each_time(tmp_path: Path, model: ModuleType) -> None:
    for folder in ("one", "two"):
        complete(tmp_path / folder, network(model))

    one, two = ({each.name: each.read_bytes() for each in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert sorted(one) == ["README.md", "classes.txt", "config.json", "model.py", "model.safetensors"]
    assert one == two
    assert one["model.py"].decode() == MODEL
    assert one["classes.txt"].decode() == "T-shirt/top\nTrouser\nkäse\n"
    write_card(tmp_path / "one", MODEL)
    assert one == {each.name: each.read_bytes() for each in (tmp_path / "one").iterdir()}, "however often it is written"
    assert b"somewhere" not in b"".join(one.values()), "where the images lay is nobody's business"


def test_the_code_of_the_card_runs(tmp_path: Path, model: ModuleType) -> None:
    own = network(model)
    complete(tmp_path / "out", own)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)

    ending = "\ntorch.save({'images': images, 'probabilities': probabilities}, 'out.pt')\n"
    command = [sys.executable, "-W", "error", "-c", code + ending]
    environment = {key: each for key, each in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(command, cwd=tmp_path / "out", check=True, env=environment)
    held = torch.load(tmp_path / "out" / "out.pt")
    expected = own.eval()((held["images"] - 0.25) / 0.5).softmax(1)
    torch.testing.assert_close(held["probabilities"], expected)


def test_the_card_says_what_it_knows_and_what_it_does_not(tmp_path: Path, model: ModuleType) -> None:
    complete(tmp_path, network(model))
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])

    assert front["license"] == "other" and front["library_name"] == "pytorch"
    assert front["datasets"] == ["my-photos"] and front["metrics"] == ["accuracy"] and "tiny" in front["tags"]
    assert "| 1,000 | 87.65% | 99.50% | 0.4123 | 3 |" in card
    assert "# Tiny, for tests\n" in card and ABOUT.spec in card
    assert "- optim: name = sgd, lr = 0.5, " in card
    assert "## Not measured" in card and "seed 0:\nthe variation between seeds was not measured" in card


def test_the_config_is_such_as_timm_reads(tmp_path: Path, model: ModuleType) -> None:
    timm_data, hub = map(importlib.import_module, ("timm.data", "timm.models._hub"))  # an oracle
    complete(tmp_path, network(model))
    facts = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))

    assert facts["architecture"] == "tiny" and facts["num_classes"] == 3
    assert facts["pretrained_cfg"] == {
        "input_size": [1, 28, 28],
        "mean": [0.25],
        "std": [0.5],
        "crop_pct": 0.875,
        "interpolation": "bilinear",
        "label_names": CLASSES,
    }
    assert facts["training"]["optim"]["lr"] == 0.5 and facts["score"]["top1"] == 0.8765
    read, name, _ = hub.load_model_config_from_path(tmp_path)
    resolved = timm_data.resolve_data_config(pretrained_cfg=read)
    assert name == "tiny" and read["num_classes"] == 3
    assert [*resolved["input_size"]] == [1, 28, 28] and [*resolved["mean"]] == [0.25] and resolved["crop_pct"] == 0.875


@pytest.mark.parametrize(
    ("augment", "part"),
    [(Augment(evaluation="central", central=0.8), 0.8), (Augment(evaluation="whole"), 1.0)],
)
def test_the_part_of_the_image_that_is_looked_at(
    tmp_path: Path, model: ModuleType, augment: Augment, part: float
) -> None:
    complete(tmp_path, network(model), Config(augment=augment))
    facts = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["pretrained_cfg"]

    assert facts["crop_pct"] == part
    assert facts["mean"] == [0.485, 0.456, 0.406]


def test_one_mean_stands_for_all_channels(tmp_path: Path, model: ModuleType) -> None:
    complete(tmp_path, network(model), Config(data=Data(mean=(0.5,), std=(0.25,))))
    facts = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["pretrained_cfg"]

    assert facts["mean"] == [0.5] * 3 and facts["std"] == [0.25] * 3


def test_no_file_is_left_half_written(tmp_path: Path, model: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "out", network(model), CONFIG, CLASSES, SCORE, ABOUT, TRAINED)
    before = (tmp_path / "out" / "model.safetensors").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    other = network(model)
    nn.init.zeros_(other.get_parameter("fc.weight"))
    with pytest.raises(OSError, match="No space"):
        write_model(tmp_path / "out", other, CONFIG, CLASSES, SCORE, ABOUT, TRAINED)

    assert (tmp_path / "out" / "model.safetensors").read_bytes() == before


def odd_tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    made = {f"x.{name}": (torch.randn(3, 5) * 9).abs().to(dtype) for dtype, name in DTYPES.items()}
    turned = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    part = torch.randn(10)[3:7]
    return made | {"scalar": torch.tensor(7), "empty": torch.zeros(0, 3), "turned": turned, "part": part}


def test_safetensors_reads_what_is_written(tmp_path: Path) -> None:
    file, tensors = tmp_path / "x.safetensors", odd_tensors()
    save_safetensors(file, tensors, {"format": "pt", "spec": "é"})
    held = load_file(file)

    assert held.keys() == tensors.keys()
    for name, each in tensors.items():
        assert held[name].dtype == each.dtype and torch.equal(held[name], each), name
    with safe_open(file, "pt") as opened:
        assert opened.metadata() == {"format": "pt", "spec": "é"}


def test_every_tensor_is_aligned(tmp_path: Path) -> None:
    save_safetensors(tmp_path / "x.safetensors", odd_tensors(), {})
    data = (tmp_path / "x.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8 : 8 + length])

    assert length % 8 == 0
    for name, each in odd_tensors().items():
        assert header[name]["data_offsets"][0] % each.element_size() == 0, name
    assert 8 + length + sum(tensor.nbytes for tensor in odd_tensors().values()) == len(data)


def test_the_bytes_are_those_of_the_library(tmp_path: Path, model: ModuleType) -> None:
    tensors = network(model).state_dict()
    save_safetensors(tmp_path / "x.safetensors", tensors, {"format": "pt"})

    assert (tmp_path / "x.safetensors").read_bytes() == save(dict(tensors), {"format": "pt"})


def test_our_own_reader_reads_it(tmp_path: Path, model: ModuleType) -> None:
    write_model(tmp_path, network(model), CONFIG, CLASSES, SCORE, ABOUT, TRAINED)
    held = files.read_weights(tmp_path / "model.safetensors")

    for name, each in network(model).state_dict().items():
        assert (held.tensors[name] == each.numpy()).all()


def test_a_dtype_without_a_word_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"x\.safetensors: w is torch\.complex64; only F32, "):
        save_safetensors(tmp_path / "x.safetensors", {"w": torch.zeros(2, dtype=torch.complex64)}, {})

    assert not list(tmp_path.iterdir())
