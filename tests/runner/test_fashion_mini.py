"""The images that the package brings are what they are said to be, and can be made again."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from pathlib import Path

import pytest

from inception_dsl.datasets.builtin import builtin
from inception_dsl.datasets.make_fashion_mini import make
from inception_dsl.runner.readers.readers import open_images

WHOLE = "/usr/share/datasets/fashion-mnist"  # of Debian's package `dataset-fashion-mnist`


@pytest.mark.parametrize(("split", "each"), [("train", 500), ("test", 100)])
def test_every_class_has_as_many_images(split: str, each: int) -> None:
    reader = open_images(f"idx:{builtin('fashion-mini')}", split)
    counts = Counter(reader.classes[reader.label(i)] for i in range(len(reader)))
    assert (len(counts), set(counts.values())) == (10, {each})
    assert list(reader.classes)[::9] == ["T-shirt/top", "Ankle boot"]


def test_no_image_is_in_both_splits() -> None:
    train, test = (open_images(f"idx:{builtin('fashion-mini')}", split) for split in ("train", "test"))
    seen = {train.read(i).numpy().tobytes() for i in range(len(train))}
    assert not seen & {test.read(i).numpy().tobytes() for i in range(len(test))}


def test_there_is_no_other_set() -> None:
    with pytest.raises(ValueError, match="there is no built-in set 'mnist'; there is fashion-mini"):
        builtin("mnist")


def test_its_licence_comes_with_it() -> None:
    with open(os.path.join(builtin("fashion-mini"), "LICENSE"), encoding="utf-8") as text:
        assert "Zalando SE" in text.read()


@pytest.mark.skipif(not os.path.isdir(WHOLE), reason="apt-get install dataset-fashion-mnist")
def test_the_script_makes_it_again(tmp_path: Path) -> None:
    make(WHOLE, str(tmp_path))
    made = sorted(os.listdir(tmp_path))
    assert made == sorted(name for name in os.listdir(builtin("fashion-mini")) if name.endswith(".gz"))
    for name in made:
        ours = Path(builtin("fashion-mini"), name).read_bytes()
        assert gzip.decompress((tmp_path / name).read_bytes()) == gzip.decompress(ours)
        assert (tmp_path / name).read_bytes()[:10] == ours[:10]  # no time in the header


@pytest.mark.skipif(not os.path.isdir(WHOLE), reason="apt-get install dataset-fashion-mnist")
def test_it_is_a_part_of_fashion_mnist() -> None:
    for split, count in (("train", 60_000), ("test", 10_000)):
        whole, mini = (open_images(f"idx:{path}", split) for path in (WHOLE, builtin("fashion-mini")))
        assert len(whole) == count
        labelled = {whole.read(i).numpy().tobytes(): whole.label(i) for i in range(count)}
        assert all(labelled[mini.read(i).numpy().tobytes()] == mini.label(i) for i in range(0, len(mini), 7))
