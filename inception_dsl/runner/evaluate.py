"""Evaluation: every image counts once, whatever the number of processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inception_dsl.runner.config import Config
from inception_dsl.runner.data import make_evaluation_loader
from inception_dsl.runner.devices import RankContext, all_reduce_numbers, autocast
from inception_dsl.runner.reader import Reader
from inception_dsl.runner.settings import RunError


@dataclass(frozen=True)
class Score:
    """Top-1 and top-5 accuracy and mean cross-entropy over n images."""

    n: int
    top1: float
    top5: float
    loss: float
    unreadable: int  # images not among the n


def label_ranks(scores: Tensor, labels: Tensor) -> Tensor:
    """The 0-based rank of the right class. Ties go to the lower class index; a row with a NaN ranks last."""
    right = scores.gather(1, labels[:, None])
    first = torch.arange(scores.shape[1], device=scores.device) < labels[:, None]
    before = ((scores > right) | ((scores == right) & first)).sum(1)
    return before.where(~scores.isnan().any(1), torch.iinfo(torch.int64).max)


def evaluate(
    network: nn.Module, reader: Reader, config: Config, context: RankContext, stop: Callable[[], bool]
) -> tuple[Score, list[str]]:
    """Evaluate a network on all images, or on fewer if `stop`, polled before each batch, becomes true.

    Each rank takes its share, unpadded; all get the same score, and each a list of its unreadable images. Raises
    `RunError` if no image is readable.
    """
    n = unreadable = top1 = top5 = loss = 0.0
    problems, stopped, training = list[str](), False, network.training
    network.eval()
    try:
        with torch.inference_mode():
            for batch in make_evaluation_loader(reader, config, context):
                if stopped := stop():
                    break
                problems += batch.unreadable
                images, labels = (
                    tensor.to(context.device, non_blocking=True) for tensor in (batch.images, batch.labels)
                )
                with autocast(context, config.run.precision):
                    scores = network(images).float()
                readable = labels >= 0  # placeholders of unreadable images do not count
                scores, labels = scores[readable], labels[readable]
                before = label_ranks(scores, labels)
                losses = cross_entropy(scores, labels, reduction="sum")
                found = torch.stack([(before < 1).sum(), (before < 5).sum(), losses]).tolist()
                n, unreadable = n + len(labels), unreadable + len(readable) - len(labels)
                top1, top5, loss = top1 + found[0], top5 + found[1], loss + found[2]
    finally:
        network.train(training)
    n, unreadable, top1, top5, loss, early = all_reduce_numbers(context, n, unreadable, top1, top5, loss, stopped)
    assert early or n + unreadable == len(reader), f"{n} and {unreadable} of {len(reader)} images were counted"
    if unreadable and not n and not early:
        raise RunError(f"none of the {len(reader):,} images to evaluate can be read; is the disk there?")
    of = max(n, 1)
    return Score(int(n), top1 / of, top5 / of, loss / of, int(unreadable)), problems
