"""The ports of timm, pytorchcv and keras, each with what is known of it and its cause, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from inception_dsl.audit.target import audit_target
from inception_dsl.compiler import compile_file

NO_DROPOUT = ("E513", "layer", "dropout 20%", "none")
"""timm's networks have no dropout by default, and pytorchcv's Inception-v4 has none."""

COUNTED = ("E504", "padding in the average", "left out", "counted")
"""torch's average counts padding by default, and TF-Slim's leaves it out."""

TORCH_EPS = ("E509", "eps", "0.001", "1e-05")
BEFORE_THE_IMAGE = ("0 before and 1 after", "1 before and 0 after")
"""Where TensorFlow's SAME and a pool that rounds up pad behind the image, torch's padding of 1 reads before it."""

SAME = ("E503", "padding", "1 before and 0 after", "0 before and 1 after")
"""keras pads where a stride is 2 as TensorFlow's SAME does, on the other side of torch's ports."""

DENSE = {
    ("E508", "bias", "no", "yes"),  # Cadene's BN-Inception: a bias before each batch norm, an eps of 1e-5,
    TORCH_EPS,
    ("E524", "layers", "conv 7x7/2 24 depthwise -> conv 1x1 64", "conv 7x7/2 64"),  # and a dense first layer
    COUNTED,  # Caffe's average
}

TIMM, CV = "timm:create_model", "pytorchcv.model_provider:get_model"
PORTS: list[tuple[str, str, Mapping[str, str], set[tuple[str, str, str, str]]]] = [
    ("inception_v3_timm", TIMM, {"model_name": "inception_v3"}, set()),
    (
        "inception_v3",
        TIMM,
        {"model_name": "inception_v3"},
        {NO_DROPOUT, COUNTED},
    ),
    ("inception_v4", TIMM, {"model_name": "inception_v4"}, {NO_DROPOUT}),
    ("inception_v4", CV, {"name": "inceptionv4"}, {NO_DROPOUT}),
    ("inception_resnet_v2", TIMM, {"model_name": "inception_resnet_v2"}, {NO_DROPOUT}),
    ("xception_timm", TIMM, {"model_name": "legacy_xception"}, set()),
    (
        "xception",
        TIMM,
        {"model_name": "legacy_xception"},
        {
            TORCH_EPS,
            ("E503", "padding", *BEFORE_THE_IMAGE),
        },
    ),
    ("resnet50", CV, {"name": "resnet50"}, set()),
    ("polynet", CV, {"name": "polynet"}, set()),
    ("bn_inception", CV, {"name": "bninception"}, DENSE),
    ("inception_v3", CV, {"name": "inceptionv3"}, {COUNTED, ("E512", "rate", "20%", "50%")}),
    ("inception_resnet_v2", CV, {"name": "inceptionresnetv2"}, {NO_DROPOUT}),
    ("nasnet_a_large", CV, {"name": "nasnet_6a4032"}, set()),
    ("nasnet_a_large", TIMM, {"model_name": "nasnetalarge"}, {COUNTED, ("E513", "layer", "dropout 50%", "none")}),
    ("xception", CV, {"name": "xception"}, {TORCH_EPS, ("E503", "padding", *BEFORE_THE_IMAGE)}),
    # Its LRN stands before the pool, and in the paper's figure 3 after it.
    (
        "zfnet",
        CV,
        {"name": "zfnet"},
        {
            ("E516", "place", "lrn 5 alpha=0.0005 k=2.0 after `pool1`", "after `features.stage1.unit1.activ`"),
            ("E516", "place", "lrn 5 alpha=0.0005 k=2.0 after `pool2`", "after `features.stage2.unit1.activ`"),
            ("E512", "alpha", "0.0005", "0.0001"),
        },
    ),
    ("vgg16", CV, {"name": "vgg16"}, set()),
    # It has convolutions in place of the first two fully connected layers, and no dropout by default.
    (
        "vgg16",
        TIMM,
        {"model_name": "vgg16"},
        {("E512", "kind", "fc 4096", "conv 7x7 4096"), ("E513", "layer", "dropout 50%", "none")},
    ),
    # The spec is Caffe's, whose max pool rounds its output up.
    ("zoo/se_resnet50", CV, {"name": "seresnet50"}, {("E503", "padding", *BEFORE_THE_IMAGE)}),
    ("zoo/se_resnet50", TIMM, {"model_name": "legacy_seresnet50"}, {("E514", "layer", "none", "dropout 20%")}),
    ("zoo/densenet121", CV, {"name": "densenet121"}, set()),
    ("zoo/mobilenet_v1", CV, {"name": "mobilenet_w1"}, {TORCH_EPS}),
    # Its classifier is a convolution without a bias.
    ("zoo/mobilenet_v2", CV, {"name": "mobilenetv2b_w1"}, {NO_DROPOUT, ("E508", "bias", "yes", "no")}),
    ("zoo/resnext50_32x4d", TIMM, {"model_name": "resnext50_32x4d"}, set()),
    # Its max pool rounds its output up, as Caffe's does, and torchvision's pads.
    ("zoo/shufflenet_v2_x1_0", CV, {"name": "shufflenetv2_w1"}, {SAME}),
    ("zoo/squeezenet1_0", CV, {"name": "squeezenet_v1_0"}, set()),
    ("zoo/efficientnet_b0", CV, {"name": "efficientnet_b0"}, set()),
    ("zoo/efficientnet_b0", TIMM, {"model_name": "efficientnet_b0"}, {NO_DROPOUT}),
    ("zoo/convnext_tiny", TIMM, {"model_name": "convnext_tiny"}, set()),
]

SAME_5X5 = ("E503", "padding", "2 before and 1 after", "1 before and 2 after")

EPS = ("E509", "eps", "1e-05", "1.001e-05")
"""keras' ResNet and DenseNet add 1.001e-5, and its other batch norms 1e-3."""
TENSORFLOW_EPS = ("E509", "eps", "1e-05", "0.001")

