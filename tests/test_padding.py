"""What a window reads at the border, in value: references by hand against onnxruntime on our graph.

Every convention that a spec can say, every kernel up to 5, on even and odd sizes. Inputs are random, so that a window
shifted by one pixel cannot hide; `test_a_shifted_window_would_be_seen` makes sure of that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import onnx as standard
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everyone calls it
from builders import checked, one, run

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.onnx.ops.pooling import CEIL
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.shapes import Padding, TensorType, Window

if TYPE_CHECKING:
    from builders import Array

SIZES = (7, 8, 9, 14)
CHANNELS = 3
CONVENTIONS = {
    "valid": Padding(),
    "ceil": Padding(ceil=True),
    "pad": Padding(amount=(1, 1)),
    "pad ceil": Padding(amount=(1, 1), ceil=True),
    "same": Padding("same"),
    "same ceil": Padding("same", ceil=True),
    "same_upper": Padding("same_upper"),
}
KINDS = ("conv", "maxpool", "avgpool", "avgpool count_pad")
CASES = [
    (kind, convention) for kind in KINDS for convention in CONVENTIONS if kind != "conv" or "ceil" not in convention
]
every_convention = pytest.mark.parametrize(("kind", "convention"), CASES, ids=lambda word: word.replace(" ", "_"))


def windows(kind: str, convention: str) -> Iterator[Window]:
    """Every window that this kind of layer can have under a convention."""
    for kernel, stride, dilation in itertools.product(range(1, 6), range(1, 4), (1, 2)):
        if dilation > 1 and kind != "conv":
            continue
        if kernel % 2 == 0 and convention in ("same", "same ceil"):
            continue
        if kernel == 1 and kind != "conv" and convention.startswith("pad"):
            continue  # torch and onnxruntime pad a pool by half its kernel at most
        yield Window((kernel,) * 2, (stride,) * 2, CONVENTIONS[convention], (dilation,) * 2)


def cases(kind: str, convention: str) -> Iterator[tuple[Window, Array, Array]]:
    """Windows, each with an image of every size that it fits on, and weights for a convolution."""
    rng = np.random.default_rng(0)
    for window, size in itertools.product(windows(kind, convention), SIZES):
        if reach(window) <= size:
            image = rng.normal(size=(2, CHANNELS, size, size)).astype(np.float32)
            yield window, image, rng.normal(size=(2, CHANNELS, *window.kernel)).astype(np.float32)


def layer(kind: str, window: Window) -> Op:
    """The op under test."""
    if kind == "conv":
        return Conv(2, window)
    return MaxPool(window) if kind == "maxpool" else AvgPool(window, count_pad="count_pad" in kind)


def reach(window: Window) -> int:
    """The pixels from the first that a window reads to the last."""
    return window.dilation[0] * (window.kernel[0] - 1) + 1


def border(window: Window, size: int) -> tuple[int, int, int]:
    """Pixels padded before and after, and those past them that `ceil` reads: each convention by its definition."""
    extent, stride, padding = reach(window), window.stride[0], window.padding
    if padding.kind == "same_upper":  # tensorflow.org/api_docs/python/tf/nn, "Notes on padding"
        total = max(extent - (size % stride or stride), 0)
        return total // 2, total - total // 2, 0
    pad = extent // 2 if padding.kind == "same" else padding.amount[0]
    past = -(size + 2 * pad - extent) % stride if padding.ceil else 0
    last = size + 2 * pad + past - extent  # where the last window starts, counted from the first padded pixel
    return pad, pad, past if last < pad + size else 0  # Caffe clips a window that starts past the image


def reference(kind: str, window: Window, x: Array, weight: Array, shift: int = 0) -> Array:
    """The value by hand: pad first, then slide over what is there; `shift` moves the padding, as a mistake would."""
    before, after, past = border(window, x.shape[-1])
    kernel, stride = window.kernel[0], window.stride[0]

    def padded(image: torch.Tensor, value: float) -> torch.Tensor:
        return F.pad(image, (before + shift, after - shift) * 2, value=value)

    image = torch.from_numpy(x)
    if kind == "conv":
        return F.conv2d(padded(image, 0.0), torch.from_numpy(weight), stride=stride, dilation=window.dilation).numpy()
    if kind == "maxpool":
        return F.max_pool2d(F.pad(padded(image, -torch.inf), (0, past) * 2, value=-torch.inf), kernel, stride).numpy()
    counted = padded(torch.ones_like(image), 1.0 if "count_pad" in kind else 0.0)
    total, count = (
        F.avg_pool2d(F.pad(values, (0, past) * 2), kernel, stride) for values in (padded(image, 0.0), counted)
    )
    return (total / count).numpy()


def ran(kind: str, window: Window, x: Array, weight: Array, *, opset: int, written_for: int = 0) -> Array:
    """What onnxruntime gives for our graph; `written_for` is another size than the image's, and the graph for any."""
    size = written_for or x.shape[-1]
    network = one(layer(kind, window), (CHANNELS, size, size))
    graph = onnx.model(network, opset=opset, dynamic_size=bool(written_for))
    return run(graph, {"input": x} | ({"layer.weight": weight} if kind == "conv" else {}))


@every_convention
def test_the_border_in_value(kind: str, convention: str) -> None:
    for window, x, weight in cases(kind, convention):
        expected = reference(kind, window, x, weight)
        assert layer(kind, window).infer(TensorType(x.shape[1:])).shape == expected.shape[1:]
        result = ran(kind, window, x, weight, opset=onnx.NEWEST)
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5, err_msg=str(window))


