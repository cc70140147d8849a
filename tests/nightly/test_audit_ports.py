"""The ports of timm, pytorchcv and keras, each with what is known of it and its cause, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from inception_dsl.audit.target import audit_target
from inception_dsl.compiler import compile_file

NO_DROPOUT = ("E513", "layer", "dropout 20%", "none")
"""timm's networks have no dropout by default, and pytorchcv's Inception-v4 has none."""

DENSE = {
    ("E508", "bias", "no", "yes"),  # Cadene's BN-Inception: a bias before each batch norm, an eps of 1e-5,
    ("E509", "eps", "0.001", "1e-05"),
    ("E507", "groups", "depthwise", "1"),  # and a dense first layer in place of a separable one
    ("E506", "width", "24", "64"),
    ("E513", "layer", "conv 1x1 64", "none"),
    ("E504", "padding in the average", "left out", "counted"),  # Caffe's average
}

TIMM, CV = "timm:create_model", "pytorchcv.model_provider:get_model"
PORTS: list[tuple[str, str, Mapping[str, str], set[tuple[str, str, str, str]]]] = [
    ("inception_v3_timm", TIMM, {"model_name": "inception_v3"}, set()),
    (
        "inception_v3",
        TIMM,
        {"model_name": "inception_v3"},
        {NO_DROPOUT, ("E504", "padding in the average", "left out", "counted")},
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
            ("E509", "eps", "0.001", "1e-05"),
            ("E503", "padding", "0 before and 1 after", "1 before and 0 after"),  # TensorFlow's SAME
        },
    ),
    ("resnet50", CV, {"name": "resnet50"}, set()),
    ("polynet", CV, {"name": "polynet"}, set()),
    ("bn_inception", CV, {"name": "bninception"}, DENSE),
]

SAME = ("E503", "padding", "1 before and 0 after", "0 before and 1 after")
"""keras pads where a stride is 2 as TensorFlow's SAME does, on the other side of torch's ports."""
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
