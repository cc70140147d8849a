"""How images were prepared for the weights that other libraries publish: data, its form in a file, and how it is read.

A file of weights keeps it as JSON under one key of its metadata, `preprocessing`:

    {"tag": "torchvision googlenet IMAGENET1K_V1", "channels": "RGB", "resize": 256, "interpolation": "bilinear",
     "antialias": true, "crop": [224, 224], "range": [0, 1], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}

`resize` is the shorter side in pixels, the other one in proportion; or height and width, whatever the image's shape.
Then the middle of `crop` (height and width) is cut out, bytes become numbers of `range`, and these less `mean` are
divided by `std`, channel by channel. `interpolation` is Pillow's of that name, which averages what it makes smaller
unless it is `nearest`: `antialias` says so to other readers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

KEY: Final = "preprocessing"
"""Where it stands in a file's metadata."""

INTERPOLATIONS: Final = ("nearest", "bilinear", "bicubic")
FIXED: Final = {"channels": "RGB", "range": [0, 1]}
"""What is written for others, and has one value here."""

LARGEST: Final = 65_536
"""Pixels of a side."""


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the input of a network; `tag` says whose weights want it so."""

    tag: str
    resize: int | tuple[int, int]
    crop: tuple[int, int]
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def at(self, height: int, width: int) -> Preprocessing:
        """The same for another size of the input: what is resized keeps its proportion to what is cut out."""
        if (height, width) == self.crop:
            return self
        if isinstance(self.resize, tuple):
            return replace(self, resize=(height, width), crop=(height, width))
        return replace(self, resize=max(height, width) * self.resize // max(self.crop), crop=(height, width))

    @property
    def view(self) -> str:
        """What is done to an image's shape, in words."""
        height, width = self.crop
        if isinstance(self.resize, tuple):
            return f"the whole image resized to {height}x{width} ({self.interpolation})"
        return f"the shorter side resized to {self.resize} ({self.interpolation}), then the middle {height}x{width}"

    @property
    def json(self) -> str:
        """The form in a file's metadata."""
        return json.dumps({**asdict(self), **FIXED, "antialias": self.interpolation != "nearest"})


def parsed(text: str) -> Preprocessing:
    """Read the form in a file's metadata. Raises `ValueError`, which says what is wrong, for anything else."""
    try:
        data = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        raise ValueError("is no JSON object") from None
    resize: Any = data.get("resize")
    crop: Any = data.get("crop")
    checks = {
        "crop": _sizes(crop),
        "resize": resize == crop or (_sizes([resize, resize]) and _sizes(crop) and resize >= max(crop)),
        "interpolation": data.get("interpolation") in INTERPOLATIONS,
        "antialias": data.get("antialias", True) == (data.get("interpolation") != "nearest"),
        "mean": _numbers(data.get("mean")),
        "std": _numbers(data.get("std")) and all(data["std"]),
        **{name: data.get(name, value) == value for name, value in FIXED.items()},
    }
    if wrong := [name for name, right in checks.items() if not right]:
        raise ValueError(f"has no `{wrong[0]}` that is known here: {str(data.get(wrong[0]))[:60]}")
    height, width = crop
    return Preprocessing(
        tag=str(data.get("tag", "")),
        resize=(height, width) if isinstance(resize, list) else resize,
        crop=(height, width),
        interpolation=data["interpolation"],
        mean=tuple(map(float, data["mean"])),
        std=tuple(map(float, data["std"])),
    )


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(x) is int and 0 < x <= LARGEST for x in value)


def _numbers(value: Any) -> bool:
    known = isinstance(value, list) and 0 < len(value) <= LARGEST
    return known and all(type(x) in (int, float) and math.isfinite(x) for x in value)


# --- what the libraries publish ---------------------------------------------------------------------------------------

IMAGENET: Final = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
HALF: Final = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
"""From -1 to 1, as TensorFlow's Inception networks have it."""


class Published:
    """The sets of weights that a library publishes for a network, by their tags, each with its preprocessing.

    The first is taken where nothing tells which it is. `files` are the tags of files by the beginning of their sha256.
    """

    def __init__(self, tags: Mapping[str, Preprocessing], files: Mapping[str, str] | None = None) -> None:
        self.tags = tags
        self.files = files or {}

    def of(self, tag: str, digest: str) -> Preprocessing:
        """Of the tag, where there is one; else of the file with that sha256. Raises `KeyError` for an unknown tag."""
        default = next(iter(self.tags))
        return self.tags[tag or self.files.get(digest[:8], default)]


