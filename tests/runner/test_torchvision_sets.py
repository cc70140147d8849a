"""Data sets of torchvision, written by hand as small as they go: read as torchvision reads them, or with a cure."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.datasets
from cli_runner import cli
from PIL import Image
from safetensors.torch import save_file
from tiny import CONFIG, run

from inception_dsl.network import load
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.readers.readers import open_images

WNIDS = ["n01440764", "n01443537"]


def put(path: Path, data: bytes | str = b"") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def picture(path: Path, shade: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (6, 4), (shade, 0, 255 - shade)).save(file, "PNG")
    put(path, file.getvalue())


def imagenet(root: Path) -> None:
    """ImageNet as torchvision leaves it: the archives unpacked, and its `meta.bin`."""
    names = {"n01440764": ("tench", "Tinca tinca"), "n01443537": ("goldfish", "Carassius auratus")}
    root.mkdir(exist_ok=True)
    torch.save((names, [WNIDS[1], WNIDS[0], WNIDS[1]]), root / "meta.bin")
    for shade, name in enumerate((*WNIDS, WNIDS[0])):
        picture(root / "train" / name / f"{name}_{shade}.JPEG", 10 * shade)
    for shade, name in enumerate((WNIDS[1], WNIDS[0], WNIDS[1])):
        picture(root / "val" / name / f"ILSVRC2012_val_{shade:08}.JPEG", 100 + shade)


def imagenette(root: Path) -> None:
    for split in ("train", "val"):
        for shade, name in enumerate(("n01440764", "n02102040")):
            picture(root / "imagenette2" / split / name / "x.jpeg", shade)


def gtsrb(root: Path) -> None:
    for index in (0, 1, 2):
        picture(root / "gtsrb" / "GTSRB" / "Training" / f"{index:05}" / "x.ppm", index)
    picture(root / "gtsrb" / "GTSRB" / "Final_Test" / "Images" / "00000.ppm", 9)
    put(root / "gtsrb" / "GT-final_test.csv", "Filename;Width;ClassId\n00000.ppm;6;1\n")


def food101(root: Path) -> None:
    for split in ("train", "test"):
        listed = {name: [f"{name}/{split}{i}" for i in range(2)] for name in ("pie", "apple")}
        put(root / "food-101" / "meta" / f"{split}.json", json.dumps(listed))
        for name, shade in ((name, i) for names in listed.values() for i, name in enumerate(names)):
            picture(root / "food-101" / "images" / f"{name}.jpg", shade)


def pets(root: Path) -> None:
    for split, shade in (("trainval", 1), ("test", 2)):
        for name in ("Bombay", "beagle"):
            picture(root / "oxford-iiit-pet" / "images" / f"{name}_{shade}.jpg", shade)
        lines = f"Bombay_{shade} 1 1 1\nbeagle_{shade} 2 2 1\n"
        put(root / "oxford-iiit-pet" / "annotations" / f"{split}.txt", lines)


def stl10(root: Path) -> None:
    folder = root / "stl10_binary"
    put(folder / "class_names.txt", "airplane\nbird\n")
    for name, count in (("train", 3), ("test", 2), ("unlabeled", 2)):
        put(folder / f"{name}_X.bin", np.arange(count * 3 * 96 * 96, dtype=np.uint8).tobytes())
    put(folder / "train_y.bin", bytes([1, 2, 1]))
    put(folder / "test_y.bin", bytes([2, 2]))


def cifar10(root: Path) -> None:
    folder = root / "cifar-10-batches-py"
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        put(folder / name, pickle.dumps({"data": np.arange(2 * 3072, dtype=np.uint8).reshape(2, -1), "labels": [3, 0]}))
    put(folder / "batches.meta", pickle.dumps({"label_names": ["airplane", "automobile", "bird", "cat"]}))


SETS: dict[str, tuple[Callable[[Path], None], dict[str, Any], dict[str, Any], list[str]]] = {
    # the writer, torchvision's arguments for both splits, and the classes
    "ImageNet": (imagenet, {"split": "train"}, {"split": "val"}, WNIDS),
    "Imagenette": (imagenette, {"split": "train"}, {"split": "val"}, ["n01440764", "n02102040"]),
    "GTSRB": (gtsrb, {"split": "train"}, {"split": "test"}, ["0", "1", "2"]),
    "Food101": (food101, {"split": "train"}, {"split": "test"}, ["apple", "pie"]),
    "OxfordIIITPet": (pets, {"split": "trainval"}, {"split": "test"}, ["Bombay", "Beagle"]),
    "STL10": (stl10, {"split": "train"}, {"split": "test"}, ["airplane", "bird"]),
    "CIFAR10": (cifar10, {"train": True}, {"train": False}, ["airplane", "automobile", "bird", "cat"]),
}


@pytest.fixture(autouse=True)
def any_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files may have any checksum."""
    for module in ("stl10", "cifar", "svhn"):
        monkeypatch.setattr(f"torchvision.datasets.{module}.check_integrity", lambda path, *_: Path(path).exists())


