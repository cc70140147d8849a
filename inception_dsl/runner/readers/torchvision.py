"""Data sets of `torchvision.datasets`."""

from __future__ import annotations

import inspect
import os
from typing import Any

from inception_dsl.runner.base.settings import RunError, error_text
from inception_dsl.runner.readers.datasets import DatasetReader
from inception_dsl.runner.readers.decode import preload_decoder
from inception_dsl.runner.readers.reader import SPLITS, Reader


def torchvision_images(path: str, split: str) -> Reader:
    """`NAME,FOLDER`: a class of `torchvision.datasets` and the folder of its files, which are never downloaded."""
    import torchvision.datasets

    name, _, root = path.partition(",")
    kind: Any = getattr(torchvision.datasets, name, None)
    settings = set(inspect.signature(kind).parameters) if inspect.isclass(kind) else set()
    if not root or not settings:
        raise RunError(
            f"torchvision:{path}: write torchvision:NAME,FOLDER with a data set that has splits, such as FashionMNIST"
        )
    layout = "as train/CLASS/IMAGE and val/CLASS/IMAGE, which folder: reads"
    if not {"train", "split"} & settings:
        raise RunError(f"torchvision:{path}: {name} has no training and held-out split; lay its images out {layout}")
    words = ("train", "trainval", "train-standard") if split == "train" else SPLITS["test"]
    choices = [{"split": word} for word in words] if "split" in settings else [{"train": split == "train"}]
    for chosen in choices:
        try:
            images = kind(root, **chosen, **({"download": False} if "download" in settings else {}))
            break
        except ValueError:
            continue  # no such split
        except (RuntimeError, OSError, ImportError) as error:
            plain = f"; or read the images without it: folder:{root}" * os.path.isdir(os.path.join(root, "train"))
            if isinstance(error, ImportError) and not plain:
                raise
            cause = error_text(error).rstrip(".")
            if isinstance(error, ImportError):
                cause = f"torchvision needs {str(error.name).partition('.')[0]} to read {name}"
            raise RunError(f"torchvision:{path}: {cause}. Put the files of {name} in that folder{plain}") from None
    else:
        raise RunError(f"torchvision:{path}: it has no split named {' or '.join(words)}; lay images out {layout}")
    preload_decoder(jpeg=False)  # torchvision opens its files with Pillow
    return DatasetReader(images, f"{name}:{split}")
