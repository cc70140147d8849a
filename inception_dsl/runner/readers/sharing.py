"""Images of a run of several processes: one on each machine lists them, and the others map what it found."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.distributed.distributed_c10d import Store

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.machine.devices import RankContext, rank_store
from inception_dsl.runner.readers.decode import preload_decoder
from inception_dsl.runner.readers.image_files import FileReader
from inception_dsl.runner.readers.parquet import ParquetReader
from inception_dsl.runner.readers.reader import Reader
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.runner.readers.shards import ShardReader
from inception_dsl.runner.readers.tables import ArrayReader, NoiseReader

# Readers whose attributes are tensors, numbers, texts and lists of them. Every process opens others for itself.
SHARED_READERS: dict[str, type[Any]] = {
    reader.__name__: reader for reader in (FileReader, ShardReader, ParquetReader, ArrayReader, NoiseReader)
}


class Machine(NamedTuple):
    """A machine of a run, and a process on it."""

    name: str
    rank: int
    ranks: int  # processes on it


def this_machine() -> Machine:
    """The machine of this process."""
    name = os.environ.get("GROUP_RANK") or socket.gethostname()
    return Machine(name, int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


class Images(NamedTuple):
    """The images of a run."""

    training: Reader
    held_out: Reader


def open_splits(config: Config) -> Images:
    """Open the images for training and the held-out ones. Raises `RunError` if they are missing or do not suit."""
    images = open_images(config.data.source, "train", (), config.loss.name)
    held_out = open_images(config.data.source, "test", images.classes, config.loss.name)
    if images.classes != held_out.classes:
        raise RunError(f"{config.data.source}: the classes of the held-out images differ, or their order")
    return Images(images, held_out)


def shared_images(config: Config, context: RankContext) -> Images:
    """Open the images, on each machine in one process.

    Raises `RunError` in every process if one of them cannot, or if machines have different images.
    """
    if context.world_size == 1:
        return open_splits(config)
    store, machine, path = rank_store(), this_machine(), None
    calls = store.add(f"opened/{context.rank}", 1)  # of this process, and of every other
    exchange = _Exchange(store, f"images/{calls}")
    try:
        if machine.rank == 0:
            images = open_splits(config)
            path = save_images(images) if machine.ranks > 1 else None
            exchange.put(f"path/{machine.name}", str(path or ""))
        else:
            given = exchange.get(f"path/{machine.name}")
            images = exchange.load(Path(given)) if given else open_splits(config)
        exchange.agree(context, " and ".join(reader.fingerprint for reader in images), config.data.source)
    except RunError as error:
        raise RunError(exchange.fail(str(error))) from None
    finally:
        if path:
            path.unlink(missing_ok=True)  # what is mapped stays
    return images


def save_images(images: Images) -> Path | None:
    """Write images to a temporary file for other processes; None if they cannot be shared, or there is no room."""
    if any(type(reader).__name__ not in SHARED_READERS for reader in images):
        return None
    with suppress(OSError, RuntimeError):  # torch raises RuntimeError for a file that it cannot write
        number, name = tempfile.mkstemp(prefix="images-", suffix=".pt")
        os.close(number)
        try:
            torch.save([(type(reader).__name__, vars(reader)) for reader in images], name)
            return Path(name)
        except (OSError, RuntimeError):
            os.unlink(name)
            raise
    return None


def load_images(path: Path) -> Images:
    """Map images from the file of another process."""
    readers: list[Reader] = []
    for kind, attributes in torch.load(path, mmap=True, weights_only=True):
        reader: Any = object.__new__(SHARED_READERS[kind])
        vars(reader).update(attributes)
        if "jpeg" in attributes:
            preload_decoder(attributes["jpeg"])
        readers.append(reader)
    return Images(*readers)


class _Exchange:
    """Texts that processes exchange before they are connected. None waits for one that has failed."""

    def __init__(self, store: Store, prefix: str) -> None:
        self._store, self._key = store, partial(os.path.join, prefix)

    def put(self, key: str, text: str) -> None:
        """Give a text to others."""
        self._store.set(self._key(key), text)

    def get(self, key: str) -> str:
        """Wait for a text, however long listing takes. Raises `RunError` if a process has failed."""
        pause, key, end = 0.001, self._key(key), self._key("end")
        while not self._store.check([key]):
            if self._store.check([end]):
                self._raise_failure()
            time.sleep(pause)
            pause = min(2 * pause, 0.5)
        return bytes(self._store.get(key)).decode()

    def load(self, path: Path) -> Images:
        """Map images from a file, which is gone if a process has failed. Raises `RunError` then."""
        try:
            return load_images(path)
        except OSError:
            self.get("end")
            self._raise_failure()
            raise

    def fail(self, message: str) -> str:
        """Tell the others why this process has failed; returns the message of the first that has."""
        with suppress(RuntimeError):  # the store is gone
            message = json.loads(self._store.compare_set(self._key("end"), "", json.dumps(message)))
        return message

    def agree(self, context: RankContext, fingerprint: str, source: str) -> None:
        """Wait for all. Raises `RunError` if they have different images."""
        if context.rank == 0:
            self.put("fingerprint", fingerprint)
        if (first := self.get("fingerprint")) != fingerprint:
            problem = f"process {context.rank} lists other images than process 0 ({fingerprint}, not {first})"
            raise RunError(f"{source}: {problem}; every machine needs the same images")
        if self._store.add(self._key("ready"), 1) == context.world_size:
            self.put("end", json.dumps(""))
        self.get("end")
        self._raise_failure()

    def _raise_failure(self) -> None:
        if message := json.loads(bytes(self._store.get(self._key("end"))).decode()):
            raise RunError(message)