@pytest.mark.parametrize("name", SETS)
def test_both_splits_are_those_of_torchvision(name: str, tmp_path: Path) -> None:
    write, *arguments, classes = SETS[name]
    write(tmp_path)
    for split, given in zip(("train", "test"), arguments, strict=True):
        ours = open_images(f"torchvision:{name},{tmp_path}", split)
        theirs = getattr(torchvision.datasets, name)(tmp_path, **given)
        assert (len(ours), ours.classes) == (len(theirs), classes)
        for index, (image, label) in enumerate(theirs):
            assert torch.equal(ours.read(index), torch.from_numpy(np.array(image)).permute(2, 0, 1))
            assert int(ours.label(index)) == label


def test_eval_and_train_take_imagenet(tmp_path: Path) -> None:
    imagenet(tmp_path / "imagenet")
    (tmp_path / "two.yaml").write_text("extends: builtin:googlenet_bn_small.yaml\nnetwork: two\nclasses: 2\n")
    network = load(tmp_path / "two.yaml").build()
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, tmp_path / "w.safetensors")
    put(tmp_path / "classes.txt", "".join(f"{name}\n" for name in WNIDS))  # as a run on `folder:` writes it
    options = ("--data", f"torchvision:ImageNet,{tmp_path / 'imagenet'}", "--set", "data.workers=0")
    done = cli("eval", tmp_path / "two.yaml", tmp_path / "w.safetensors", *options, "--format", "json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["result"]["protocols"]["recipe"]["n"] == 3
    data = replace(CONFIG.data, source=options[1], batch=2)
    assert run(tmp_path / "run", replace(CONFIG, data=data), steps=1) == "done"
    assert (tmp_path / "run" / "classes.txt").read_text().split() == WNIDS


def test_sets_whose_metadata_or_files_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imagenet(tmp_path)
    (tmp_path / "meta.bin").unlink()
    for module in ("scipy", "scipy.io"):
        monkeypatch.setitem(sys.modules, module, None)
    plain = rf"needs scipy.* Put the files of ImageNet in that folder; or read .* without it: folder:{tmp_path}$"
    with pytest.raises(RunError, match=plain):
        open_images(f"torchvision:ImageNet,{tmp_path}", "test")
    shutil.rmtree(tmp_path / "train")
    put(tmp_path / "test_32x32.mat")
    with pytest.raises(RunError, match="torchvision needs scipy, which is not installed; pip install scipy"):
        open_images(f"torchvision:SVHN,{tmp_path}", "test")
    with pytest.raises(RunError, match=r"Dataset not found. .* Put the files of DTD in that folder"):
        open_images(f"torchvision:DTD,{tmp_path}", "train")


@pytest.mark.parametrize("name", ["EuroSAT", "FakeData", "Caltech101"])
def test_sets_without_splits(name: str) -> None:
    with pytest.raises(
        RunError, match=f"{name} has no training and held-out split; lay its images out as train/CLASS/"
    ):
        open_images(f"torchvision:{name},/data", "train")


def test_a_set_with_other_splits() -> None:
    with pytest.raises(RunError, match=r"it has no split named train or .*; lay images out as train/CLASS/"):
        open_images("torchvision:EMNIST,/data", "train")


class Set(torchvision.datasets.VisionDataset):  # type: ignore[misc]
    """A set that keeps its labels in an unusual way."""

    def __init__(self, root: str, train: bool = True) -> None:
        super().__init__(root)
        self.targets = self.kept if isinstance(self.kept, list) else torch.tensor([[9, 1], [9, 0]])

    kept: Any = None

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return Image.new("L", (2, 2)), [1, 0][index] if self.kept is None else self.kept[index]

    def __len__(self) -> int:
        return 2


def test_labels_that_are_kept_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision.datasets, "Set", Set, raising=False)
    reader = open_images("torchvision:Set,/data", "train")  # as QMNIST, whose targets are rows
    assert [int(reader.label(index)) for index in range(2)] == [1, 0]
    monkeypatch.setattr(Set, "kept", [[0, 1], [1, 1]])
    with pytest.raises(RunError, match=r"Set:train\[0\]: its label is \[0, 1\], but class indices are integers"):
        open_images("torchvision:Set,/data", "train")
    monkeypatch.setattr(Set, "kept", [-1, 0])
    with pytest.raises(RunError, match="its label is -1, which marks an image without a label"):
        open_images("torchvision:Set,/data", "train")


def test_eval_takes_the_classes_of_the_spec_if_numbered_images_lack_the_last(tmp_path: Path) -> None:
    network = load("specs/googlenet_bn_small.yaml").build()
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, tmp_path / "w.safetensors")
    picture(tmp_path / "x.png", 1)
    put(tmp_path / "m.csv", "path,label\nx.png,5\n")
    words = ("eval", "specs/googlenet_bn_small.yaml", tmp_path / "w.safetensors", "--set", "data.workers=0")
    done = cli(*words, "--data", f"csv:{tmp_path / 'm.csv'}", "--format", "json")
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["result"]["classes"]) == 10
    put(tmp_path / "m.csv", "path,label\nx.png,10\n")
    refused = cli(*words, "--data", f"csv:{tmp_path / 'm.csv'}")
    assert refused.exit_code == 1 and "the file is for 10 classes, the spec for 11" in refused.output
