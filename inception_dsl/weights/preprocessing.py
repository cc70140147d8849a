"""Image preprocessing of the weights that other libraries publish: the tables, and their form in a file.

A weight file has it as JSON in its metadata, under the key `preprocessing`:

    {"tag": "torchvision googlenet IMAGENET1K_V1", "channels": "RGB", "resize": 256, "interpolation": "bilinear",
     "antialias": true, "coordinates": "half_pixel", "crop": [224, 224], "range": [0, 1], "mean": [0.5, 0.5, 0.5],
     "std": [0.5, 0.5, 0.5]}

`resize` is the length of the shorter side in pixels (the other side keeps the proportions), or the height and width.
Then a crop of `crop` (height and width) is taken from the center, bytes are scaled to `range`, and each channel is
normalized: (x - mean) / std. `interpolation` is Pillow's filter of that name, in bytes; Pillow antialiases when it
shrinks an image, except with `nearest`. Without `antialias`, `bilinear` is torch's, in floats. `coordinates` says where
a new pixel lies in the image, in the words of ONNX: `half_pixel`, or `asymmetric` as in TensorFlow 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from inception_dsl.spec.input_size import MAX_DIMENSION

KEY: Final = "preprocessing"
"""The key in a file's metadata."""

RESIZES: Final = (
    ("nearest", False, "half_pixel"),
    ("bilinear", True, "half_pixel"),
    ("bicubic", True, "half_pixel"),
    ("bilinear", False, "half_pixel"),
    ("bilinear", False, "asymmetric"),
)
"""The interpolation, antialias and coordinates of every resize that is known."""

FIXED: Final = {"channels": "RGB", "range": [0, 1]}
"""Entries for other readers; each has only this value here."""


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the input of a network; `tag` names the weights that it belongs to."""

    tag: str
    resize: int | tuple[int, int]
    crop: tuple[int, int]
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    antialias: bool = True
    coordinates: str = "half_pixel"

    def at(self, height: int, width: int) -> Preprocessing:
        """The same for another input size: the ratio of resize to crop stays."""
        if (height, width) == self.crop:
            return self
        if isinstance(self.resize, tuple):
            return replace(self, resize=(height, width), crop=(height, width))
        return replace(self, resize=max(height, width) * self.resize // max(self.crop), crop=(height, width))

    @property
    def view(self) -> str:
        """The resize and the crop, in words."""
        height, width = self.crop
        how = self.interpolation
        if how == "bilinear" and not self.antialias:
            how += f" without antialiasing, {self.coordinates} coordinates"
        if isinstance(self.resize, tuple):
            return f"whole image resized to {height}x{width} ({how})"
        return f"shorter side resized to {self.resize} ({how}), center crop {height}x{width}"

    @property
    def sentence(self) -> str:
        """The view and the values, in words."""
        return f"{self.view}, mean {spell_channels(self.mean)}, std {spell_channels(self.std)}"

    @property
    def json(self) -> str:
        """The JSON for a file's metadata."""
        return json.dumps({**asdict(self), **FIXED})


def spell_channels(values: Collection[float]) -> str:
    """One number for each channel, or a single number if all are equal."""
    return ", ".join(f"{value:g}" for value in ([*values][:1] if len(set(values)) == 1 else values))


def parse_preprocessing(text: str) -> Preprocessing:
    """Read the JSON in a file's metadata. Raises `ValueError` with what is wrong."""
    try:
        data = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        raise ValueError("is not a JSON object") from None
    resize: Any = data.get("resize")
    crop: Any = data.get("crop")
    filter_: Any = data.get("interpolation")
    how = filter_, data.get("antialias", filter_ != "nearest"), data.get("coordinates", "half_pixel")
    checks = {
        "crop": _sizes(crop),
        "resize": resize == crop or (_sizes([resize, resize]) and _sizes(crop) and resize >= max(crop)),
        "interpolation": any(filter_ == known[0] for known in RESIZES),
        "antialias": any(how[:2] == known[:2] for known in RESIZES),
        "coordinates": how in RESIZES,
        "mean": _numbers(data.get("mean")),
        "std": _numbers(data.get("std")) and all(data["std"]),
        **{name: data.get(name, value) == value for name, value in FIXED.items()},
    }
    if wrong := [name for name, right in checks.items() if not right]:
        raise ValueError(f"has an unsupported `{wrong[0]}`: {str(data.get(wrong[0]))[:60]}")
    height, width = crop
    return Preprocessing(
        tag=str(data.get("tag", "")),
        resize=(height, width) if isinstance(resize, list) else resize,
        crop=(height, width),
        interpolation=filter_,
        mean=tuple(map(float, data["mean"])),
        std=tuple(map(float, data["std"])),
        antialias=bool(how[1]),
        coordinates=how[2],
    )


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(x) is int and 0 < x <= MAX_DIMENSION for x in value)


def _numbers(value: Any) -> bool:
    known = isinstance(value, list) and 0 < len(value) <= MAX_DIMENSION
    return known and all(type(x) in (int, float) and math.isfinite(x) for x in value)


# --- what the libraries publish ---------------------------------------------------------------------------------------

Values = Mapping[str, Any]
"""The fields `mean` and `std` of a preprocessing."""

IMAGENET: Final[Values] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
SYMMETRIC: Final[Values] = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
"""Values from -1 to 1, as in TensorFlow's Inception networks."""
CENTRED: Final[Values] = {"mean": (128 / 255,) * 3, "std": (128 / 255,) * 3}
"""(x - 128) / 128 of bytes, as in the graph of 2015-12-05."""


