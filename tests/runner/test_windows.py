"""Row groups of Parquet are read once an epoch, not once an image, and the order stays a function of seed and epoch."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inception_dsl.runner.base.config import Augment, Config, Data, Run
from inception_dsl.runner.base.randomness import permutation, windowed_permutation
from inception_dsl.runner.images.loaders import make_loader, training_loader
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers import parquet
from inception_dsl.runner.readers.parquet import ParquetReader, RowGroup
from inception_dsl.runner.readers.reader import epoch_order
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.runner.record.folder import write_step_images

ROWS = 10  # in a group


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(1, 15), st.integers(0, 3), st.integers(0, 3))
def test_a_windowed_permutation(groups: list[int], window: int, seed: int, epoch: int) -> None:
    order = windowed_permutation(seed, epoch, groups, window).tolist()
    assert sorted(order) == list(range(sum(groups)))
    assert windowed_permutation(seed, epoch, groups, window).tolist() == order
    owner = [group for group, rows in enumerate(groups) for _ in range(rows)]
    kept: set[int] = set()
    windows: list[set[int]] = []
    left = list(groups)
    for index in order:  # a window ends when all images of its groups have been visited
        kept.add(owner[index])
        left[owner[index]] -= 1
        if not any(left[group] for group in kept):
            windows.append(kept)
            kept = set()
    assert not kept
    assert all(len(window_groups) <= window for window_groups in windows)
    assert sum(map(len, windows)) == len(groups)


def test_the_orders_of_epochs_and_seeds_differ_and_mix_groups() -> None:
    orders = {tuple(windowed_permutation(seed, epoch, [50] * 8, 4).tolist()) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4
    first = [index // 50 for index in next(iter(orders))[:200]]
    assert len(set(first)) == 4
    assert len(set(first[:50])) == 4, "the images of a window are shuffled, not only its groups"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two files of four groups; a window has three groups."""
    for part in range(2):
        images = []
        for index in range(4 * ROWS):
            file = io.BytesIO()
            Image.new("L", (9, 9), part * 100 + index).save(file, "PNG")
            images.append(file.getvalue().ljust(200, b"\0"))
        table = pa.table({"image": pa.array(images), "label": [index % 4 for index in range(4 * ROWS)]})
        pq.write_table(table, tmp_path / f"train-{part}.parquet", row_group_size=ROWS, use_dictionary=False)
    monkeypatch.setattr(parquet, "WINDOW_BYTES", 3 * ROWS * 250)
    return f"parquet:{tmp_path}"


@pytest.fixture
def read_groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The row groups that are read from files, in this process."""
    found: list[int] = []
    read = ParquetReader._read_group

    def counted(self: ParquetReader, group: RowGroup) -> object:
        found.append(self._groups.index(group))
        return read(self, group)

    monkeypatch.setattr(ParquetReader, "_read_group", counted)
    return found


def test_an_epoch_reads_every_group_once(source: str, read_groups: list[int]) -> None:
    reader = open_images(source, "train")
    assert isinstance(reader, ParquetReader)
    assert reader.window == 3
    for epoch in range(2):
        read_groups.clear()
        for index in epoch_order(reader, 0, epoch).tolist():
            assert reader.read(index)[0, 0, 0] == index // (4 * ROWS) * 100 + index % (4 * ROWS)
            assert len(reader._kept) <= 3
        assert set(Counter(read_groups).values()) <= {1, 2}  # 2: kept from the epoch before, dropped, and read again
        assert len(read_groups) <= 8
    read_groups.clear()
    for index in permutation(0, 0, len(reader)).tolist():
        reader.read(index)
    assert len(read_groups) > 3 * 8, "this test could not fail"


def test_other_readers_have_the_order_of_before(tmp_path: Path) -> None:
    reader = open_images("fake:20x2x4", "train")
    assert torch.equal(epoch_order(reader, 3, 1), permutation(3, 1, 20))


def config(workers: int = 0) -> Config:
    return Config(
        data=Data(channels=1, height=8, width=8, mean=(0.5,), std=(0.5,), batch=8, workers=workers),
        augment=Augment(resize=9),
        run=Run(seed=3),
    )


def indices(source: str, ranks: int, workers: int, start: int, stop: int) -> list[list[int]]:
    """The images of every step, in order, of all ranks together."""
    shares: list[list[list[int]]] = []
    for rank in range(ranks):
        here = RankContext(torch.device("cpu"), rank, ranks)
        loader = training_loader(open_images(source, "train"), config(workers), here)
        shares.append([batch.indices.tolist() for batch in make_loader(loader, config(workers), here, start, stop)])
        loader.close()
    return [[index for share in shares for index in share[step]] for step in range(stop - start)]


def test_steps_have_the_same_images_for_any_number_of_ranks_and_workers_and_after_a_resume(source: str) -> None:
    alone = indices(source, 1, 0, 0, 22)
    assert alone == indices(source, 2, 0, 0, 22) == indices(source, 1, 2, 0, 22)
    assert alone[13:] == indices(source, 1, 1, 13, 22)
    for epoch in (alone[:10], alone[10:20]):
        assert sorted(index for step in epoch for index in step) == list(range(8 * ROWS))


def test_the_images_of_a_step_are_named(source: str, tmp_path: Path) -> None:
    reader = open_images(source, "train")
    path = write_step_images(tmp_path, config(), reader, 13, RankContext(torch.device("cpu"), 0, 1))
    names = [reader.name(index) for index in indices(source, 1, 0, 13, 14)[0]]
    assert path.read_text() == "".join(f"{name}\n" for name in names)


def test_a_group_that_is_larger_than_a_window_is_read_alone(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "WINDOW_BYTES", 5)
    reader = open_images(source, "train")
    assert isinstance(reader, ParquetReader)
    assert reader.window == 1
    order = epoch_order(reader, 0, 0).view(-1, ROWS)
    assert all(len({index // ROWS for index in group}) == 1 for group in order.tolist())


def test_rows_that_are_sorted_by_class_are_noted(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_images(source, "train")
    assert capsys.readouterr().err == ""
    labels = [index // ROWS for index in range(8 * ROWS)]
    for part in range(2):
        half = labels[part * 4 * ROWS :][: 4 * ROWS]
        table = pa.table({"image": pa.array([b"0" * 200] * len(half)), "label": half})
        pq.write_table(table, tmp_path / f"train-{part}.parquet", row_group_size=ROWS, use_dictionary=False)
    open_images(source, "train")
    assert "images are shuffled in windows of 30, and one has 3 of 8 classes; if the rows" in capsys.readouterr().err
