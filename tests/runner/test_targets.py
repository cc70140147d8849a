"""Several labels per image and numbers, in every format that can hold them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.readers.reader import Reader
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.runner.readers.targets import TARGETS

CLASSES = ["ant", "bee", "cat"]
LISTS = [["cat"], [], ["bee", "ant"], ["ant", "bee", "cat"]]
ROWS = [[0, 0, 1], [0, 0, 0], [1, 1, 0], [1, 1, 1]]
NUMBERS = [[0.5, -1.0], [2.0, 1e3], [0.0, 0.25], [7.0, -0.125]]
PICTURE = io.BytesIO()
Image.new("L", (5, 4), 99).save(PICTURE, "png")


def csv(folder: Path, labels: list[Any]) -> str:
    """Labels of an image are separated by a bar or a semicolon."""
    text = [
        ("; " if i % 2 else "|").join(map(str, label)) if isinstance(label, list) else str(label)
        for i, label in enumerate(labels)
    ]
    rows = [f"x{i}.png,{label},{split}\n" for split in ("train", "val") for i, label in enumerate(text)]
    (folder / "m.csv").write_text("path,label,split\n" + "".join(rows))
    return f"csv:{folder / 'm.csv'}"


def jsonl(folder: Path, labels: list[Any]) -> str:
    rows = [
        {"path": "x.png", "label": label or None if i % 2 else label, "split": split}
        for split in ("train", "val")
        for i, label in enumerate(labels)
    ]
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"jsonl:{folder / 'm.jsonl'}"


def wds(folder: Path, labels: list[Any]) -> str:
    for split in ("train", "val"):
        with tarfile.open(folder / f"{split}.tar", "w") as archive:
            for i, label in enumerate(labels):
                text = "|".join(map(str, label)) if isinstance(label, list) else str(label)
                stated = ("cls", text) if i % 2 else ("json", json.dumps({"label": label}))
                for ending, data in (("png", PICTURE.getvalue()), (stated[0], stated[1].encode())):
                    member = tarfile.TarInfo(f"{i}.{ending}")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
    return f"wds:{folder}"


def parquet(folder: Path, labels: list[Any]) -> str:
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    for split in ("train", "val"):
        table = pa.table({"image": [{"bytes": PICTURE.getvalue()}] * len(labels), "labels": labels})
        write_table(table, folder / f"{split}.parquet")
    return f"parquet:{folder}"


WRITERS: dict[str, Callable[[Path, list[Any]], str]] = {"csv": csv, "jsonl": jsonl, "wds": wds, "parquet": parquet}


def npz(folder: Path, labels: Any, **more: Any) -> str:
    """Arrays of the labels."""
    images = np.zeros((len(labels), 4, 4), np.uint8)
    np.savez(folder / "x.npz", x_train=images, y_train=labels, x_test=images, y_test=labels, **more)
    return f"npz:{folder / 'x.npz'}"


def rows(reader: Reader) -> list[list[float]]:
    return torch.stack([reader.label(i) for i in range(len(reader))]).tolist()


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("kind", WRITERS)
def test_several_labels_per_image(kind: str, split: str, tmp_path: Path) -> None:
    reader = open_images(WRITERS[kind](tmp_path, LISTS), split, loss="bce")
    assert (reader.classes, rows(reader)) == (CLASSES, ROWS)
    assert reader.label(0).dtype == torch.float32


@pytest.mark.parametrize("kind", WRITERS)
def test_indices_of_several_classes(kind: str, tmp_path: Path) -> None:
    """Class 3 has no image, and is named."""
    (tmp_path / "classes.txt").write_text("ant\nbee\ncat\ndog\n")
    indices = [[CLASSES.index(name) for name in names] for names in LISTS]
    reader = open_images(WRITERS[kind](tmp_path, indices), "train", loss="bce")
    assert (reader.classes, rows(reader)) == ([*CLASSES, "dog"], [[*row, 0] for row in ROWS])


def test_a_list_column_of_hugging_face_names_its_classes(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    feature = {"feature": {"names": CLASSES, "_type": "ClassLabel"}, "_type": "Sequence"}
    info = {"info": {"features": {"labels": feature, "image": {"_type": "Image"}}}}
    table = pa.table({"image": [{"bytes": PICTURE.getvalue()}] * 2, "labels": [[1], [1, 0]]})
    write_table(table.replace_schema_metadata({"huggingface": json.dumps(info)}), tmp_path / "train-0.parquet")
    reader = open_images(f"parquet:{tmp_path}", "train", loss="bce")
    assert (reader.classes, rows(reader)) == (CLASSES, [[0, 1, 0], [1, 1, 0]])


@pytest.mark.parametrize("kind", WRITERS)
def test_numbers(kind: str, tmp_path: Path) -> None:
    reader = open_images(WRITERS[kind](tmp_path, NUMBERS), "test", loss="mse")
    assert (reader.classes, rows(reader)) == (["target 0", "target 1"], NUMBERS)
    one = open_images(WRITERS[kind](tmp_path, [row[0] for row in NUMBERS]), "train", loss="mse")
    assert (one.classes, rows(one)) == (["target"], [row[:1] for row in NUMBERS])


def test_numbers_may_have_names(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("width\nangle\n")
    assert open_images(csv(tmp_path, NUMBERS), "test", loss="mse").classes == ["width", "angle"]


def test_arrays_of_labels_and_numbers(tmp_path: Path) -> None:
    reader = open_images(npz(tmp_path, np.array(ROWS), classes=CLASSES), "train", loss="bce")
    assert (reader.classes, rows(reader)) == (CLASSES, ROWS)
    reader = open_images(npz(tmp_path, np.array(ROWS) > 0), "test", loss="bce")
    assert (reader.classes, rows(reader)) == (["0", "1", "2"], ROWS)
    reader = open_images(npz(tmp_path, np.array(NUMBERS)), "test", loss="mse")
    assert rows(reader) == NUMBERS
    reader = open_images(npz(tmp_path, np.array([3, 1])), "train", loss="mse")
    assert (reader.classes, rows(reader)) == (["target"], [[3.0], [1.0]])
    reader = open_images(npz(tmp_path, np.array([0, 2, 1])), "train", loss="bce")
    assert rows(reader) == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    no_image_of_class_0 = open_images(npz(tmp_path, np.array([[0, 1, 0], [0, 0, 1]])), "train", loss="bce")
    assert no_image_of_class_0.classes == ["0", "1", "2"]


def test_one_label_of_an_image_is_a_row_too(tmp_path: Path) -> None:
    for split, names in (("train", ("a", "b", "c")), ("val", ("a", "b"))):
        for name in names:
            (tmp_path / split / name).mkdir(parents=True)
            (tmp_path / split / name / "x.png").write_bytes(PICTURE.getvalue())
    train = open_images(f"folder:{tmp_path}", "train", loss="bce")
    assert rows(train) == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert rows(open_images(f"folder:{tmp_path}", "test", train.classes, "bce")) == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_held_out_labels_are_in_terms_of_the_training_classes(kind: str, tmp_path: Path) -> None:
    """The held-out images have no ant, and one has no label."""
    labels = [["ant", "cat"], ["bee"], ["cat"], []]
    splits = ["train", "train", "val", "val"]
    if kind == "csv":
        lines = [f"x.png,{'|'.join(label)},{split}\n" for label, split in zip(labels, splits, strict=True)]
        (tmp_path / "m.csv").write_text("path,label,split\n" + "".join(lines))
    else:
        given = [{"path": "x.png", "label": label, "split": split} for label, split in zip(labels, splits, strict=True)]
        (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    train = open_images(f"{kind}:{tmp_path / f'm.{kind}'}", "train", loss="bce")
    held_out = open_images(f"{kind}:{tmp_path / f'm.{kind}'}", "test", train.classes, "bce")
    assert (train.classes, held_out.classes, rows(held_out)) == (CLASSES, CLASSES, [[0, 0, 1], [0, 0, 0]])


def test_noise_has_labels_and_numbers() -> None:
    labels, numbers = (open_images("fake:50x4x8", "train", loss=loss) for loss in ("bce", "mse"))
    found = torch.tensor(rows(labels))
    assert found.shape == (50, 4) and {*found.flatten().tolist()} == {0.0, 1.0} and (found.sum(1) > 1).any()
    assert len({*torch.tensor(rows(numbers)).flatten().tolist()}) == 200 and numbers.classes == ["0", "1", "2", "3"]
    assert rows(labels) == rows(open_images("fake:50x4x8", "train", loss="bce"))
    assert rows(labels) != rows(open_images("fake:50x4x8", "test", loss="bce"))


def test_the_labels_belong_to_the_fingerprint(tmp_path: Path) -> None:
    """A run does not go on with other labels, nor with other splits of the same ones among the images."""
    prints = [
        open_images(csv(tmp_path, labels), "train", loss=loss).fingerprint
        for loss, labels in (
            ("bce", [["a"], ["b"]]),
            ("bce", [["a", "b"], []]),
            ("bce", [["b"], ["a"]]),
            ("cross_entropy", ["a", "b"]),
            ("mse", [0.5, 1.5]),
            ("mse", [0.5, 2.5]),
            ("mse", [[0.5], [1.5]]),
        )
    ]
    assert len(set(prints)) == 6 and prints[4] == prints[6]


WRONG = [
    ("cross_entropy", "csv", ["cat", "bee|cat"], "line 3: its label is 'bee|cat', several of them; set loss.name=bce"),
    ("cross_entropy", "jsonl", [["a"], ["b"]], r"line 1: its label is \['a'\], .*; correct it, or set loss.name=bce"),
    ("cross_entropy", "csv", ["a", ""], "m.csv, line 3: it has no label"),
    ("bce", "jsonl", [["a", "b", "a"]], r"m.jsonl, line 1: its labels \['a', 'b', 'a'\] repeat; a list has the names"),
    ("bce", "jsonl", [[0, 0, 1], [0, 1, 0]], r"line 1: its labels \[0, 0, 1\] repeat"),
    ("bce", "jsonl", [["a"], [0.5]], "line 2: its label is 0.5, but class indices are integers"),
    ("bce", "jsonl", [["a"], [["b"]]], r"line 2: its label is \['b'\], but class indices are integers"),
    ("bce", "csv", ["", ""], "no image has a label, so the classes are unknown; name them, such as in classes.txt"),
    ("bce", "csv", ["1|2", "2|1"], "the labels are 1 to 2, but class indices count from 0"),
    ("mse", "csv", ["0.5", "cat"], "m.csv, line 3: its label is 'cat', but mse needs numbers, such as 0.5; correct it"),
    ("mse", "csv", ["0.5", ""], "m.csv, line 3: its label is '', but mse needs numbers"),
    ("mse", "csv", ["0.5", "inf"], "m.csv, line 3: its label is 'inf', but mse needs numbers"),
    ("mse", "csv", ["0.5", "1|2"], "m.csv, line 3: it has 2 numbers, but the first image has 1"),
    ("mse", "jsonl", [[0.5, 1], [0.5, True]], r"m.jsonl, line 2: its label is \[0.5, True\], but mse needs numbers"),
    ("mse", "jsonl", [0.5, {"a": 1}], r"m.jsonl, line 2: its label is \{'a': 1\}, but mse needs numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "kind", "labels", "message"), WRONG)
def test_labels_that_the_loss_cannot_use_are_reported(
    loss: str, kind: str, labels: list[Any], message: str, tmp_path: Path
) -> None:
    source = {"csv": csv, "jsonl": jsonl}[kind](tmp_path, labels)
    with pytest.raises(RunError, match=message):
        open_images(source, "train", loss=loss)


@pytest.mark.parametrize(
    ("loss", "labels", "message"),
    [
        ("cross_entropy", [[1, 1, 0]], r"x_train\[0\]: its labels are \[1.0, 1.0, 0.0\], but cross_entropy needs"),
        ("bce", [[0, 1], [0, 2]], r"x_train\[1\]: its labels are \[0.0, 2.0\]; bce needs zeros and ones"),
        ("mse", [[0.0], [float("nan")]], r"x_train\[1\]: its label is \[nan\], but mse needs numbers"),
    ],
)  # fmt: skip
def test_arrays_that_the_loss_cannot_use_are_reported(
    loss: str, labels: list[Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=message):
        open_images(npz(tmp_path, np.array(labels)), "train", loss=loss)


def test_names_and_columns_are_as_many(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there are 3 labels per image, but 2 names of classes"):
        open_images(npz(tmp_path, np.array(ROWS), classes=["a", "b"]), "train", loss="bce")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for name in "ab":
        (tmp_path / name / "x.png").write_bytes(PICTURE.getvalue())
    with pytest.raises(RunError, match=r"a/x.png: it has 1 number, but there are names of 2 classes; mse needs images"):
        open_images(f"folder:{tmp_path}", "test", loss="mse")
    train = open_images(csv(tmp_path, NUMBERS), "train", loss="mse")
    with pytest.raises(RunError, match=r"x0.png: it has 1 number, but the training images have 2"):
        open_images(csv(tmp_path, ["1", "2"]), "test", train.classes, "mse")


NAMES = st.text("abc01 ", max_size=3).map(str.strip).filter(bool)


@given(st.lists(st.lists(NAMES, unique=True, max_size=4), min_size=1, max_size=8).filter(any))
def test_labels_are_where_the_lists_have_them(lists: list[list[str]]) -> None:
    """A row of a class's name has its 1 there, whatever the order; text and lists say the same."""
    if all(name.isdecimal() for names in lists for name in names):
        return  # these are indices
    how = TARGETS["bce"]
    packed, classes = how.read(lists, (), str)
    targets = [how.target(packed, len(classes), image) for image in range(len(lists))]
    found = [{name for name, there in zip(classes, row, strict=True) if there} for row in targets]
    assert found == [set(names) for names in lists]
    texts, same = how.read(["|".join(names) for names in lists], (), str)
    assert same == classes and all(map(torch.equal, texts, packed))


@pytest.mark.parametrize("labels", [["0.5", "1", "0.25"], ["0.5", "0.5", "0.5"], [0.5, 1.0, 2.0]])
def test_numbers_are_no_classes(labels: list[Any]) -> None:
    with pytest.raises(RunError, match=r"^image \d: its label is '?0\.2?5'?, .*set loss\.name=mse"):
        TARGETS["cross_entropy"].read(labels, (), "image {}".format)
    assert TARGETS["cross_entropy"].read(["1.0", "0"], (), str)[0][0].tolist() == [1, 0]
    assert TARGETS["cross_entropy"].read(["2.5", "v"], (), str)[1] == ["2.5", "v"]