@pytest.mark.parametrize("opset", [min(onnx.OPSETS), onnx.NEWEST])
@every_convention
def test_the_border_of_a_graph_for_every_size(kind: str, convention: str, opset: int) -> None:
    for window, x, weight in cases(kind, convention):
        kernel, stride, dilation = window.kernel[0], window.stride[0], window.dilation[0]
        uneven = convention == "same_upper" and kernel > 1 and (stride > kernel or (dilation > 1 < stride))
        dropped = "ceil" in convention and opset < CEIL and border(window, 21)[0] + stride > kernel
        if uneven or dropped:
            with pytest.raises(SpecError) as caught:
                ran(kind, window, x, weight, opset=opset, written_for=21)
            assert [d.code for d in caught.value.diagnostics] == ["E401"], window
            continue
        result = ran(kind, window, x, weight, opset=opset, written_for=21)
        expected = reference(kind, window, x, weight)
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5, err_msg=str(window))


@pytest.mark.parametrize("convention", ["ceil", "pad ceil", "same ceil"])
@pytest.mark.parametrize("kind", ["maxpool", "avgpool"])
def test_an_old_opset_is_refused_where_onnx_infers_another_shape_and_only_there(kind: str, convention: str) -> None:
    for window in windows(kind, convention):
        wrong = False
        for size in range(6, 18):
            network = one(layer(kind, window), (CHANNELS, size, size))
            relabelled = standard.ModelProto.FromString(onnx.model(network))
            relabelled.opset_import[0].version = CEIL - 1
            for dim in relabelled.graph.output[0].type.tensor_type.shape.dim:
                dim.Clear()
            wrong |= checked(relabelled.SerializeToString()) != ("N", *network.nodes[0].out.shape)
        try:
            onnx.model(network, opset=CEIL - 1)
        except SpecError as error:
            (diagnostic,) = error.diagnostics
            assert wrong and diagnostic.code == "E401" and diagnostic.span is not None, window
        else:
            assert not wrong, window


@every_convention
def test_a_shifted_window_would_be_seen(kind: str, convention: str) -> None:
    padded = [case for case in cases(kind, convention) if border(case[0], case[1].shape[-1])[1] > 0]
    assert padded or convention in ("valid", "ceil")
    for window, x, weight in padded:
        mutant = reference(kind, window, x, weight, shift=1)
        result = ran(kind, window, x, weight, opset=onnx.NEWEST)
        assert mutant.shape == result.shape
        if result.shape[-1] > 2:  # a window over all of a small image reads the same from one pixel aside
            assert not np.allclose(mutant, result, atol=1e-2), window


def test_the_conventions_differ_where_papers_disagree() -> None:
    rng = np.random.default_rng(1)
    x, weight = rng.normal(size=(1, CHANNELS, 8, 8)).astype(np.float32), rng.normal(size=(2, CHANNELS, 3, 3))

    def value(kind: str, convention: str) -> Array:
        window = Window((3, 3), (2, 2), CONVENTIONS[convention])
        return ran(kind, window, x, weight.astype(np.float32), opset=onnx.NEWEST)

    for kind in KINDS:  # the same shape, another value: TensorFlow's SAME is one pixel aside of torch's padding
        assert value(kind, "same").shape == value(kind, "same_upper").shape
        assert np.abs(value(kind, "same") - value(kind, "same_upper")).max() > 1e-2
    assert np.abs(value("avgpool", "same") - value("avgpool count_pad", "same")).max() > 1e-2
    assert value("maxpool", "valid").shape != value("maxpool", "ceil").shape


ADAPTIVE = [
    *[((14, 14), (4, 4)), ((13, 13), (4, 4)), ((7, 7), (6, 6)), ((6, 6), (6, 6))],
    *[((14, 13), (4, 5)), ((3, 2), (4, 4))],
]


@pytest.mark.parametrize("opset", [min(onnx.OPSETS), onnx.NEWEST])
@pytest.mark.parametrize(("image", "to"), ADAPTIVE)
def test_an_adaptive_pool_reads_what_torchs_reads(image: tuple[int, int], to: tuple[int, int], opset: int) -> None:
    x = np.random.default_rng(2).normal(size=(2, CHANNELS, *image)).astype(np.float32)
    graph = onnx.model(one(AvgPool(None, to=to), x.shape[1:]), opset=opset)
    assert checked(graph) == ("N", CHANNELS, *to)
    expected = F.adaptive_avg_pool2d(torch.from_numpy(x), to).numpy()
    np.testing.assert_allclose(run(graph, {"input": x}), expected, rtol=1e-5, atol=1e-6)


def test_an_adaptive_pool_is_a_sliding_one_where_its_windows_are_alike() -> None:
    kinds = {}
    for image, to in ADAPTIVE:
        graph = onnx.model(one(AvgPool(None, to=to), (CHANNELS, *image)))
        (node,) = standard.ModelProto.FromString(graph).graph.node
        kinds[image] = node.op_type
    assert {image for image, kind in kinds.items() if kind == "AveragePool"} == {(13, 13), (7, 7), (6, 6)}
    assert {image for image, kind in kinds.items() if kind == "Einsum"} == {(14, 14), (14, 13), (3, 2)}


def test_an_adaptive_pool_has_no_graph_for_every_size_but_to_one_pixel() -> None:
    with pytest.raises(SpecError) as caught:
        onnx.model(one(AvgPool(None, to=(4, 4)), (CHANNELS, 14, 14)), dynamic_size=True)
    assert [(d.code, d.help) for d in caught.value.diagnostics] == [
        ("E401", "compile for one image size, or write `avgpool global`")
    ]
    assert onnx.model(one(AvgPool(None, to=(1, 1)), (CHANNELS, 14, 14)), dynamic_size=True) == onnx.model(
        one(AvgPool(None), (CHANNELS, 14, 14)), dynamic_size=True
    )
