"""Images are listed once on a machine, whatever the number of its processes, and all processes have the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any

import pytest
import torch
from torch import distributed

from inception_dsl.runner.base.config import Config, Data
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers import sharing
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.runner.readers.sharing import Images, Machine, shared_images

CONFIG = Config(data=Data("fake:40x4x9"))


def store() -> Any:
    """What processes of one machine share."""
    return vars(distributed)["TCPStore"]("localhost", 0, is_master=True)


class Ranks:
    """Two machines with two processes each, which are threads of this one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.store, self.here, self.opened = store(), local(), list[int]()
        self.source: Callable[[int], str] = lambda rank: CONFIG.data.source
        monkeypatch.setattr(sharing, "rank_store", lambda: self.store)
        monkeypatch.setattr(sharing, "this_machine", lambda: Machine(str(self.here.rank // 2), self.here.rank % 2, 2))
        monkeypatch.setattr(sharing, "open_images", self.open)
        monkeypatch.setattr(tempfile, "tempdir", str(folder))

    def open(self, source: str, split: str, classes: Any, loss: str) -> Any:
        self.opened.append(self.here.rank)
        return open_images(self.source(self.here.rank), split, classes, loss)

    def all(self) -> list[Images | str]:
        """What every process has, or the message of its error."""

        def one(rank: int) -> Images | str:
            self.here.rank = rank
            try:
                return shared_images(CONFIG, RankContext(torch.device("cpu"), rank, 4))
            except RunError as error:
                return str(error)

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, range(4)))


@pytest.fixture
def ranks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ranks:
    return Ranks(monkeypatch, tmp_path)


def test_one_process_of_a_machine_lists_them(ranks: Ranks, tmp_path: Path) -> None:
    expected = open_images(CONFIG.data.source, "train")
    for times in (1, 2):  # a process may run twice
        for found in ranks.all():
            assert isinstance(found, Images) and found.training.fingerprint == expected.fingerprint
        assert sorted(ranks.opened) == [0] * 2 * times + [2] * 2 * times
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_targets_of_every_loss_can_be_mapped(loss: str, tmp_path: Path) -> None:
    own = Images(*(open_images("fake:40x4x9", split, (), loss) for split in ("train", "test")))
    path = sharing.save_images(own)
    assert path
    mapped = sharing.load_images(path)
    path.unlink()
    for mine, others in zip(own, mapped, strict=True):
        assert mine.fingerprint == others.fingerprint and mine.classes == others.classes
        assert all(torch.equal(mine.label(index), others.label(index)) for index in range(40))


def test_an_error_of_one_is_the_error_of_all(ranks: Ranks) -> None:
    ranks.source = lambda rank: "folder:/nowhere" if rank == 2 else CONFIG.data.source
    assert ranks.all() == ["folder:/nowhere: No such file or directory: /nowhere; check the path"] * 4


def test_machines_with_other_images_are_told(ranks: Ranks) -> None:
    ranks.source = lambda rank: "fake:41x4x9" if rank >= 2 else CONFIG.data.source
    found = set(map(str, ranks.all()))
    assert len(found) == 1
    assert "lists other images than process 0 (41-" in found.pop()


def test_images_that_cannot_be_shared_are_opened_by_all(ranks: Ranks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "SHARED_READERS", {})
    assert all(isinstance(found, Images) for found in ranks.all())
    assert sorted(set(ranks.opened)) == [0, 1, 2, 3]


def test_a_full_disk_is_no_error(ranks: Ranks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: Any) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc] . PytorchStreamWriter failed writing file")

    monkeypatch.setattr(torch, "save", full)
    assert all(isinstance(found, Images) for found in ranks.all())
    assert list(tmp_path.iterdir()) == []