def _torchvision(
    network: str,
    crop: int = 224,
    values: Mapping[str, tuple[float, ...]] = IMAGENET,
    files: Mapping[str, str] | None = None,
    **resizes: int,
) -> Published:
    """Weights of torchvision: to what the shorter side is resized, by tag, then the middle `crop` pixels."""
    return Published(
        {
            tag: Preprocessing(f"torchvision {network} {tag}", resize, (crop, crop), "bilinear", **values)
            for tag, resize in (resizes or {"IMAGENET1K_V1": 256}).items()
        },
        files,
    )


def _timm(network: str, crop: int, **tags: tuple[float, str, Mapping[str, tuple[float, ...]]]) -> Published:
    """Weights of timm: the part of the shorter side that is seen (`crop_pct`), interpolation, mean and deviation."""
    return Published(
        {
            tag: Preprocessing(f"timm {network} {tag}", math.floor(crop / part), (crop, crop), how, **values)
            for tag, (part, how, values) in tags.items()
        }
    )


def _keras(network: str) -> Published:
    """Weights of keras: `load_img(file, target_size=(299, 299))` as its documentation has it, `preprocess_input`."""
    tag = "imagenet"
    return Published({tag: Preprocessing(f"keras {network} {tag}", (299, 299), (299, 299), "nearest", **HALF)})


RESNET: Final = {
    "a1_in1k": (0.95, "bicubic", IMAGENET),
    "a2_in1k": (0.95, "bicubic", IMAGENET),
    "gluon_in1k": (0.875, "bicubic", IMAGENET),
    "tv_in1k": (0.875, "bilinear", IMAGENET),
}
"""The weights that timm has of every ResNet here."""

PUBLISHED: Final[Mapping[str, Mapping[str, Published]]] = {
    # torchvision.models.*_Weights.transforms(); for files, the names that they are downloaded by
    "torchvision": {
        # with these weights the networks have `transform_input`, which turns ImageNet's mean and deviation into 0.5
        "googlenet": _torchvision("googlenet", values=HALF),
        "inception_v3": _torchvision("inception_v3", 299, HALF, IMAGENET1K_V1=342),
        "alexnet": _torchvision("alexnet"),
        "vgg16": _torchvision("vgg16"),
        "vgg19": _torchvision("vgg19"),
        "resnet50": _torchvision(
            "resnet50",
            files={"0676ba61": "IMAGENET1K_V1", "11ad3fa6": "IMAGENET1K_V2"},
            IMAGENET1K_V1=256,
            IMAGENET1K_V2=232,
        ),
        "resnet152": _torchvision(
            "resnet152",
            files={"394f9c45": "IMAGENET1K_V1", "f82ba261": "IMAGENET1K_V2"},
            IMAGENET1K_V1=256,
            IMAGENET1K_V2=232,
        ),
    },
    # timm.get_pretrained_cfg(network), read by timm.data.resolve_data_config; the first tag is timm's own default
    "timm": {
        "inception_v3": _timm(
            "inception_v3",
            299,
            tv_in1k=(0.875, "bicubic", HALF),
            tf_in1k=(0.875, "bicubic", HALF),
            tf_adv_in1k=(0.875, "bicubic", HALF),
            gluon_in1k=(0.875, "bicubic", IMAGENET),
        ),
        "inception_v4": _timm("inception_v4", 299, tf_in1k=(0.875, "bicubic", HALF)),
        "inception_resnet_v2": _timm(
            "inception_resnet_v2", 299, tf_in1k=(0.8975, "bicubic", HALF), tf_ens_adv_in1k=(0.8975, "bicubic", HALF)
        ),
        "legacy_xception": _timm("legacy_xception", 299, tf_in1k=(0.8975, "bicubic", HALF)),
        "resnet50": _timm("resnet50", 224, **RESNET),
        "resnet152": _timm("resnet152", 224, a1h_in1k=RESNET["a1_in1k"], **RESNET),
    },
    # keras.applications.*.preprocess_input, mode "tf"
    "keras": {name: _keras(name) for name in ("InceptionV3", "InceptionResNetV2", "Xception")},
}