BIASES = ("E508", "bias", "no", "yes")
"""keras' ResNet has a bias before each batch norm."""

KERAS: list[tuple[str, str, set[tuple[str, str, str, str]]]] = [
    ("inception_v3_keras", "InceptionV3", set()),
    ("inception_v3", "InceptionV3", {NO_DROPOUT}),
    ("xception", "Xception", set()),
    ("inception_resnet_v2", "InceptionResNetV2", {NO_DROPOUT}),
    ("vgg16", "VGG16", {("E513", "layer", "dropout 50%", "none")}),
    ("vgg19", "VGG19", {("E513", "layer", "dropout 50%", "none")}),
    ("resnet50", "ResNet50", {BIASES, EPS}),
    ("resnet152", "ResNet152", {BIASES, EPS}),
    (
        "resnet50_torchvision",
        "ResNet50",
        {BIASES, EPS, ("E502", "place of the stride", "2 in the 3x3 conv", "2 in the 1x1 conv")},  # v1, not v1.5
    ),
    ("zoo/resnet101", "ResNet101", {BIASES, EPS}),
    ("zoo/densenet121", "DenseNet121", {EPS}),
    ("zoo/densenet169", "DenseNet169", {EPS}),
    (
        "zoo/mobilenet_v1",
        "MobileNet",
        {SAME, ("E511", "kind", "relu", "relu6"), ("E514", "layer", "none", "dropout 0.1%")},
    ),
    ("zoo/mobilenet_v2", "MobileNetV2", {SAME, TENSORFLOW_EPS, ("E513", "layer", "dropout 20%", "none")}),
    ("zoo/mobilenet_v3_large", "MobileNetV3Large", {SAME, SAME_5X5}),
    ("zoo/mobilenet_v3_small", "MobileNetV3Small", {SAME, SAME_5X5}),
    ("zoo/efficientnet_b0", "EfficientNetB0", {SAME, SAME_5X5, TENSORFLOW_EPS}),
    ("zoo/efficientnet_b4", "EfficientNetB4", {SAME, SAME_5X5, TENSORFLOW_EPS}),
    ("zoo/efficientnet_v2_s", "EfficientNetV2S", {SAME}),
    ("zoo/convnext_tiny", "ConvNeXtTiny", set()),
    (
        "nasnet_a_large",
        "NASNetLarge",
        {
            ("E513", "layer", "dropout 50%", "none"),
            ("E503", "padding", "1 before and 1 after", "1 before and 1 after of zeros"),  # zeros before its pools
            ("E503", "padding", "0 before and 1 after", "0 before and 1 after of zeros"),
            ("E504", "padding in the average", "left out", "counted"),
        },
    ),
]
NORMALISED = ("MobileNetV3", "EfficientNet", "ConvNeXt")
"""These scale and shift their images themselves."""


