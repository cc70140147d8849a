"""The ports of timm and pytorchcv, each with what is known of it and its cause: nothing more, and nothing less."""

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
    ("bn_inception", CV, {"name": "bninception"}, DENSE),
]


@pytest.mark.parametrize(("spec", "target", "arguments", "known"), PORTS)
def test_ports(spec: str, target: str, arguments: Mapping[str, str], known: set[tuple[str, str, str, str]]) -> None:
    pytest.importorskip(target.partition(":")[0].partition(".")[0])
    result = audit_target(compile_file(f"builtin:{spec}"), target, arguments, heads=False)

    first = [finding.first for finding in result.findings]
    assert {(each.code, each.what, each.spec, each.target) for each in first} == known
