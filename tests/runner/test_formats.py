"""Layouts and labels as they are found in the wild: each is read, or the message says how to cure it."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.readers.reader import Unreadable
from inception_dsl.runner.readers.readers import open_images

Found = tuple[list[int], list[str]]  # the labels in the reader's order, and the classes


def image(kind: str = "PNG", shade: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("L", (2, 2), shade).save(file, kind)
    return file.getvalue()


IMAGE = image()


def put(path: Path, data: bytes | str = IMAGE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def found(source: str, split: str) -> Found:
    """What a source holds; all its images can be read."""
    reader = open_images(source, split)
    assert all(reader.read(index).dtype == torch.uint8 for index in range(len(reader)))
    return [int(reader.label(index)) for index in range(len(reader))], reader.classes


def check(source: str, train: Found | str, test: Found | str) -> None:
    """Compare both splits with what they hold, or with what the message about them says."""
    for split, expected in (("train", train), ("test", test)):
        if isinstance(expected, str):
            with pytest.raises(RunError) as caught:
                open_images(source, split)
            assert expected in str(caught.value)
        else:
            assert found(source, split) == expected


# Labels, in formats that have them as text, as JSON, as members of an archive, as arrays and as columns.


def csv(root: Path, labels: dict[str, Sequence[Any]], head: str = "path,label,split", classes: str = "") -> str:
    for index in range(8):
        put(root / "img" / f"{index}.png")
    rows = [(label, split) for split, found in labels.items() for label in found]
    put(root / "m.csv", "\n".join([head, *(f"img/{i}.png,{label},{split}" for i, (label, split) in enumerate(rows))]))
    if classes:
        put(root / "classes.txt", classes)
    return f"csv:{root / 'm.csv'}"


def jsonl(root: Path, labels: dict[str, Sequence[Any]]) -> str:
    put(root / "0.png")
    rows = [{"path": "0.png", "label": label, "split": split} for split in labels for label in labels[split]]
    put(root / "m.jsonl", "\n".join(map(json.dumps, rows)))
    return f"jsonl:{root / 'm.jsonl'}"


def npz(root: Path, labels: dict[str, Sequence[Any]]) -> str:
    arrays: dict[str, Any] = {f"{split}_labels": np.array(labels[split]) for split in labels}
    arrays |= {f"{split}_images": np.zeros((len(labels[split]), 2, 2), np.uint8) for split in labels}
    np.savez(root / "x.npz", **arrays)
    return f"npz:{root / 'x.npz'}"


def tar(path: Path, members: Iterable[tuple[str, bytes] | tarfile.TarInfo]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))


def samples(labels: Sequence[Any]) -> list[tuple[str, bytes]]:
    return [m for i, label in enumerate(labels) for m in ((f"{i}.png", IMAGE), (f"{i}.cls", str(label).encode()))]


def wds(root: Path, labels: dict[str, Sequence[Any]]) -> str:
    for split, values in labels.items():
        tar(root / f"x-{split}-0.tar", samples(values))
    return f"wds:{root}"


def parquet(root: Path, labels: dict[str, Sequence[Any]]) -> str:
    for split, values in labels.items():
        table({"image": [IMAGE] * len(values), "label": values}, root / f"{split}-0.parquet")
    return f"parquet:{root}"


def table(columns: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


KINDS = {"csv": csv, "jsonl": jsonl, "npz": npz, "wds": wds, "parquet": parquet}
TEXT = ("csv", "jsonl", "wds")
NUMBERS = ("csv", "jsonl", "npz", "parquet")
FROM_1 = "class indices count from 0; subtract 1 from them"
UNLABELLED = "which marks an image without a label; leave such images out, or choose a split that has labels"
NOT_TRAINED = (
    "which is not among the 2 classes of the training images; remove it, or name all classes, such as in classes.txt"
)

LABELS: list[tuple[str, Sequence[str], Sequence[Any], Sequence[Any], Found | str, Found | str]] = [
    # what, the formats, the labels of training, the held-out ones, and what is read, or the message
    ("from 1", (*KINDS,), [1, 2, 3], [1, 2], FROM_1, FROM_1),
    ("held-out ones from 1", (*KINDS,), [0, 1], [1, 2], ([0, 1], ["0", "1"]), "the labels, 1 to 2, count from 1?"),
    ("spaces", TEXT, ["cat", " cat", "dog ", "dog"], ["dog"], ([0, 0, 1, 1], ["cat", "dog"]), ([1], ["cat", "dog"])),
    ("floats", NUMBERS, [1.0, 0.0], [1.0], ([1, 0], ["0", "1"]), ([1], ["0", "1"])),
    ("zeros before", TEXT, ["001", "000"], ["001"], ([1, 0], ["0", "1"]), ([1], ["0", "1"])),
    ("names", (*KINDS,), ["dog", "cat"], ["dog"], ([1, 0], ["cat", "dog"]), ([1], ["cat", "dog"])),
    ("a name only held out", (*KINDS,), ["cat", "dog"], ["fox"], ([0, 1], ["cat", "dog"]), f"'fox', {NOT_TRAINED}"),
    ("an index only held out", (*KINDS,), [0, 1], [2], ([0, 1], ["0", "1"]), f"its label is 2, {NOT_TRAINED}"),
    ("not the highest held out", (*KINDS,), [0, 1, 2], [0], ([0, 1, 2], ["0", "1", "2"]), ([0], ["0", "1", "2"])),
    ("unlabelled", (*KINDS,), [0, -1], [0], UNLABELLED, ([0], ["0"])),
    ("unlabelled held-out ones", (*KINDS,), [0, 1], [-1, -1], ([0, 1], ["0", "1"]), UNLABELLED),
    ("NFC and NFD", TEXT, ["caf\u00e9", "a"], ["cafe\u0301"], ([1, 0], ["a", "caf\u00e9"]), ([1], ["a", "caf\u00e9"])),
    ("one class", (*KINDS,), [1, 1], [1], ([1, 1], ["0", "1"]), ([1], ["0", "1"])),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "labels", "train", "test"),
    [
        pytest.param(kind, {"train": labels, "test": held_out}, train, test, id=f"{what}-{kind}")
        for what, kinds, labels, held_out, train, test in LABELS
        for kind in kinds
    ],
)
def test_labels(kind: str, labels: dict[str, Any], train: Found | str, test: Found | str, tmp_path: Path) -> None:
    check(KINDS[kind](tmp_path, labels), train, test)


def test_classes_that_are_named_decide(tmp_path: Path) -> None:
    source = csv(tmp_path, {"train": ["dog", 1, "1.0"], "val": ["fox"]}, classes="cat\ndog\nfox\n")
    check(source, ([1, 1, 1], ["cat", "dog", "fox"]), ([2], ["cat", "dog", "fox"]))
    source = csv(tmp_path, {"train": [1, 2, 3], "val": [1]}, classes="cat\ndog\nfox\n")
    check(source, "count from 0; subtract 1 from all labels, which are 1 to 3", ([1], ["cat", "dog", "fox"]))
    put(tmp_path / "classes.txt", "nothing\ncat\ndog\nfox\n")
    check(source, ([1, 2, 3], ["nothing", "cat", "dog", "fox"]), ([1], ["nothing", "cat", "dog", "fox"]))


def test_held_out_images_alone_have_classes_of_their_own(tmp_path: Path) -> None:
    assert found(csv(tmp_path, {"val": [0, 2]}), "test") == ([0, 2], ["0", "1", "2"])
    assert open_images(f"csv:{tmp_path / 'm.csv'}", "test", ["0", "1", "2", "3"]).classes == ["0", "1", "2", "3"]


# Manifests.


def test_a_manifest_of_other_marks_and_capitals(tmp_path: Path) -> None:
    csv(tmp_path, {})
    for text in (
        "path;label;split\nimg/0.png;1;train\nimg/1.png;0;train\n",
        "path\tlabel\tsplit\nimg/0.png\t1\ttrain\nimg/1.png\t0\ttrain\n",
        "Path, Label, Split\nimg/0.png, 1, Train\nimg/1.png, 0, TRAIN\n",
        "path,label,split\nimg\\0.png,1,train\nimg\\1.png,0,train\n",
    ):
        put(tmp_path / "m.csv", text)
        assert found(f"csv:{tmp_path / 'm.csv'}", "train") == ([1, 0], ["0", "1"])


def test_a_backslash_may_be_part_of_a_name(tmp_path: Path) -> None:
    put(tmp_path / "a\\0.png")
    put(tmp_path / "m.csv", "path,label,split\na\\0.png,0,train\n")
    assert found(f"csv:{tmp_path / 'm.csv'}", "train") == ([0], ["0"])


# WebDataset.


def shards(root: Path, *members: tuple[str, bytes] | tarfile.TarInfo) -> str:
    tar(root / "x-train-0.tar", members)
    return f"wds:{root}"


def link(name: str, to: str, kind: bytes = tarfile.LNKTYPE) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, to
    return found


META = json.dumps({"url": "u", "width": 5}).encode()


PAIR = ("a/0.png", IMAGE), ("a/0.cls", b"0")
BOTH: Found = [0, 1], ["0", "1"]

MEMBERS: dict[str, tuple[list[Any], Found | str]] = {
    "metadata": ([("0.png", IMAGE), ("0.cls", b"0"), ("0.json", META)], ([0], ["0"])),
    "metadata only": ([("0.png", IMAGE), ("0.json", META)], "0.png has no label, only 0.json beside it; add 0.cls"),
    "a caption": ([("0.png", IMAGE), ("0.txt", b"a cat")], "0.png has no label, only 0.txt beside it; add 0.cls"),
    "two labels": ([*PAIR, ("a/0.json", b'{"label": 1}')], "two labels: a/0.cls is 0 and a/0.json is 1; remove one"),
    "one label twice": ([*PAIR, ("a/0.json", b'{"label": "00"}')], ([0], ["0"])),
    "zeros before": ([("0.png", IMAGE), ("0.cls", b"007\n")], ([7], [*"01234567"])),
    "a name": ([("0.png", IMAGE), ("0.cls", b"cat\n")], ([0], ["cat"])),
    "dots in a folder": ([("./v1.0/0.PNG", IMAGE), ("./v1.0/0.cls", b"0")], ([0], ["0"])),
    "dots in a name": (
        [("22.05.png", IMAGE)],
        "22.05.png is of an unknown kind: a sample's name ends at the first dot",
    ),
    "a mask and more": ([*PAIR, ("a/0.seg.png", IMAGE), ("a/0.__key__", b"0")], ([0], ["0"])),
    "a hard link": ([*PAIR, link("./1.png", "./a/0.png"), ("1.cls", b"1")], BOTH),
    "a symbolic link": ([*PAIR, link("b/1.png", "../a/0.png", tarfile.SYMTYPE), ("b/1.cls", b"1")], BOTH),
    "a lost link": (
        [link("1.png", "0.png")],
        "at 1.png (it is a link to 0.png, which is not among the files before it)",
    ),
    "no text": ([("0.png", IMAGE), ("0.cls", b"\xff")], "a label in it is broken, at 0.cls ('utf-8' codec"),
}


@pytest.mark.parametrize(("members", "expected"), MEMBERS.values(), ids=MEMBERS)
def test_members_of_a_shard(members: list[Any], expected: Found | str, tmp_path: Path) -> None:
    check(shards(tmp_path, *members), expected, "the split 'test' has no images")


# Files of a split, by their names or their folders'.

LAYOUTS = {
    "timm": ("imagenet1k-train-0000", "imagenet1k-validation-00"),
    "folders": ("train/0000", "val/00"),
    "Hugging Face": ("data/train-00000-of-00001", "data/validation-00000-of-00001"),
    "its conversion": ("default/train/0000", "default/validation/0000"),
    "a partial one": ("default/partial-train/0000", "default/partial-test/0000"),
    "a misleading folder": ("val/x-train-0", "val/x-test-0"),
}


@pytest.mark.parametrize("ending", ["tar", "parquet"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_where_the_files_of_a_split_lie(layout: str, ending: str, tmp_path: Path) -> None:
    for name, labels in zip(LAYOUTS[layout], ([0, 1], [1]), strict=True):
        if ending == "parquet":
            table({"image": [IMAGE] * len(labels), "label": labels}, tmp_path / f"{name}.parquet")
        else:
            tar(tmp_path / f"{name}.tar", samples(labels))
    kind = {"tar": "wds", "parquet": "parquet"}[ending]
    check(f"{kind}:{tmp_path}", ([0, 1], ["0", "1"]), ([1], ["0", "1"]))


def test_a_folder_beside_that_must_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, scan = parquet(tmp_path, {"train": [0]}), os.scandir
    (tmp_path / "private").mkdir()

    def refused(path: str) -> Any:
        if str(path).endswith("private"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert found(source, "train") == ([0], ["0"])


def test_two_data_sets_in_one_folder(tmp_path: Path) -> None:
    for name in ("big/train/0", "small/train/0"):
        table({"image": [IMAGE], "label": [0]}, tmp_path / f"{name}.parquet")
    check(
        f"parquet:{tmp_path}", "the train files lie in several folders, big/train, small/train; name one", "no images"
    )
    table({"image": [IMAGE, IMAGE], "label": [0, 1]}, tmp_path / "train.parquet")  # nearer
    assert found(f"parquet:{tmp_path}", "train") == ([0, 1], ["0", "1"])


# NumPy and Parquet.


def test_arrays_of_other_shapes(tmp_path: Path) -> None:
    def shape(images: Sequence[int], labels: Any) -> tuple[int, ...]:
        np.savez(tmp_path / "x.npz", x_train=np.zeros(images, np.uint8), y_train=labels)
        return tuple(open_images(f"npz:{tmp_path / 'x.npz'}", "train").read(0).shape)

    assert shape([2, 3, 5, 7], [0, 1]) == (3, 5, 7)
    assert shape([2, 1, 5, 7], [[0], [1]]) == (1, 5, 7)
    assert shape([2, 3, 5, 3], [0.0, 1.0]) == (3, 3, 5)
    assert shape([2, 5, 7, 4], [0, 1]) == (4, 5, 7)  # for networks with four channels
    assert shape([2, 5, 7], np.eye(2)) == (1, 5, 7)
    assert [open_images(f"npz:{tmp_path / 'x.npz'}", "train").label(index).item() for index in (0, 1)] == [0, 1]
    with pytest.raises(RunError, match=r"x_train\[0\]: its labels are \[.*\], but cross_entropy needs one class"):
        shape([2, 5, 7], np.zeros((2, 3)))


def test_columns_of_other_names_and_types(tmp_path: Path) -> None:
    path = tmp_path / "train-0.parquet"
    table({"jpg": [IMAGE, IMAGE], "cls": pa.array([1, 0], pa.int64()).dictionary_encode()}, path)
    assert found(f"parquet:{tmp_path}", "train") == ([1, 0], ["0", "1"])
    table({"image": [IMAGE, IMAGE], "label": pa.array(["b", "a"]).dictionary_encode()}, path)
    assert found(f"parquet:{tmp_path}", "train") == ([1, 0], ["a", "b"])
    table({"image": [IMAGE, IMAGE], "label": [0, None]}, path)
    check(f"parquet:{tmp_path}", "train-0.parquet[0][1]: it has no label; label it, or leave it out", "no images")


# Folders.


def folders(root: Path, *files: str) -> str:
    for file in files:
        put(root / file)
    return f"folder:{root}"


def test_folders_have_the_order_of_torchvision(tmp_path: Path) -> None:
    for name in ("0", "1", "2", "10", "b c", "B", "a", "caf\u00e9", "\U0001f600", "#1", "-rf", "x,y"):
        folders(tmp_path, f"train/{name}/1.png", f"train/{name}/deep/0.png", f"val/{name}/0.png")
    theirs, ours = ImageFolder(tmp_path / "train"), open_images(f"folder:{tmp_path}", "train")
    assert ours.classes == theirs.classes
    assert ours.classes[2:5] == ["0", "1", "10"], "as text, not as numbers"
    files = [str((tmp_path / "train" / ours.name(index)).relative_to(tmp_path)) for index in range(len(ours))]
    assert [(tmp_path / file, int(ours.label(index))) for index, file in enumerate(files)] == [
        (Path(path), label) for path, label in theirs.samples
    ]


def test_folders_that_hold_no_images_of_a_class(tmp_path: Path) -> None:
    source = folders(tmp_path, "train/a/0.png", "train/b/0.png", "val/b/0.png", "val/b/.ipynb_checkpoints/0.png")
    folders(tmp_path, "train/__MACOSX/a/._0.png", "val/__MACOSX/x.png", "train/.ipynb_checkpoints/0.png")
    (tmp_path / "val" / "a").mkdir()
    (tmp_path / "val" / "rest").mkdir()
    check(source, ([0, 1], ["a", "b"]), ([1], ["a", "b"]))
    (tmp_path / "train" / "rest").mkdir()
    check(source, f"{tmp_path}/train/rest: the folder has no image; add some, or remove it", ([1], ["a", "b", "rest"]))


def test_folders_of_other_classes(tmp_path: Path) -> None:
    source = folders(tmp_path, "train/a/0.png", "val/b/0.png")
    check(source, ([0], ["a"]), "there is a class 'b' that")
    folders(tmp_path, "val/c/0.png")
    put(tmp_path / "val.txt", "0 a\n")
    check(source, ([0], ["a"]), "there is a class 'b' that")


def test_names_of_folders_in_two_forms_of_unicode(tmp_path: Path) -> None:
    classes = ["caf\u00e9", "z"]
    source = folders(tmp_path, "Train/caf\u00e9/0.png", "Train/z/0.png", "Val/cafe\u0301/0.png")
    check(source, ([0, 1], classes), ([0], classes))
    folders(tmp_path, "Train/cafe\u0301/1.png")
    check(source, "there are two folders 'caf\u00e9', whose names differ in Unicode only; merge them", "merge them")


FLAT = {
    # the files beside or among the images, and what the held-out labels are
    "caffe": ({"val/val.txt": "x_1.JPEG 1\nx_2.JPEG 0\nx_3.JPEG 1\n"}, [1, 0, 1]),
    "caffe beside": ({"val.txt": "val/x_3.JPEG 0\nval/x_1.JPEG 1\nval/x_2.JPEG 1\n"}, [1, 1, 0]),
    "tiny": ({"val/val_annotations.txt": "x_1.JPEG\tn1\t0\t0\nx_2.JPEG\tn1\t9\t9\nx_3.JPEG\tn0\t1\t1"}, [1, 1, 0]),
    "kaggle": ({"LOC_val_solution.csv": "ImageId,PredictionString\nx_1,n0 1 2 3 4\nx_2,n1 5 6\nx_3,n0 1"}, [0, 1, 0]),
    "tensorflow": ({"imagenet_2012_validation_synset_labels.txt": "n1\nn0\nn1\n"}, [1, 0, 1]),
    "another helps": ({"val.txt": "x_1 0", "validation.csv": "\ufeffx_1;n1\nx_2;n1\nx_3;n1"}, [1, 1, 1]),
    "kit": ({"ILSVRC2012_validation_ground_truth.txt": "2\n1\n2\n"}, "order of its own, as the development kit"),
    "few": ({"val.txt": "n1\n"}, "val.txt does not help: it has 1 lines for 3 images"),
    "lost": ({"val.txt": "x_1 0\nx_2 1\n"}, "val.txt does not help: it does not list "),
    "from 1": ({"val.txt": "x_1 1\nx_2 2\nx_3 1\n"}, "class indices count from 0; subtract 1 from all labels"),
    "unknown": ({"val.txt": "x_1 n1\nx_2 n2\nx_3 n1\n"}, "its label is 'n2', which is not among the 2 classes"),
    "none": ({"train.txt": "x_1 0"}, "its images lie in no folder of a class: sort them into"),
    "train": ({"train.txt": "x_1 0"}, "or put a file val.txt of lines `IMAGE CLASS` beside them"),
}


@pytest.mark.parametrize("inside", ["", "images/"])
@pytest.mark.parametrize(("files", "expected"), FLAT.values(), ids=FLAT)
def test_held_out_images_in_one_folder(
    files: dict[str, str], expected: list[int] | str, inside: str, tmp_path: Path
) -> None:
    source = folders(tmp_path, "train/n0/0.png", "train/n1/0.png", *(f"val/{inside}x_{i}.JPEG" for i in (1, 2, 3)))
    for name, text in files.items():
        put(tmp_path / name, text)
    classes = ["n0", "n1"]
    check(source, ([0, 1], classes), expected if isinstance(expected, str) else (expected, classes))


def test_rows_without_bytes_name_files_beside_the_table(tmp_path: Path) -> None:
    rows = [{"bytes": None, "path": "img/0.png"}, {"bytes": None, "path": "img/1.png"}]
    table({"image": rows, "label": [0, 1]}, tmp_path / "data" / "train-0.parquet")
    put(tmp_path / "data" / "img" / "0.png")
    reader = open_images(f"parquet:{tmp_path}", "train")
    assert reader.read(0).shape == (1, 2, 2)
    with pytest.raises(Unreadable, match=r"\[1\]: the row holds no bytes, and its file cannot be read: No such file"):
        reader.read(1)


def test_names_of_classes_beside_weights_serve_held_out_images_alone(tmp_path: Path) -> None:
    source = csv(tmp_path, {"val": ["dog", "emu"]})
    reader = open_images(source, "test", ["cat", "dog", "emu"])
    assert ([int(reader.label(index)) for index in range(2)], reader.classes) == ([1, 2], ["cat", "dog", "emu"])
    with pytest.raises(RunError, match="its label is 'emu', which is not among the 2 classes of the training images"):
        open_images(source, "test", ["cat", "dog"])