@pytest.mark.parametrize(("spec", "network", "known"), KERAS)
def test_ports_of_keras(
    spec: str, network: str, known: set[tuple[str, str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("keras")
    arguments = {"weights": "None", "classifier_activation": "None"}
    result = audit_target(compile_file(f"builtin:{spec}"), f"keras.applications:{network}", arguments, heads=False)

    first = [finding.first for finding in result.findings]
    assert {(each.code, each.what, each.spec, each.target) for each in first} == known
    assert any("preprocessing" in note for note in result.notes) == network.startswith(NORMALISED)


@pytest.mark.parametrize(("spec", "target", "arguments", "known"), PORTS)
def test_ports(spec: str, target: str, arguments: Mapping[str, str], known: set[tuple[str, str, str, str]]) -> None:
    pytest.importorskip(target.partition(":")[0].partition(".")[0])
    result = audit_target(compile_file(f"builtin:{spec}"), target, arguments, heads=False)

    first = [finding.first for finding in result.findings]
    assert {(each.code, each.what, each.spec, each.target) for each in first} == known


STRIDE = ("E502", "place of the stride", "2 in the 1x1 conv", "2 in the 3x3 conv")
"""torchvision's bottlenecks have the stride in the 3x3 convolution (ResNet v1.5)."""

DEVIATING: dict[str, set[tuple[str, str, str, str]]] = {
    # torchvision's is the network of 1404.5997, with one tower and other widths.
    "alexnet": {
        ("E503", "padding", "none", "2 before and 2 after"),
        ("E506", "width", "96", "64"),
        ("E506", "width", "256", "192"),
        ("E506", "width", "384", "256"),
        ("E507", "groups", "2", "1"),
        ("E513", "layer", "lrn 5 alpha=0.0005 k=2.0", "none"),
        ("E516", "place", "dropout 50% after `fc7/relu`", "after `flatten`"),
    },
    "zoo/efficientnet_b7": {TENSORFLOW_EPS},  # of its B5 to B7 alone, whose weights come from TensorFlow
    "zoo/resnet101": {STRIDE},
    "resnet152": {STRIDE},
}
"""Specs, and what is known of torchvision's network of the same name."""

ZOO = """
convnext_tiny densenet121 densenet169 efficientnet_b0 efficientnet_b4 efficientnet_v2_s mnasnet1_0 mobilenet_v2
mobilenet_v3_large mobilenet_v3_small regnet_x_400mf regnet_y_400mf regnet_y_8gf resnet101_torchvision resnet18 resnet34
resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 squeezenet1_0 squeezenet1_1 vgg11 vgg11_bn vgg13 vgg13_bn
wide_resnet50_2
"""
EQUAL = [
    *("alexnet_torchvision", "inception_v3_torchvision", "resnet152_torchvision", "vgg16", "vgg19"),
    *(f"zoo/{name}" for name in ZOO.split()),
]
"""Specs that torchvision's network of the same name is."""


@pytest.mark.parametrize("spec", [*EQUAL, *DEVIATING])
def test_ports_of_torchvision(spec: str) -> None:
    network = spec.rpartition("/")[2].removesuffix("_torchvision")
    options = {"init_weights": "False"} if network == "inception_v3" else {}
    result = audit_target(compile_file(f"builtin:{spec}"), f"torchvision.models:{network}", options)

    first = [finding.first for finding in result.findings]
    assert {(each.code, each.what, each.spec, each.target) for each in first} == DEVIATING.get(spec, set())
