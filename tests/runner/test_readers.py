"""One set of images, written in every format, reads back the same; and what is wrong with a set is told in words."""

from __future__ import annotations

import errno
import gzip
import importlib
import io
import json
import math
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from inception_dsl.datasets.builtin import builtin
from inception_dsl.emit.runner.runner import files
from inception_dsl.network import load
from inception_dsl.recipes.recipe import recipe
from inception_dsl.runner.base.config import Config, Data
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.readers import image_files
from inception_dsl.runner.readers.reader import Reader, Unreadable
from inception_dsl.runner.readers.readers import READERS, open_images
from inception_dsl.runner.readers.sharing import load_images, open_splits, save_images

COUNTS = {"train": 60, "test": 20}
FILES = {"train": "train", "test": "t10k"}


@pytest.fixture(scope="module")
def truth() -> dict[str, Reader]:
    return {split: open_images(f"idx:{builtin('fashion-mini')}", split) for split in COUNTS}


@pytest.fixture(scope="module")
def sets(truth: dict[str, Reader], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The first images of fashion-mini in every format: the sources, by kind."""
    root = tmp_path_factory.mktemp("sets")
    writers = (_folder, _csv, _jsonl, _idx, _parquet, _wds, _npz, _torchvision)
    return {write.__name__[1:]: f"{write.__name__[1:]}:{write(root / write.__name__, truth)}" for write in writers}


def png(reader: Reader, index: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(reader.read(index)[0].numpy()).save(file, "PNG")
    return file.getvalue()


def put(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def _folder(root: Path, truth: dict[str, Reader]) -> Path:
    for split, count in COUNTS.items():
        for i in range(count):
            label = int(truth[split].label(i))
            name = f"{label} {truth[split].classes[label].replace('/', ' or ')}"
            put(
                root / {"train": "train", "test": "val"}[split] / name / f"{i:05}.{'PNG' if i % 2 else 'png'}",
                png(truth[split], i),
            )
    return root


def _manifest(root: Path, truth: dict[str, Reader]) -> list[tuple[str, str, str]]:
    rows = []
    for split, count in COUNTS.items():
        for i in range(count):
            put(root / "images" / f"{split}{i}.png", png(truth[split], i))
            rows.append((f"images/{split}{i}.png", truth[split].classes[int(truth[split].label(i))], split))
    put(root / "classes.txt", "\n".join(truth["train"].classes))
    return rows


def _csv(root: Path, truth: dict[str, Reader]) -> Path:
    rows = _manifest(root, truth)
    put(root / "all.csv", "path,label,split\n" + "".join(",".join(row) + "\n" for row in rows))
    return root / "all.csv"


def _jsonl(root: Path, truth: dict[str, Reader]) -> Path:
    rows = [dict(zip(("path", "label", "split"), row, strict=True)) for row in _manifest(root, truth)]
    put(root / "all.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return root / "all.jsonl"


def _idx(
    root: Path, truth: dict[str, Reader], pack: Callable[[bytes], bytes] = gzip.compress, end: str = ".gz"
) -> Path:
    for split, count in COUNTS.items():
        images = b"".join(truth[split].read(i).numpy().tobytes() for i in range(count))
        labels = bytes(int(truth[split].label(i)) for i in range(count))
        put(root / f"{FILES[split]}-images-idx3-ubyte{end}", pack(struct.pack(">4i", 0x803, count, 28, 28) + images))
        put(root / f"{FILES[split]}-labels-idx1-ubyte{end}", pack(struct.pack(">2i", 0x801, count) + labels))
    put(root / "classes.txt", "\n".join(truth["train"].classes))
    return root


def _torchvision(root: Path, truth: dict[str, Reader]) -> str:
    _idx(root / "FashionMNIST" / "raw", truth, bytes, "")
    return f"FashionMNIST,{root}"


def _parquet(root: Path, truth: dict[str, Reader]) -> Path:
    root.mkdir()
    features = {"label": {"names": truth["train"].classes, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    for split, count in COUNTS.items():
        rows = [{"bytes": png(truth[split], i), "path": None} for i in range(count)]
        columns = {
            "image": pa.array(rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            "label": pa.array([int(truth[split].label(i)) for i in range(count)], pa.int64()),
        }
        table = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
        for part in range(2):
            name = f"{split}-0000{part}-of-00002.parquet"
            half = table.slice(part * count // 2, count // 2)
            pq.write_table(half, root / name, row_group_size=7)
    return root


def _wds(root: Path, truth: dict[str, Reader]) -> Path:
    root.mkdir()
    for split, count in COUNTS.items():
        for part in range(2):
            with tarfile.open(root / f"fashion-{split}-{part}.tar", "w") as archive:
                for i in range(part * count // 2, (part + 1) * count // 2):
                    label = int(truth[split].label(i))
                    about = (f"{i:05}.cls", str(label)) if i % 2 else (f"{i:05}.json", json.dumps({"label": label}))
                    for name, data in ((f"{i:05}.png", png(truth[split], i)), (about[0], about[1].encode())):
                        member = tarfile.TarInfo(name)
                        member.size = len(data)
                        archive.addfile(member, io.BytesIO(data))
    put(root / "classes.txt", "\n".join(truth["train"].classes))
    return root


def _npz(root: Path, truth: dict[str, Reader]) -> Path:
    root.mkdir()
    arrays = {"classes": np.array(truth["train"].classes)}
    for split, count in COUNTS.items():
        arrays[f"{split}_images"] = torch.cat([truth[split].read(i) for i in range(count)]).numpy()
        arrays[f"{split}_labels"] = np.array([int(truth[split].label(i)) for i in range(count)])
    np.savez_compressed(root / "set.npz", **arrays)  # type: ignore[arg-type]
    return root / "set.npz"


@pytest.mark.parametrize("split", COUNTS)
@pytest.mark.parametrize("kind", [kind for kind in READERS if kind != "fake"])
def test_every_format_gives_the_same_images(
    kind: str, split: str, sets: dict[str, str], truth: dict[str, Reader]
) -> None:
    reader, right = open_images(sets[kind], split), truth[split]
    assert len(reader) == COUNTS[split]
    order = list(range(len(reader)))
    if kind == "folder":  # sorted by class; and a folder's name has no `/`
        order.sort(key=lambda i: (int(right.label(i)), i))
        assert [name[2:].replace(" or ", "/") for name in reader.classes] == right.classes
    else:
        assert reader.classes == right.classes
    for mine, its in enumerate(order):
        image = reader.read(mine)
        assert image.dtype == torch.uint8
        assert torch.equal(image, right.read(its))
        assert reader.label(mine) == right.label(its)
    assert len({reader.name(i) for i in range(len(reader))}) == len(reader)
    again = open_images(sets[kind], split)
    copied: Reader = pickle.loads(pickle.dumps(reader))  # noqa: S301 - our own; as workers that are spawned get it
    assert reader.fingerprint == again.fingerprint == copied.fingerprint
    assert torch.equal(copied.read(5), reader.read(5))
    assert reader.fingerprint != open_images(sets[kind], "test" if split == "train" else "train").fingerprint


@pytest.mark.parametrize("kind", [kind for kind in READERS if kind != "fake"])
def test_every_reader_works_as_it_is_emitted(
    kind: str, sets: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = load("specs/googlenet_bn_small.yaml").typed
    stated = recipe(typed.program)
    assert stated
    put(tmp_path / "support.py", files(typed, stated)["support.py"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "support", raising=False)
    support = importlib.import_module("support")
    del sys.modules["support"]
    reader, ours = support.open_images(sets[kind], "train"), open_images(sets[kind], "train")
    assert reader.fingerprint == ours.fingerprint
    assert torch.equal(reader.read(3), ours.read(3))


@pytest.mark.parametrize("kind", ["folder", "csv", "jsonl", "idx", "parquet", "wds", "npz"])
def test_a_fingerprint_does_not_depend_on_where_the_set_lies(kind: str, sets: dict[str, str], tmp_path: Path) -> None:
    path = Path(sets[kind].partition(":")[2])
    root = path.parent if path.is_file() else path
    shutil.copytree(root, tmp_path / "copy")
    source = f"{kind}:{tmp_path / 'copy' / path.relative_to(root)}"
    assert open_images(source, "train").fingerprint == open_images(sets[kind], "train").fingerprint


def test_another_file_changes_the_fingerprint(sets: dict[str, str], tmp_path: Path) -> None:
    shutil.copytree(sets["folder"][7:], tmp_path / "copy")
    before = open_images(f"folder:{tmp_path / 'copy'}", "train")
    first = tmp_path / "copy" / "train" / before.name(0)
    first.rename(first.with_name("another.png"))
    assert open_images(f"folder:{tmp_path / 'copy'}", "train").fingerprint != before.fingerprint


def test_to_list_files_asks_none_of_them(sets: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    stat = os.stat

    def counted(path: str, **others: Any) -> os.stat_result:
        asked.append(str(path))
        return stat(path, **others)

    monkeypatch.setattr(os, "stat", counted)
    assert len(open_images(sets["folder"], "train")) == 60
    assert not [path for path in asked if path.lower().endswith(".png")], "a million files would take minutes"


def test_sets_without_image_files_need_no_decoder() -> None:
    source = f"idx:{builtin('fashion-mini')}"
    code = "import sys\nfrom inception_dsl.runner.readers.readers import open_images\n"
    code += f"open_images({source!r}, 'test').read(0)\n"
    code += "assert 'PIL' not in sys.modules, 'Pillow was imported'"
    subprocess.run([sys.executable, "-c", code], check=True)


def saved(image: Image.Image, path: Path, kind: str = "PNG", **settings: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, kind, **settings)
    return path


@pytest.mark.parametrize(
    ("mode", "kind", "shape"),
    [
        ("L", "PNG", (1, 3, 5)),
        ("1", "PNG", (1, 3, 5)),
        ("LA", "PNG", (1, 3, 5)),
        ("RGB", "PNG", (3, 3, 5)),
        ("RGBA", "PNG", (3, 3, 5)),
        ("P", "PNG", (3, 3, 5)),
        ("L", "JPEG", (1, 3, 5)),
        ("CMYK", "JPEG", (3, 3, 5)),
        ("RGB", "WEBP", (3, 3, 5)),
        ("P", "GIF", (3, 3, 5)),
    ],
)
def test_images_are_grey_or_in_colour(mode: str, kind: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    saved(Image.new(mode, (5, 3)), tmp_path / "a" / f"x.{kind.lower()}", kind)
    assert open_images(f"folder:{tmp_path}", "test").read(0).shape == shape


def test_16_bits_become_8(tmp_path: Path) -> None:
    saved(Image.frombytes("I;16", (3, 1), struct.pack("<3H", 0, 0x8000, 0xFFFF)), tmp_path / "a" / "x.png")
    assert open_images(f"folder:{tmp_path}", "test").read(0).tolist() == [[[0, 127, 255]]]


@pytest.mark.parametrize(("values", "expected"), [((0.0, 0.5, 1.0), [0, 127, 255]), ((0.0, 1.5, 255.0), [0, 1, 255])])
def test_floating_point_images_count_to_1_or_to_255(values: Any, expected: list[int], tmp_path: Path) -> None:
    saved(Image.frombytes("F", (3, 1), struct.pack("<3f", *values)), tmp_path / "a" / "x.tif", "TIFF")
    assert open_images(f"folder:{tmp_path}", "test").read(0).tolist() == [[expected]]


def test_exif_turns_an_image_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    saved(Image.new("RGB", (5, 3)), tmp_path / "a" / "x.jpg", "JPEG", exif=exif)
    assert open_images(f"folder:{tmp_path}", "test").read(0).shape == (3, 5, 3)


def test_what_is_no_image_of_a_class_is_passed_over(tmp_path: Path) -> None:
    saved(Image.new("L", (2, 2)), tmp_path / "train" / "a" / "deep" / "x.png")
    for name in (".hidden/x.png", "a/.x.png", "a/notes.txt"):
        put(tmp_path / "train" / name, "no")
    reader = open_images(f"folder:{tmp_path}", "train")
    assert (reader.classes, reader.name(0), len(reader)) == (["a"], "a/deep/x.png", 1)


def test_a_validation_split_counts_classes_as_training_does(tmp_path: Path) -> None:
    for name in ("train/a/x.png", "train/b/x.png", "val/b/x.png"):
        saved(Image.new("L", (2, 2)), tmp_path / name)
    reader = open_images(f"folder:{tmp_path}", "test")
    assert (reader.classes, int(reader.label(0))) == (["a", "b"], 1)
    saved(Image.new("L", (2, 2)), tmp_path / "val" / "c" / "x.png")
    with pytest.raises(RunError, match=r"there is a class 'c' that .*train does not have"):
        open_images(f"folder:{tmp_path}", "test")


def test_labels_that_are_numbers_stay_as_they_are(tmp_path: Path) -> None:
    put(tmp_path / "m.csv", "path,label\nx.png,10\ny.png,2\n")
    reader = open_images(f"csv:{tmp_path / 'm.csv'}", "test")
    assert [reader.label(0), reader.label(1), len(reader.classes)] == [10, 2, 11]


def test_noise_is_always_the_same() -> None:
    train, again, test = (open_images("fake:100x10x8", split) for split in ("train", "train", "test"))
    assert torch.equal(train.read(3), again.read(3))
    assert not torch.equal(train.read(3), test.read(3))
    assert (len(train), int(train.label(13)), len(train.classes), train.read(0).shape) == (100, 3, 10, (3, 8, 8))
    assert open_images("fake:2x2", "train").read(0).shape == (3, 256, 256)


# What is wrong is told in words.


@pytest.mark.parametrize("kind", ["folder", "csv", "jsonl", "idx", "parquet", "wds", "npz"])
def test_a_missing_path(kind: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=rf"{tmp_path}/none.*; "):
        open_images(f"{kind}:{tmp_path}/none", "train")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/data", "/data: the kind is missing; write one of folder, .* as in folder:/data"),
        ("lmdb:/data", "data.source is 'lmdb'; set one of folder, csv"),
        ("fake:10", "write fake:1000x10"),
        ("fake:0x3", "write fake:1000x10"),
        ("torchvision:FashionMNIST", "write torchvision:NAME,FOLDER"),
        ("torchvision:None,/data", "write torchvision:NAME,FOLDER"),
        ("torchvision:FashionMNIST,/none", "Dataset not found.* Put the files of FashionMNIST in that folder"),
    ],
)
def test_a_source_that_says_nothing(source: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        open_images(source, "train")


def test_folders_without_a_split_a_class_or_an_image(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(RunError, match="there is no folder train; lay images out"):
        open_images(f"folder:{tmp_path}", "train")
    (tmp_path / "train").mkdir()
    with pytest.raises(RunError, match="train: there is no folder of a class"):
        open_images(f"folder:{tmp_path}", "train")
    (tmp_path / "train" / "a").mkdir()
    with pytest.raises(RunError, match="train/a: the folder has no image"):
        open_images(f"folder:{tmp_path}", "train")
    with pytest.raises(RunError, match="there is no folder val or valid or"):
        open_images(f"folder:{tmp_path}", "test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the split 'train' has no images"),
        ("file,class\nx.png,a\n", "line 2: path is missing; a row of a manifest has"),
        ("path,label,split\nx.png,a,train\n\ny.png,,train\n", "line 4: it has no label; label it, or leave it out"),
        ("path,label\nx.png,a\n", "line 2: split is ''; set one of"),
        ("path,label,split\nx.png,a,trian\n", "line 2: split is 'trian'; set one of test, train"),
        ("path,label,split\nx.png,a,test\n", "the split 'train' has no images"),
        ("path,label,split\nx.png,cat,train\n", "line 2: its label is 'cat', which is not among the 2 classes"),
        ("path,label,split\nx.png,2,train\n", "line 2: its label is '2', which is not among the 2 classes"),
    ],
)
def test_a_wrong_manifest(text: str, message: str, tmp_path: Path) -> None:
    put(tmp_path / "m.csv", text)
    if "not among the 2" in message:
        put(tmp_path / "classes.txt", "a\nb\n")
    with pytest.raises(RunError, match=message):
        open_images(f"csv:{tmp_path / 'm.csv'}", "train")


@pytest.mark.parametrize("line", ["{", "3", '["a"]', "[" * 100_000])
def test_a_line_that_is_no_json(line: str, tmp_path: Path) -> None:
    put(tmp_path / "m.jsonl", '{"path": "x", "label": 1, "split": "train"}\n' + line)
    with pytest.raises(RunError, match="line 2: not a JSON object"):
        open_images(f"jsonl:{tmp_path / 'm.jsonl'}", "train")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("images-idx3", lambda raw: b"\x89PNG" + raw[4:], "it begins with 89 50 4e 47, not 00 00 08 03"),
        ("images-idx3", lambda raw: b"", "it begins with nothing"),
        (
            "images-idx3",
            lambda raw: raw[:4] + struct.pack(">3i", 0, 28, 28),
            r"has 0 bytes of data, but its header says \[0, 28, 28\]",
        ),
        (
            "images-idx3",
            lambda raw: raw[:4] + struct.pack(">3i", 60, 0, 0),
            r"has 0 bytes of data, but its header says \[60, 0, 0\]",
        ),
        ("images-idx3", lambda raw: raw[:9], r"has 0 bytes of data, but its header says \[60, 0, 0\]"),
        ("labels-idx1", lambda raw: raw[:4], r"has 0 bytes of data, but its header says \[0\]"),
        ("images-idx3", lambda raw: raw[:-1], r"has 47039 bytes of data, but its header says \[60, 28, 28\]"),
        ("labels-idx1", lambda raw: raw[:4] + struct.pack(">i", 59) + raw[8:-1], "60 images, but 59 labels"),
        (
            "labels-idx1",
            lambda raw: raw[:-1] + b"\x0a",
            r"train\[59\]: its label is 10, which is not among the 10",
        ),
    ],
    ids=["magic", "empty", "none", "point", "head", "labels", "cut", "count", "label"],
)
def test_a_wrong_idx_file(
    name: str, change: Callable[[bytes], bytes], message: str, tmp_path: Path, truth: dict[str, Reader]
) -> None:
    root = _idx(tmp_path / "set", truth)
    path = root / f"train-{name}-ubyte.gz"
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))
    with pytest.raises(RunError, match=message):
        open_images(f"idx:{root}", "train")


@pytest.mark.parametrize(
    "change",
    [lambda raw: raw[:-20], lambda raw: b"no gzip", lambda raw: raw[:60] + b"\xff" * 99],
    ids=["cut", "none", "spoilt"],
)
def test_a_broken_gzip(change: Callable[[bytes], bytes], tmp_path: Path, truth: dict[str, Reader]) -> None:
    path = _idx(tmp_path / "set", truth) / "train-images-idx3-ubyte.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(RunError, match=r"train-images-idx3-ubyte.gz: the file is broken \(.*\); download it again"):
        open_images(f"idx:{path.parent}", "train")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": np.zeros((2, 4, 4), np.uint8)}, "its arrays are pictures; it needs train_images"),
        ({"x_train": np.zeros((2, 4, 4), np.uint8)}, "its arrays are x_train; it needs"),
        ({"x_train": np.zeros((2, 4, 4)), "y_train": np.zeros(2, int)}, r"x_train is float64 \[2, 4, 4\]"),
        ({"x_train": np.zeros((2, 4, 4), np.uint8), "y_train": np.zeros(3, int)}, r"y_train is \[3\]; images are"),
        ({"x_train": np.zeros((2, 4, 4), np.uint8), "y_train": np.array([0, -1])}, "its label is -1"),
        ({"x_train": np.zeros((2, 0, 0), np.uint8), "y_train": np.zeros(2, int)}, r"x_train is uint8 \[2, 0, 0\]"),
        (
            {"x_train": np.zeros((2, 4, 4), np.uint8), "y_train": np.arange(2), "classes": np.array("cat")},
            r"x_train\[1\]: its label is 1, which is not among the 1 classes",
        ),
    ],
    ids=["names", "labels", "type", "count", "range", "pixels", "class"],
)
def test_wrong_arrays(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(RunError, match=message):
        open_images(f"npz:{tmp_path / 'x.npz'}", "train")


@pytest.mark.parametrize("change", ["text", "npy", "cut", "spoilt"])
def test_no_arrays(change: str, tmp_path: Path, sets: dict[str, str]) -> None:
    whole, path = Path(sets["npz"][4:]).read_bytes(), tmp_path / "x.npz"
    if change == "npy":
        np.save(tmp_path / "x.npy", np.zeros(3))
        (tmp_path / "x.npy").rename(path)
    else:
        middle = len(whole) // 2
        spoilt = whole[:middle] + bytes(99) + whole[middle + 99 :]
        put(path, {"text": b"not at all", "cut": whole[:middle], "spoilt": spoilt}[change])
    with pytest.raises(RunError, match=rf"npz:{path}: cannot be read as npz: .*; is it complete, of this kind"):
        open_images(f"npz:{path}", "train")


def table(root: Path, **columns: Any) -> None:
    pq.write_table(pa.table(columns), root / "train-0.parquet")


def test_a_wrong_table(tmp_path: Path) -> None:
    table(tmp_path, picture=[b""], label=[0])
    with pytest.raises(RunError, match="its columns are picture, label; it needs `image` and `label`"):
        open_images(f"parquet:{tmp_path}", "train")
    table(tmp_path, image=[b"", b""], label=[0, None])
    with pytest.raises(RunError, match=r"train-0.parquet\[0\]\[1\]: it has no label; label it, or leave it out"):
        open_images(f"parquet:{tmp_path}", "train")
    put(tmp_path / "train-0.parquet", "PAR1")
    with pytest.raises(RunError, match=r"train-0.parquet: the file is broken"):
        open_images(f"parquet:{tmp_path}", "train")


def test_a_table_of_an_unreadable_and_of_no_image(tmp_path: Path) -> None:
    table(tmp_path, image=[{"bytes": b"no image"}, {"bytes": None}], label=[0, 0])
    reader = open_images(f"parquet:{tmp_path}", "train")
    with pytest.raises(Unreadable, match=r"train-0.parquet\[0\]\[0\]: not an image file"):
        reader.read(0)
    with pytest.raises(Unreadable, match=r"train-0.parquet\[0\]\[1\]: the row holds no bytes"):
        reader.read(1)
    for images in ([{"path": "x.png"}], ["x.png"], pa.array([b"\xff"]).view(pa.string())):
        table(tmp_path, image=images, label=[0])
        with pytest.raises(Unreadable, match=r"train-0.parquet\[0\]\[0\]: (the row holds no bytes|'utf-8' codec)"):
            open_images(f"parquet:{tmp_path}", "train").read(0)
    reader = open_images(f"parquet:{tmp_path}", "train")
    (tmp_path / "train-0.parquet").write_bytes(b"replaced")
    with pytest.raises(Unreadable, match=r"train-0.parquet: "):
        reader.read(0)


@pytest.mark.parametrize("about", ["{bad", '{"info": null}', '{"info": {"features": {"label": {"names": null}}}}'])
def test_a_table_whose_names_cannot_be_read_has_numbers(about: str, tmp_path: Path) -> None:
    columns = pa.table({"image": [b"", b""], "label": [0, 1]})
    pq.write_table(columns.replace_schema_metadata({"huggingface": about}), tmp_path / "train-0.parquet")
    assert open_images(f"parquet:{tmp_path}", "train").classes == ["0", "1"]


def test_a_table_that_goes(tmp_path: Path) -> None:
    table(tmp_path, image=[b""], label=[0])
    reader = open_images(f"parquet:{tmp_path}", "train")
    (tmp_path / "train-0.parquet").unlink()
    with pytest.raises(RunError, match=r"train-0.parquet: the file is gone; put it back"):
        reader.read(0)


def test_a_file_that_is_broken_and_one_that_goes(sets: dict[str, str], tmp_path: Path) -> None:
    shutil.copytree(sets["folder"][7:], tmp_path / "copy")
    reader = open_images(f"folder:{tmp_path / 'copy'}", "train")
    broken, gone, empty = (Path(tmp_path, "copy", "train", reader.name(i)) for i in range(3))
    broken.write_bytes(broken.read_bytes()[:200])
    gone.unlink()
    empty.write_bytes(b"")
    for i, message in enumerate(("truncated", "No such file", "not an image file")):
        with pytest.raises(Unreadable, match=f"{tmp_path}.*{message}"):
            reader.read(i)
    assert reader.read(3).shape == (1, 28, 28)


def shards(root: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(root / "train-0.tar", "w") as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return root / "train-0.tar"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("a.png", b"")], "a.png has no label; add a.cls"),
        ([("a.png", b""), ("a.json", b"{")], "a label in it is broken, at a.json"),
        ([("a.png", b""), ("a.json", b"{}")], "a.png has no label, only a.json beside it; add a.cls"),
        ([("a.png", b""), ("a.cls", b"-1")], r"train-0.tar:a.png: its label is -1"),
        ([("i.001.png", b""), ("i.001.cls", b"0")], "train-0.tar: i.001.png is of an unknown kind: .* first dot"),
        ([("i.jpg", b""), ("i.png", b""), ("i.cls", b"0")], "train-0.tar: i.jpg and i.png are one sample: .* rename"),
    ],
    ids=["none", "json", "key", "range", "dots", "twice"],
)
def test_wrong_shards(members: list[tuple[str, bytes]], message: str, tmp_path: Path) -> None:
    shards(tmp_path, *members)
    with pytest.raises(RunError, match=message):
        open_images(f"wds:{tmp_path}", "train")


def test_a_shard_that_is_cut_short(tmp_path: Path) -> None:
    path = shards(tmp_path, ("a.cls", b"0"), ("a.png", bytes(5000)))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(RunError, match=r"train-0.tar: the archive .* is broken"):
        open_images(f"wds:{tmp_path}", "train")


def test_an_unreadable_image_in_a_shard(tmp_path: Path) -> None:
    shards(tmp_path, ("a.png", b"no image"), ("a.cls", b"0"))
    with pytest.raises(Unreadable, match=rf"{tmp_path}/train-0.tar:a.png: not an image file"):
        open_images(f"wds:{tmp_path}", "train").read(0)


@pytest.mark.parametrize("kind", ["folder", "csv", "jsonl", "idx", "parquet", "wds", "npz", "fake", "torchvision"])
def test_another_process_maps_what_one_has_listed(sets: dict[str, str], kind: str) -> None:
    source = sets.get(kind, "fake:60x10x28")
    images = open_splits(Config(data=Data(source)))
    path = save_images(images)
    if kind == "torchvision":  # it holds objects of torchvision's
        assert path is None
        return
    assert path is not None
    mapped = load_images(path)
    path.unlink()  # as the process that wrote it does once all have mapped it
    for ours, theirs in zip(images, mapped, strict=True):
        assert type(ours) is type(theirs) and vars(ours).keys() == vars(theirs).keys()
        assert (ours.classes, ours.fingerprint, len(ours)) == (theirs.classes, theirs.fingerprint, len(theirs))
        for index in (0, len(ours) - 1):
            assert (ours.name(index), ours.label(index)) == (theirs.name(index), theirs.label(index))
            assert ours.read(index).equal(theirs.read(index))


def test_an_index_is_kept_until_a_shard_changes(sets: dict[str, str], tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(sets["wds"][4:], root)
    first, index = open_images(f"wds:{root}", "train"), root / "index-train.pt"
    kept = torch.load(index, weights_only=True)
    kept["labels"][kept["codes"][0]] = 9  # to see that it is read, and not made again
    torch.save(kept, index)
    assert open_images(f"wds:{root}", "train").label(0) == 9
    os.utime(root / "fashion-train-0.tar", (1, 1))
    assert open_images(f"wds:{root}", "train").fingerprint == first.fingerprint
    index.write_text("{")
    assert open_images(f"wds:{root}", "train").fingerprint == first.fingerprint
    assert {each.suffix for each in root.iterdir()} == {".pt", ".tar", ".txt"}, "nothing temporary"


def test_a_shard_that_goes(sets: dict[str, str], tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(sets["wds"][4:], root)
    reader = open_images(f"wds:{root}", "train")
    (root / "fashion-train-1.tar").unlink()
    assert reader.read(0).shape == (1, 28, 28)
    with pytest.raises(RunError, match=r"fashion-train-1.tar: the shard is gone; put it back"):
        reader.read(59)
    with pytest.raises(RunError, match=r"fashion-train-1.tar: the shard is gone; put it back, or delete .*index-train"):
        open_images(f"wds:{root}", "train")


ROW = '{"path": "x.png", "label": %s, "split": "train"}'


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        ("csv", "path,label,split\né.png,a,train\n".encode("latin-1"), "cannot be read as csv: UnicodeDecodeError"),
        ("csv", "path,label,split\nx.png,a,train\n".encode("utf-16"), "cannot be read as csv: UnicodeDecodeError"),
        ("csv", b'path,label\nx.png,"' + b"x" * 140_000, "cannot be read as csv: Error: field larger"),
        ("csv", b'path,label,split\nx.png,"a\nb",train\n', r"the class 'a\\nb' is not one line"),
        ("jsonl", (ROW % '"é"').encode("latin-1"), "cannot be read as jsonl: UnicodeDecodeError"),
        ("jsonl", (ROW % "[0]").encode(), r"line 1: its label is \[0\], but class indices are integers"),
        ("jsonl", (ROW % "true").encode(), "line 1: its label is True, but class indices are integers"),
        ("jsonl", (ROW % "1.7").encode(), "line 1: its label is 1.7, but class indices are integers"),
        ("jsonl", b'{"path": {}, "label": 0, "split": "train"}', "line 1: path is {}; a row of a manifest has"),
        ("jsonl", b'{"path": "\\ud800", "label": 0, "split": "train"}', "jsonl: UnicodeEncodeError: .*ud800"),
        ("jsonl", (ROW % r'"a\u2028b"').encode(), r"the class 'a\\u2028b' is not one line"),
        ("jsonl", (ROW % r'"a\rb"').encode(), r"the class 'a\\rb' is not one line"),
    ],
)
def test_a_manifest_that_is_no_text_or_of_no_names(kind: str, data: bytes, message: str, tmp_path: Path) -> None:
    put(tmp_path / "m", data)
    with pytest.raises(RunError, match=message):
        open_images(f"{kind}:{tmp_path / 'm'}", "train")


def test_a_mark_of_utf_8_is_no_text(tmp_path: Path) -> None:
    put(tmp_path / "m", "\ufeff" + ROW % "1")
    put(tmp_path / "classes.txt", "\ufeffcat\ndog\n")
    reader = open_images(f"jsonl:{tmp_path / 'm'}", "train")
    assert (reader.classes, int(reader.label(0))) == (["cat", "dog"], 1)


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    put(tmp_path / "m", '{"path": "a\\u0000.png", "label": 0, "split": "train"}')
    with pytest.raises(Unreadable, match="embedded null byte"):
        open_images(f"jsonl:{tmp_path / 'm'}", "train").read(0)


def labelled(kind: str, root: Path, label: Any) -> str:
    """A set of one image, of this label."""
    if kind == "parquet":
        table(root, image=[b""], label=[label])
    elif kind == "wds":
        shards(root, ("a.png", b""), ("a.json", json.dumps({"label": label}).encode()))
    elif kind == "npz":
        np.savez(root / "x.npz", x_train=np.zeros((1, 2, 2), np.uint8), y_train=np.array([label]))
        return f"npz:{root / 'x.npz'}"
    else:
        put(root / "m.csv", f"path,label,split\nx.png,{label},train\n")
        return f"csv:{root / 'm.csv'}"
    return f"{kind}:{root}"


LABELS: dict[Any, str] = {
    1.7: "PLACE: its label is 1.7, but class indices are integers",
    math.nan: "PLACE: it has no label; label it, or leave it out",
    math.inf: "PLACE: its label is inf, but class indices are integers",
    True: "PLACE: its label is True, but class indices are integers",
    -1: "PLACE: its label is -1, which marks an image without a label; leave such images out",
    2**63: "label 9223372036854775808 at PLACE would make",
    20230415: "label 20230415 at PLACE would make",
}


@pytest.mark.parametrize(
    ("kind", "label", "message"),
    [
        *[(kind, label, message) for kind in ("parquet", "wds", "npz") for label, message in LABELS.items()],
        *[(kind, [0], r"PLACE: its label is \[0\], but class indices are") for kind in ("parquet", "wds")],
        ("parquet", None, LABELS[math.nan]),
        ("npz", 1j, r"PLACE: its label is 1j, but class indices are"),
    ],
)
def test_a_label_that_is_no_number_of_a_class(kind: str, label: Any, message: str, tmp_path: Path) -> None:
    label = np.uint64(label) if label == 2**63 and kind != "wds" else label
    place = {"parquet": r"train-0.parquet\[0\]\[0\]", "wds": "train-0.tar:a.png", "npz": r"x_train\[0\]"}[kind]
    with pytest.raises(RunError, match=message.replace("PLACE", place)):
        open_images(labelled(kind, tmp_path, label), "train")


def test_a_few_images_may_be_of_many_classes(tmp_path: Path) -> None:
    assert len(open_images(labelled("csv", tmp_path, 1009), "train").classes) == 1010
    with pytest.raises(
        RunError, match=r"label 1010 at .*m.csv, line 2 would make 1011 classes; are these class indices"
    ):
        open_images(labelled("csv", tmp_path, 1010), "train")


def test_classes_that_are_no_lines(tmp_path: Path) -> None:
    saved(Image.new("L", (2, 2)), tmp_path / "train" / "a\nb" / "x.png")
    with pytest.raises(
        RunError, match=r"the class 'a\\nb' is not one line of text, so classes.txt cannot list it; rename it"
    ):
        open_images(f"folder:{tmp_path}", "train")


def test_a_link_that_leads_back_is_not_followed(tmp_path: Path) -> None:
    saved(Image.new("L", (2, 2)), tmp_path / "train" / "a" / "x.png")
    saved(Image.new("L", (2, 2)), tmp_path / "elsewhere" / "y.png")
    (tmp_path / "train" / "a" / "back").symlink_to(".")
    (tmp_path / "train" / "a" / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "train" / "a")
    reader = open_images(f"folder:{tmp_path}", "train")
    assert [reader.name(i) for i in range(len(reader))] == ["a/out/y.png", "a/x.png"]


def test_home_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(Image.new("L", (2, 2)), tmp_path / "set" / "train" / "a" / "x.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_images("folder:~/set", "train").read(0).shape == (1, 2, 2)


def test_shards_beside_which_no_index_can_be_kept(
    sets: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(sets["wds"][4:], tmp_path / "copy", ignore=shutil.ignore_patterns("index*"))
    before = sorted(os.listdir(tmp_path / "copy"))

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    for owner, name in ((os, "replace"), (tempfile, "NamedTemporaryFile")):
        monkeypatch.setattr(owner, name, refused)
        assert len(open_images(f"wds:{tmp_path / 'copy'}", "train")) == 60
        assert sorted(os.listdir(tmp_path / "copy")) == before


@pytest.mark.parametrize("index", [[], {"shards": {}}, {"shards": None, "names": []}, {"items": [1]}])
def test_an_index_that_is_none_is_made_again(index: object, tmp_path: Path) -> None:
    shards(tmp_path, ("a.png", b""), ("a.b.png", b""), ("._a.png", b""), ("a.cls", b"0"))  # a mask, and macOS's own
    torch.save(index, tmp_path / "index-train.pt")
    assert len(open_images(f"wds:{tmp_path}", "train")) == 1
    assert len(torch.load(tmp_path / "index-train.pt", weights_only=True)["codes"]) == 1


@pytest.mark.parametrize("kind", ["folder", "wds"])
@pytest.mark.parametrize(
    ("failure", "times", "pauses"),
    [(errno.EIO, 2, [0.1, 1.0]), (errno.ESTALE, 3, [0.1, 1.0]), (errno.EACCES, 1, [])],
)
def test_a_disk_that_fails_for_a_moment(
    kind: str, failure: int, times: int, pauses: list[float], sets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, slept, calls = open_images(sets[kind], "train"), list[float](), list[str]()

    def failing(path: str, mode: str) -> Any:
        calls.append(path)
        if len(calls) <= times:
            raise OSError(failure, "It failed", path)
        return open(path, mode)

    right = reader.read(0)
    monkeypatch.setattr(image_files, "open", failing, raising=False)
    monkeypatch.setattr(time, "sleep", slept.append)
    if times == 2:
        assert torch.equal(reader.read(0), right)
    else:
        with pytest.raises(Unreadable, match="It failed"):
            reader.read(0)
    assert slept == pauses


def test_a_missing_library(monkeypatch: pytest.MonkeyPatch, sets: dict[str, str]) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL.Image", None)
    with pytest.raises(RunError, match="pip install pillow"):
        open_images(sets["folder"], "train")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(RunError, match=r"parquet needs pyarrow, which is not installed; pip install pyarrow"):
        open_images(sets["parquet"], "train")