class PublishedWeights:
    """The weights that a library publishes for a network: the preprocessing of each tag.

    The first tag is the default. `files` maps the first eight digits of a file's sha256 to its tag.
    """

    def __init__(self, tags: Mapping[str, Preprocessing], files: Mapping[str, str] | None = None) -> None:
        self.tags = tags
        self.files = files or {}

    def of(self, tag: str, digest: str) -> Preprocessing:
        """The preprocessing of a tag, or else of the file with that sha256. Raises `KeyError` for an unknown tag."""
        default = next(iter(self.tags))
        return self.tags[tag or self.files.get(digest[:8], default)]


def _torchvision(
    network: str,
    crop: int = 224,
    values: Values = IMAGENET,
    files: Mapping[str, str] | None = None,
    **resizes: int,
) -> PublishedWeights:
    """Weights of torchvision: `resizes` has the length of the shorter side by tag; then a center crop."""
    return PublishedWeights(
        {
            tag: Preprocessing(f"torchvision {network} {tag}", resize, (crop, crop), "bilinear", **values)
            for tag, resize in (resizes or {"IMAGENET1K_V1": 256}).items()
        },
        files,
    )


def _timm(network: str, crop: int, **tags: tuple[float, str, Values]) -> PublishedWeights:
    """Weights of timm: by tag `crop_pct`, the interpolation, and mean and standard deviation."""
    return PublishedWeights(
        {
            tag: Preprocessing(f"timm {network} {tag}", math.floor(crop / fraction), (crop, crop), filter_, **values)
            for tag, (fraction, filter_, values) in tags.items()
        }
    )


def _keras(network: str) -> PublishedWeights:
    """Weights of keras: `load_img(file, target_size=(299, 299))` as in its documentation, then `preprocess_input`."""
    tag = "imagenet"
    return PublishedWeights(
        {tag: Preprocessing(f"keras {network} {tag}", (299, 299), (299, 299), "nearest", **SYMMETRIC, antialias=False)}
    )


def _fid(title: str, values: Values, coordinates: str) -> PublishedWeights:
    """The weights of FID's network, whose file is the same in all libraries; `title` names a library and its network.

    Bilinear without antialiasing, of floats, as in the libraries' own code.
    """
    tag, size = "inception-2015-12-05", (299, 299)
    return PublishedWeights(
        {
            tag: Preprocessing(
                f"{title} {tag}", size, size, "bilinear", **values, antialias=False, coordinates=coordinates
            )
        },
        {"6726825d": tag},
    )


RESNET: Final = {
    "a1_in1k": (0.95, "bicubic", IMAGENET),
    "a2_in1k": (0.95, "bicubic", IMAGENET),
    "gluon_in1k": (0.875, "bicubic", IMAGENET),
    "tv_in1k": (0.875, "bilinear", IMAGENET),
}
"""The weights that timm has of every ResNet here."""

PUBLISHED: Final[Mapping[str, Mapping[str, PublishedWeights]]] = {
    # torchvision.models.*_Weights.transforms(); `files` from the names of the downloads
    "torchvision": {
        # these weights come with `transform_input=True`, which turns ImageNet's mean and deviation into 0.5
        "googlenet": _torchvision("googlenet", values=SYMMETRIC),
        "inception_v3": _torchvision("inception_v3", 299, SYMMETRIC, IMAGENET1K_V1=342),
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
        **{name: _torchvision(name) for name in ("squeezenet1_0", "squeezenet1_1")},
    },
    # timm.get_pretrained_cfg(network), read by timm.data.resolve_data_config; timm's default tag comes first
    "timm": {
        "inception_v3": _timm(
            "inception_v3",
            299,
            tv_in1k=(0.875, "bicubic", SYMMETRIC),
            tf_in1k=(0.875, "bicubic", SYMMETRIC),
            tf_adv_in1k=(0.875, "bicubic", SYMMETRIC),
            gluon_in1k=(0.875, "bicubic", IMAGENET),
        ),
        "inception_v4": _timm("inception_v4", 299, tf_in1k=(0.875, "bicubic", SYMMETRIC)),
        "inception_resnet_v2": _timm(
            "inception_resnet_v2",
            299,
            tf_in1k=(0.8975, "bicubic", SYMMETRIC),
            tf_ens_adv_in1k=(0.8975, "bicubic", SYMMETRIC),
        ),
        "legacy_xception": _timm("legacy_xception", 299, tf_in1k=(0.8975, "bicubic", SYMMETRIC)),
        "resnet50": _timm("resnet50", 224, **RESNET),
        "resnet152": _timm("resnet152", 224, a1h_in1k=RESNET["a1_in1k"], **RESNET),
    },
    # pytorch_fid.inception.InceptionV3.forward
    "pytorch-fid": {"fid_inception_v3": _fid("pytorch-fid fid_inception_v3", SYMMETRIC, "half_pixel")},
    # torch_fidelity.FeatureExtractorInceptionV3.forward
    "torch-fidelity": {"inception-v3-compat": _fid("torch-fidelity inception-v3-compat", CENTRED, "asymmetric")},
    # keras.applications.*.preprocess_input, mode "tf"
    "keras": {name: _keras(name) for name in ("InceptionV3", "InceptionResNetV2", "Xception")},
}
