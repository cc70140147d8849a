"""A network's probabilities for many images; crops of several images share a forward pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from inception_dsl.evaluation.cache import Predictions
from inception_dsl.evaluation.crops import Crops, View, make_crops
from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.fit import check_fit, find_misfits
from inception_dsl.runner.base.settings import RunError, lookup
from inception_dsl.runner.images.loaders import QuietLoader, init_worker, iterate_loader, loader_workers
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.machine.precision import autocast
from inception_dsl.runner.readers.reader import Reader, Unreadable

ACTIVATIONS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "cross_entropy": partial(torch.softmax, dim=1),
    "bce": torch.sigmoid,
    "mse": torch.clone,
}
"""What makes predictions of a network's outputs, by the loss of its training: probabilities, or numbers as they are."""

Open = dict[int, Tensor]
"""The partial sums (protocols x classes, float64) of images whose crops are not all done, by position."""


class Chunk(NamedTuple):
    """Crops that share a forward pass, the position of the image of each, and its weights in each protocol."""

    images: Tensor
    owners: Tensor
    weights: Tensor


class _CropDataset(Dataset[Crops | str]):
    """The crops of a reader's images; for an unreadable image its name and the cause."""

    def __init__(
        self, reader: Reader, config: Config, protocols: tuple[str, ...], indices: Sequence[int], view: View | None
    ) -> None:
        self.reader, self.config, self.protocols, self.indices, self.view = reader, config, protocols, indices, view

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> Crops | str:
        try:
            image = self.reader.read(self.indices[position])
        except Unreadable as error:
            return str(error)
        return make_crops(image, self.config, self.protocols, self.view)


def predict(
    network: nn.Module,
    reader: Reader,
    config: Config,
    context: RankContext,
    protocols: tuple[str, ...],
    indices: Sequence[int],
    batch: int,
    view: View | None = None,
    show: Callable[[int], object] | None = None,
) -> Predictions:
    """The predictions for the images at `indices`, averaged over the crops of each protocol.

    `view` replaces the recipe's. They are probabilities, or numbers, as the loss of `config` says. A forward pass takes
    `batch` crops; probabilities are computed in float32, means in float64. Unreadable images are left out and named.
    `show` is called with the number of images that are done.
    The network goes to the device, and keeps its mode. Raises `RunError` for inconsistent settings, and if the network
    has other classes than the data.
    """
    check_fit(find_misfits(config))  # wrong settings are reported here, not by a worker
    make_crops(torch.zeros(3, 2, 2, dtype=torch.uint8), config, protocols, view)
    training, device = network.training, context.device
    activation = lookup(ACTIVATIONS, config.loss.name, "loss.name")
    found: dict[int, Tensor] = {}
    sums: Open = {}
    unreadable: list[str] = []
    network.eval()
    try:
        loader = QuietLoader(
            _CropDataset(reader, config, protocols, indices, view),
            batch_size=None,
            num_workers=loader_workers(config, context),
            worker_init_fn=init_worker,
        )
        arriving = iterate_loader(loader)
        first = list(islice(arriving, 1))  # workers start before the device is opened
        network.to(device)
        with torch.inference_mode():
            for chunk in _chunks(chain(first, arriving), batch, device, unreadable):
                with autocast(context, config.run.precision):
                    logits = network(chunk.images)
                if logits.shape[1] != len(reader.classes):
                    known = f"the network has {logits.shape[1]} classes, but the data has {len(reader.classes)}"
                    raise RunError(f"{known}; evaluate it on data with its own classes")
                _accumulate(sums, chunk, activation(logits.float()).cpu().double())
                done = [owner for owner in sums if owner != int(chunk.owners[-1])]
                found.update({owner: sums.pop(owner).float() for owner in done})
                if show:
                    show(len(found) + len(unreadable))
    finally:
        network.train(training)
    found.update({owner: total.float() for owner, total in sums.items()})
    kept = [indices[owner] for owner in found]
    values = torch.stack(list(found.values())) if found else torch.zeros(0, len(protocols), len(reader.classes))
    return Predictions(
        probabilities={protocol: values[:, i].contiguous() for i, protocol in enumerate(protocols)},
        labels=torch.stack([reader.label(index) for index in kept]) if kept else torch.zeros(0, dtype=torch.int64),
        names=[reader.name(index) for index in kept],
        classes=list(reader.classes),
        weights=[network_sha256(network)],
        data=reader.fingerprint,
        unreadable=unreadable,
        loss=config.loss.name,
    )


def _chunks(cuts: Iterable[Crops | str], batch: int, device: torch.device, unreadable: list[str]) -> Iterator[Chunk]:
    """Crops of all images, in chunks of equal size; the last one may be smaller. Mirrors are made on the device.

    Unreadable images are appended to `unreadable`.
    """
    waiting: list[Chunk] = []
    for owner, crops in enumerate(cuts):
        if isinstance(crops, str):
            unreadable.append(crops)
            continue
        images, used = crops.images.to(device), (crops.weights > 0).any(2)
        both = torch.cat([images[used[:, 0].to(device)], images[used[:, 1].to(device)].flip(-1)])
        weights = torch.cat([crops.weights[:, 0][used[:, 0]], crops.weights[:, 1][used[:, 1]]])
        waiting.append(Chunk(both, torch.full((len(both),), owner), weights))
        if sum(len(part.images) for part in waiting) >= batch:
            joined = _concatenate(waiting)
            most = len(joined.images) // batch * batch
            for start in range(0, most, batch):
                yield Chunk(*(part[start : start + batch] for part in joined))
            waiting = [Chunk(*(part[most:] for part in joined))] if most < len(joined.images) else []
    if waiting:
        yield _concatenate(waiting)


def _concatenate(chunks: list[Chunk]) -> Chunk:
    return Chunk(*(torch.cat(parts) for parts in zip(*chunks, strict=True)))


def _accumulate(sums: Open, chunk: Chunk, probabilities: Tensor) -> None:
    """Add a chunk's weighted probabilities to the sums; crops of weight 0 add nothing, even if they are NaN."""
    for owner in dict.fromkeys(chunk.owners.tolist()):
        mine = chunk.owners == owner
        weights = chunk.weights[mine].T[:, :, None]
        part = (weights * probabilities[mine]).where(weights > 0, 0).sum(1)
        sums[owner] = sums[owner] + part if owner in sums else part


def network_sha256(network: nn.Module) -> str:
    """The SHA-256 of a network's tensors and their names."""
    found = hashlib.sha256()
    state: dict[str, Any] = network.state_dict()
    for name in sorted(state):
        values = state[name].detach().cpu().contiguous()
        found.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        found.update(values.flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
