"""The sets of weights that libraries publish, each with its preprocessing: the tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from inception_dsl.weights.preprocessing import Preprocessing

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
    filter_: str = "bilinear",
    **resizes: int,
) -> PublishedWeights:
    """Weights of torchvision: `resizes` has the length of the shorter side by tag; then a center crop."""
    return PublishedWeights(
        {
            tag: Preprocessing(f"torchvision {network} {tag}", resize, (crop, crop), filter_, **values)
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


def _pretrainedmodels(network: str, crop: int, values: Values) -> PublishedWeights:
    """Weights of pretrainedmodels, as its `TransformImage` prepares images."""
    tag, resize = "imagenet", math.floor(crop / 0.875)
    title = f"pretrainedmodels {network} {tag}"
    return PublishedWeights({tag: Preprocessing(title, resize, (crop, crop), "bilinear", **values)})


def _facenet(network: str, *tags: str) -> PublishedWeights:
    """Weights of facenet-pytorch: a face as `extract_face` cuts it out, then `fixed_image_standardization`."""
    size = (160, 160)
    return PublishedWeights(
        {
            tag: Preprocessing(f"facenet-pytorch {network} {tag}", size, size, "bilinear", (0.5,) * 3, (128 / 255,) * 3)
            for tag in tags
        }
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


def _two_sets(network: str, first: str, second: str) -> PublishedWeights:
    """The first and the second set of torchvision, known by the digits in the names of their files."""
    files = {first: "IMAGENET1K_V1", second: "IMAGENET1K_V2"}
    return _torchvision(network, files=files, IMAGENET1K_V1=256, IMAGENET1K_V2=232)


ONE_SET: Final = (
    *("alexnet", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg19", "resnet18", "resnet34"),
    *("densenet121", "densenet169", "squeezenet1_0", "squeezenet1_1", "mobilenet_v3_small"),
    *("shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "mnasnet1_0"),
)
TWO_SETS: Final = {
    "resnet50": ("0676ba61", "11ad3fa6"),
    "resnet101": ("63fe2227", "cd907fc2"),
    "resnet152": ("394f9c45", "f82ba261"),
    "resnext50_32x4d": ("7cdf4587", "1a0047aa"),
    "wide_resnet50_2": ("95faca4d", "9ba9bcbe"),
    "mobilenet_v2": ("b0353104", "7ebf99e0"),
    "mobilenet_v3_large": ("8738ca79", "5c1a4163"),
    "regnet_x_400mf": ("adf1edd5", "62229a5f"),
    "regnet_y_400mf": ("c65dace8", "e6988f5f"),
    "regnet_y_8gf": ("d0d0e4a8", "dc2b1b54"),
}
"""The networks of torchvision with one and with two sets of weights, all on 224x224 pixels."""

A1H: Final = (0.95, "bicubic", IMAGENET)
TV2: Final = (0.965, "bicubic", IMAGENET)
BICUBIC: Final = (0.875, "bicubic", IMAGENET)
RESNET: Final = {
    "a1_in1k": A1H,
    "a2_in1k": A1H,
    "gluon_in1k": BICUBIC,
    "tv_in1k": (0.875, "bilinear", IMAGENET),
}
"""The weights that timm has of every ResNet here."""

PUBLISHED: Final[Mapping[str, Mapping[str, PublishedWeights]]] = {
    # torchvision.models.*_Weights.transforms(); `files` from the names of the downloads
    "torchvision": {
        # these weights come with `transform_input=True`, which turns ImageNet's mean and deviation into 0.5
        "googlenet": _torchvision("googlenet", values=SYMMETRIC),
        "inception_v3": _torchvision("inception_v3", 299, SYMMETRIC, IMAGENET1K_V1=342),
        **{name: _torchvision(name) for name in ONE_SET},
        "convnext_tiny": _torchvision("convnext_tiny", IMAGENET1K_V1=236),
        **{name: _two_sets(name, *digits) for name, digits in TWO_SETS.items()},
        "efficientnet_b0": _torchvision("efficientnet_b0", filter_="bicubic"),
        "efficientnet_b4": _torchvision("efficientnet_b4", 380, filter_="bicubic", IMAGENET1K_V1=384),
        "efficientnet_v2_s": _torchvision("efficientnet_v2_s", 384, IMAGENET1K_V1=384),
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
        **{name: _timm(name, 224, **RESNET) for name in ("resnet18", "resnet34", "resnet50")},
        **{name: _timm(name, 224, a1h_in1k=A1H, **RESNET) for name in ("resnet101", "resnet152", "resnext50_32x4d")},
        "wide_resnet50_2": _timm("wide_resnet50_2", 224, racm_in1k=BICUBIC, tv_in1k=RESNET["tv_in1k"]),
        "densenet121": _timm("densenet121", 224, ra_in1k=BICUBIC, tv_in1k=BICUBIC),
        "densenet169": _timm("densenet169", 224, tv_in1k=BICUBIC),
        "mobilenetv2_100": _timm("mobilenetv2_100", 224, ra_in1k=BICUBIC),
        "efficientnet_b0": _timm("efficientnet_b0", 224, ra_in1k=BICUBIC),
        "efficientnet_b4": _timm("efficientnet_b4", 320, ra2_in1k=BICUBIC),
        "regnetx_004_tv": _timm("regnetx_004_tv", 224, tv2_in1k=TV2),
        "regnety_004": _timm("regnety_004", 224, tv2_in1k=TV2, pycls_in1k=BICUBIC),
        "regnety_080_tv": _timm("regnety_080_tv", 224, tv2_in1k=TV2),
        "convnext_tiny": _timm("convnext_tiny", 224, in12k_ft_in1k=A1H, fb_in22k_ft_in1k=BICUBIC, fb_in1k=BICUBIC),
    },
    # pytorch_fid.inception.InceptionV3.forward
    "pytorch-fid": {"fid_inception_v3": _fid("pytorch-fid fid_inception_v3", SYMMETRIC, "half_pixel")},
    # torch_fidelity.FeatureExtractorInceptionV3.forward
    "torch-fidelity": {"inception-v3-compat": _fid("torch-fidelity inception-v3-compat", CENTRED, "asymmetric")},
    # pretrainedmodels.utils.TransformImage
    "pretrainedmodels": {
        "polynet": _pretrainedmodels("polynet", 331, IMAGENET),
        "nasnetalarge": _pretrainedmodels("nasnetalarge", 331, SYMMETRIC),
    },
    # facenet_pytorch.MTCNN
    "facenet-pytorch": {"InceptionResnetV1": _facenet("InceptionResnetV1", "vggface2", "casia-webface")},
    # keras.applications.*.preprocess_input, mode "tf"
    "keras": {name: _keras(name) for name in ("InceptionV3", "InceptionResNetV2", "Xception")},
}
