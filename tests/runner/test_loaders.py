"""Workers start before the keys of their batches are known, serve every epoch and evaluation, and end with the run."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import active_children

import pytest
import torch
from torch import Tensor

from inception_dsl.runner.base.config import Augment, Config, Data
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.images import start
from inception_dsl.runner.images.loaders import (
    ImageLoader,
    available_cores,
    evaluation_loader,
    loader_workers,
    make_evaluation_loader,
    make_loader,
    training_loader,
)
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers.reader import Unreadable
from inception_dsl.runner.readers.readers import open_images

CONFIG = Config(data=Data("fake:40x4x9", 3, 8, 8, batch=4, workers=2), augment=Augment(resize=9))
HERE = RankContext(torch.device("cpu"))


class Images:
    """Images that name their worker instead of being readable, and take their time."""

    classes, fingerprint = ["a", "b"], "images"

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds

    def __len__(self) -> int:
        return 40

    def label(self, index: int) -> Tensor:
        return torch.tensor(index % 2)

    def name(self, index: int) -> str:
        return str(index)

    def read(self, index: int, reduction: object = None) -> Tensor:
        time.sleep(self.seconds)
        raise Unreadable(str(os.getpid()))


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    assert active_children() == []


def workers(loader: ImageLoader) -> set[int]:
    """The processes that serve an evaluation."""
    batches = list(make_evaluation_loader(loader, CONFIG, HERE))
    assert sorted(index for batch in batches for index in batch.indices.tolist()) == [-1] * 40
    return {int(name) for batch in batches for name in batch.unreadable}


def test_the_same_workers_serve_every_load() -> None:
    loader = evaluation_loader(Images(), CONFIG, HERE)
    assert active_children() == []
    loader.start()
    started = {child.pid for child in active_children()}
    assert len(started) == 2
    assert workers(loader) == workers(loader) == started
    loader.close()


def test_a_load_has_nothing_of_an_earlier_one_that_was_left() -> None:
    loader = training_loader(open_images(CONFIG.data.source, "train"), CONFIG, HERE)
    alone = training_loader(loader.reader, replace(CONFIG, data=replace(CONFIG.data, workers=0)), HERE)
    for first, steps in ((0, 9), (3, 7), (20, 25)):
        found, expected = (make_loader(each, CONFIG, HERE, first, first + steps) for each in (loader, alone))
        for _ in range(2):  # and then leaves it
            ours, theirs = next(found), next(expected)
            assert torch.equal(ours.images, theirs.images) and torch.equal(ours.indices, theirs.indices)
    loader.close()


def test_a_worker_that_is_killed_ends_the_load() -> None:
    loader = evaluation_loader(Images(), CONFIG, HERE)
    loader.start()
    victim = active_children()[0].pid
    assert victim is not None

    def kill() -> None:
        os.kill(victim, signal.SIGKILL)
        for _ in range(3):
            workers(loader)

    with pytest.raises(RuntimeError, match=f"DataLoader worker \\(pid.* {victim}\\)"):
        kill()
    loader.close()


def test_a_batch_that_does_not_come_ends_the_load() -> None:
    config = replace(CONFIG, data=replace(CONFIG.data, timeout=0.2))
    loader = evaluation_loader(Images(seconds=1), config, HERE)
    with pytest.raises(RunError, match=r"no batch of images came within data.timeout, 0.2 s"):
        next(make_evaluation_loader(loader, config, HERE))
    loader.close()


def test_workers_start_before_the_processes_are_connected_and_end_with_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forked: list[int] = []
    monkeypatch.setattr(start, "connect_ranks", lambda context: forked.append(len(active_children())))
    with start.start_run(CONFIG, HERE):
        assert forked == [4]  # two for training, two for evaluation
    assert active_children() == []
    with pytest.raises(KeyError), start.start_run(CONFIG, HERE):
        raise KeyError


def test_more_workers_than_cores_are_noted_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(start, "available_cores", lambda: 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})  # by which torch counts
    with start.start_run(CONFIG, HERE):
        assert capsys.readouterr().err.startswith("note: data.workers is 2, and each process has 1: more workers than")
    assert not recwarn.list


def test_a_slow_start_says_what_it_does(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Late:
        """A timer that is late at once."""

        def __init__(self, seconds: float, act: Callable[[], object]) -> None:
            assert seconds == 3
            self.start = act

        def cancel(self) -> None:
            self.join = lambda: None

    monkeypatch.setattr(start, "Timer", Late)
    with start.announced("opening folder:/data", HERE):
        pass
    assert capsys.readouterr().err == "opening folder:/data ...\n"
    with start.announced("opening folder:/data", replace(HERE, rank=1, world_size=2)):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("cores", "device", "expected"),
    [(1, "cpu", 0), (2, "cpu", 1), (64, "cpu", 2), (1, "cuda:0", 1), (8, "cuda:0", 7), (192, "cuda:0", 32)],
)
def test_workers_are_chosen_from_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, device: str, expected: int
) -> None:
    monkeypatch.setattr("inception_dsl.runner.images.loaders.available_cores", lambda: cores)
    context = RankContext(torch.device(device))
    assert loader_workers(Config(), context) == expected
    assert loader_workers(CONFIG, context) == 2


def test_local_ranks_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(12)), raising=False)
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: "max 100000")
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert available_cores() == 12
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "5")
    assert available_cores() == 2
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "16")
    assert available_cores() == 1
    monkeypatch.delenv("LOCAL_WORLD_SIZE")
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: "350000 100000")  # of a container
    assert available_cores() == 3
