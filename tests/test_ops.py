"""Every op against torch's layer: shape, weights, work and value; and its ONNX node against ONNX and onnxruntime.

The table of torch layers is written by hand and reads nothing of the op but its attributes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from builders import OPS, checked, one, run
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import StochasticDepth

from inception_dsl.emit.backend import Backend
from inception_dsl.emit.backends import BACKENDS
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.onnx.ops.pooling import CEIL
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.ops.activations import (
    ELU,
    GELU,
    GELUTanh,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from inception_dsl.ir.ops.channels import (
    ChannelConv,
    ChannelMax,
    ChannelMean,
    ChannelPart,
    ChannelShuffle,
    ChannelSlice,
)
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected
from inception_dsl.ir.ops.norms import LRN, BatchNorm, GroupNorm, L2Norm, LayerNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool, Unpool
from inception_dsl.ir.ops.regularisation import Dropout, DropPath
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle, Resize
from inception_dsl.ir.ops.scaling import Affine, Scale
from inception_dsl.ir.ops.shaping import ORDERS, Crop, Flatten, Identity, Pad, Permute, Shift
from inception_dsl.ir.shapes import Padding, ReceptiveField, ShapeError, TensorType, Window

Images = tuple[TensorType, ...]
Case = tuple[Op, Images]


class Call(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs)


def around(window: Window, image: TensorType, border: float) -> nn.Module:
    """TensorFlow's SAME by its own formula: the output has ceil(n / stride) pixels, the odd one is padded after."""
    pads: list[int] = []
    for n, k, s, d in zip(image.shape[1:], window.kernel, window.stride, window.dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pads = [total // 2, total - total // 2, *pads]
    return nn.ConstantPad2d((pads[0], pads[1], pads[2], pads[3]), border)


def padded(window: Window) -> tuple[int, int]:
    """The padding that torch takes for the other kinds."""
    (kh, kw), (dh, dw) = window.kernel, window.dilation
    return (dh * (kh // 2), dw * (kw // 2)) if window.padding.kind == "same" else window.padding.amount


def conv(op: Conv, x: TensorType) -> nn.Module:
    w, width, groups = op.window, concrete(op.width), concrete(op.groups)
    if w.padding.kind != "same_upper":
        return nn.Conv2d(x.channels, width, w.kernel, w.stride, padded(w), w.dilation, groups, op.bias)
    layer = nn.Conv2d(x.channels, width, w.kernel, w.stride, 0, w.dilation, groups, op.bias)
    return nn.Sequential(around(w, x, 0.0), layer)


def conv_transpose(op: ConvTranspose, x: TensorType) -> nn.Module:
    """With `same` and `same_upper`, the image times the stride, cut out of all that torch can give."""
    w, settings = op.window, (concrete(op.groups), op.bias, op.window.dilation)
    sizes = x.channels, concrete(op.width), w.kernel, w.stride
    if w.padding.kind == "pad":
        return nn.ConvTranspose2d(*sizes, w.padding.amount, op.output_padding, *settings)
    total = [d * (k - 1) + 1 - s for k, s, d in zip(w.kernel, w.stride, w.dilation, strict=True)]
    same = w.padding.kind == "same"
    first = [(t + s - 1 if same else max(t, 0)) // 2 for t, s in zip(total, w.stride, strict=True)]
    more = [max(f - t, 0) for f, t in zip(first, total, strict=True)]
    (top, left), (height, width) = first, (n * s for n, s in zip(x.image, w.stride, strict=True))
    layer = nn.ConvTranspose2d(*sizes, 0, (more[0], more[1]), *settings)
    return nn.Sequential(layer, Call(lambda t: t[:, :, top : top + height, left : left + width]))


def channel_conv(op: ChannelConv, x: TensorType) -> nn.Module:
    """With the channels as the depth of an image of one channel."""
    sizes = (op.kernel, 1, 1), (op.stride, 1, 1), (op.pad, 0, 0)
    layer = nn.Conv3d(1, concrete(op.kernels), *sizes, bias=op.bias)
    return nn.Sequential(nn.Unflatten(1, (1, x.channels)), layer, nn.Flatten(1, 2))


def max_pool(op: MaxPool, x: TensorType) -> nn.Module:
    w = op.window
    if w is None:
        return nn.AdaptiveMaxPool2d(1)
    if w.padding.kind == "same_upper":
        return nn.Sequential(around(w, x, -torch.inf), nn.MaxPool2d(w.kernel, w.stride))
    return nn.MaxPool2d(w.kernel, w.stride, padded(w), ceil_mode=w.padding.ceil)


def unpool(op: Unpool, x: TensorType, pooled: TensorType) -> nn.Module:
    """The windows one after the other: every pixel goes where the pool found its maximum, over what lies there."""
    window = op.window
    pool = nn.MaxPool2d(
        window.kernel, window.stride, padded(window), ceil_mode=window.padding.ceil, return_indices=True
    )

    def unpooled(values: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        flat, places = torch.zeros_like(image).flatten(2), pool(image)[1].flatten(2)
        for at, pixels in enumerate(values.flatten(2).unbind(2)):
            flat.scatter_(2, places[:, :, at : at + 1], pixels.unsqueeze(2))
        return flat.view_as(image)

    return Call(unpooled)


def avg_pool(op: AvgPool, x: TensorType) -> nn.Module:
    w = op.window
    if w is None:
        return nn.AdaptiveAvgPool2d(op.to)
    if w.padding.kind != "same_upper":
        return nn.AvgPool2d(w.kernel, w.stride, padded(w), w.padding.ceil, op.count_pad)
    pool = nn.Sequential(around(w, x, 0.0), nn.AvgPool2d(w.kernel, w.stride))
    return pool if op.count_pad else Call(lambda t: pool(t) / pool(torch.ones_like(t)))


def batch_norm(op: BatchNorm, x: TensorType) -> nn.Module:
    layer = (nn.BatchNorm2d if len(x.shape) == 3 else nn.BatchNorm1d)(x.channels, op.eps, op.momentum)
    if not op.gamma:
        layer.register_parameter("weight", None)
    return layer


class LayerNormOfPixels(nn.LayerNorm):
    """Over the channels, one pixel at a time."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pixels = x.flatten(2).unbind(2)
        return torch.stack([super(LayerNormOfPixels, self).forward(pixel) for pixel in pixels], 2).view_as(x)


def layer_norm(op: LayerNorm, x: TensorType) -> nn.Module:
    return (nn.LayerNorm if len(x.shape) == 1 else LayerNormOfPixels)(x.channels, op.eps)


class ChannelScale(nn.Module):
    """A scale and shift of every channel, whatever follows it."""

    def __init__(self, channels: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.shift = bias
        if bias:
            self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled = torch.einsum("nc...,c->nc...", x, self.weight)
        return torch.stack([scaled[:, i] + b for i, b in enumerate(self.bias)], 1) if self.shift else scaled


def kept(op: Crop, x: TensorType) -> tuple[slice, slice]:
    """The rows and columns that a crop leaves."""
    rows, columns = (slice(low, size - high) for low, high, size in zip(op.before, op.after, x.image, strict=True))
    return rows, columns


def surrounded(op: Pad, x: TensorType, image: torch.Tensor) -> torch.Tensor:
    """Zeros with an image among them, or an image with its mirror images around it."""
    if op.reflect:
        rows, columns = (
            size - 1 - (size - 1 - torch.arange(-low, size + high).abs()).abs()
            for low, high, size in zip(op.before, op.after, x.image, strict=True)
        )
        return image[:, :, rows][..., columns]
    (top, left), (bottom, right) = op.before, op.after
    height, width = x.image
    canvas = image.new_zeros(*image.shape[:2], top + height + bottom, left + width + right)
    canvas[:, :, top : top + height, left : left + width] = image
    return canvas


TORCH: dict[type[Op], Callable[..., nn.Module]] = {
    Conv: conv,
    ConvTranspose: conv_transpose,
    BatchNorm: batch_norm,
    GroupNorm: lambda op, x: nn.GroupNorm(op.groups, x.channels, op.eps),
    LayerNorm: layer_norm,
    ReLU: lambda op, x: nn.ReLU(),
    ReLU6: lambda op, x: nn.ReLU6(),
    SiLU: lambda op, x: nn.SiLU(),
    Hardswish: lambda op, x: nn.Hardswish(),
    Hardsigmoid: lambda op, x: nn.Hardsigmoid(),
    Sigmoid: lambda op, x: nn.Sigmoid(),
    Tanh: lambda op, x: nn.Tanh(),
    ELU: lambda op, x: nn.ELU(),
    GELU: lambda op, x: nn.GELU(),
    GELUTanh: lambda op, x: nn.GELU("tanh"),
    Mish: lambda op, x: nn.Mish(),
    LeakyReLU: lambda op, x: nn.LeakyReLU(op.slope),
    PReLU: lambda op, x: nn.PReLU(x.channels if op.per_channel else 1),
    LRN: lambda op, x: nn.LocalResponseNorm(op.size, op.alpha, op.beta, op.k),
    L2Norm: lambda op, x: Call(lambda t: functional.normalize(t, p=2.0, dim=1)),
    MaxPool: max_pool,
    AvgPool: avg_pool,
    Unpool: unpool,
    Dropout: lambda op, x: nn.Dropout(op.p),
    DropPath: lambda op, x: StochasticDepth(op.p, "row"),
    PixelShuffle: lambda op, x: nn.PixelShuffle(op.factor),
    PixelUnshuffle: lambda op, x: nn.PixelUnshuffle(op.factor),
    Resize: lambda op, x: nn.Upsample(
        op.to,
        op.factor,
        mode="bilinear" if op.bilinear else "nearest",
        align_corners=op.align_corners if op.bilinear else None,
    ),
    FullyConnected: lambda op, x: nn.Linear(x.channels, op.width, op.bias),
    Softmax: lambda op, x: nn.Softmax(1),
    Flatten: lambda op, x: nn.Flatten(),
    Affine: lambda op, x: ChannelScale(x.channels, op.bias),
    Scale: lambda op, x: Call(lambda t: t * op.factor),
    Shift: lambda op, x: Call(lambda t: nn.ZeroPad2d((0, op.pixels) * 2)(t[:, :, op.pixels :, op.pixels :])),
    Crop: lambda op, x: Call(lambda t: t[(..., *kept(op, x))]),
    Pad: lambda op, x: Call(lambda t: surrounded(op, x, t)),
    Identity: lambda op, x: nn.Identity(),
    Permute: lambda op, x: Call(lambda t: torch.einsum(f"bCHW->b{op.order}", t)),
    ChannelPart: lambda op, x: Call(lambda t: torch.tensor_split(t, op.part[1], 1)[op.part[0] - 1]),
    ChannelSlice: lambda op, x: Call(lambda t: torch.narrow(t, 1, op.start, op.width)),
    ChannelMean: lambda op, x: Call(lambda t: torch.stack(t.unbind(1)).mean(0).unsqueeze(1)),
    ChannelMax: lambda op, x: Call(lambda t: t.max(1, keepdim=True).values),
    ChannelConv: channel_conv,
    ChannelShuffle: lambda op, x: nn.ChannelShuffle(op.groups),
    Concat: lambda op, *xs: Call(lambda *ts: torch.cat(ts, 1)),
    Add: lambda op, *xs: Call(lambda *ts: torch.stack(ts).sum(0)),
    Mul: lambda op, *xs: Call(lambda *ts: math.prod(ts[1:], start=ts[0])),
}

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
sizes = st.tuples(st.integers(1, 14), st.integers(1, 14))
images = st.builds(lambda c, h, w: TensorType((c, h, w)), st.integers(1, 6), st.integers(5, 12), st.integers(5, 12))
vectors = st.builds(lambda n: TensorType((n,)), st.integers(1, 40))
anything = st.one_of(images, vectors)


@st.composite
def windows(draw: st.DrawFn, pool: bool) -> Window:
    kind = draw(st.sampled_from(["same", "same_upper", "pad"]))
    size = st.sampled_from([1, 3, 5]) if kind == "same" else st.integers(1, 5)
    kernel = (draw(size), draw(size))
    widest = [k // 2 if pool else 3 for k in kernel]  # torch pads a pool by half its kernel at most
    amount = (draw(st.integers(0, widest[0])), draw(st.integers(0, widest[1]))) if kind == "pad" else (0, 0)
    padding = Padding(kind, amount, ceil=pool and draw(st.booleans()))  # type: ignore[arg-type]  # sampled from them
    return Window(kernel, draw(pairs), padding, (1, 1) if pool else draw(pairs))


@st.composite
def unpooled(draw: st.DrawFn) -> Case:
    """Half of them at a stride of 1, so that the two inputs are alike."""
    window, pooled = draw(windows(pool=True).filter(lambda window: window.padding.kind != "same_upper")), draw(images)
    if draw(st.booleans()):
        window = Window(draw(st.sampled_from([(3, 3), (1, 5)])), padding=Padding("same"))
    try:
        x = MaxPool(window).infer(pooled)
    except ShapeError:
        x = pooled  # `infer` tells that the kernel does not fit
    return Unpool(window), (x, pooled)


@st.composite
def convs(draw: st.DrawFn) -> Conv:
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    return Conv(groups * draw(st.integers(1, 4)), draw(windows(pool=False)), groups, draw(st.booleans()))


@st.composite
def transposed(draw: st.DrawFn) -> Case:
    """On an image of which the padding leaves some pixels."""
    conv, x = draw(convs()), draw(images)
    pads = conv.window.padding.kind == "pad"
    more = tuple(draw(st.integers(0, step - 1)) if pads else 0 for step in conv.window.stride)
    op = ConvTranspose(conv.width, conv.window, conv.groups, conv.bias, (more[0], more[1]))
    return op, (TensorType((draw(st.integers(1, 3)) * concrete(op.groups), *x.image)),)


def alone(op: st.SearchStrategy[Any], x: st.SearchStrategy[TensorType]) -> st.SearchStrategy[Case]:
    return st.tuples(op, x.map(lambda shape: (shape,)))


def gated(x: TensorType, axes: tuple[bool, bool, bool]) -> TensorType:
    """An image of which some axes have one channel or pixel."""
    return TensorType(tuple(1 if axis else size for axis, size in zip(axes, x.shape, strict=True)))


gates = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=2, max_size=4)
FUNCTIONS = (ReLU, ReLU6, SiLU, Hardswish, Hardsigmoid, Sigmoid, Tanh, ELU, GELU, GELUTanh, Mish)
some = st.floats(0.01, 2.0)
odd = st.sampled_from([1, 3, 5, 7])
CASES: dict[type[Op], st.SearchStrategy[Case]] = {
    Conv: st.builds(
        lambda op, x, k: (op, (TensorType((k * op.groups, *x.shape[1:])),)), convs(), images, st.integers(1, 3)
    ),
    ConvTranspose: transposed(),
    BatchNorm: alone(st.builds(BatchNorm, st.sampled_from([1e-3, 1e-5, 0.1]), st.booleans(), some), anything),
    GroupNorm: st.builds(
        lambda groups, eps, x, k: (GroupNorm(groups, eps), (TensorType((k * groups, *x.shape[1:])),)),
        st.integers(1, 5),
        st.sampled_from([1e-3, 1e-5, 0.1]),
        anything,
        st.integers(2, 3),  # one number in a group has no variance, and torch refuses it in training
    ),
    LayerNorm: alone(st.builds(LayerNorm, st.sampled_from([1e-3, 1e-5, 0.1])), anything),
    **{op: alone(st.just(op()), anything) for op in FUNCTIONS},
    LeakyReLU: alone(st.builds(LeakyReLU, st.floats(0, 2)), anything),
    PReLU: alone(st.builds(PReLU, st.booleans()), anything),
    LRN: alone(st.builds(LRN, odd, some, some, some), images),
    L2Norm: alone(st.just(L2Norm()), anything),
    PixelShuffle: st.builds(
        lambda x, factor: (PixelShuffle(factor), (TensorType((x.channels * factor**2, *x.image)),)),
        images,
        st.integers(1, 3),
    ),
    PixelUnshuffle: st.builds(
        lambda x, factor: (PixelUnshuffle(factor), (TensorType((x.channels, *(factor * n for n in x.image))),)),
        images,
        st.integers(1, 3),
    ),
    Resize: alone(
        st.builds(lambda by, *words: Resize(by, None, *words), pairs, st.booleans(), st.booleans())
        | st.builds(lambda to, *words: Resize(None, to, *words), sizes, st.booleans(), st.booleans()),
        st.builds(lambda x, h, w: TensorType((x.channels, h, w)), images, st.integers(1, 6), st.integers(1, 6)),
    ),
    MaxPool: alone(st.builds(MaxPool, st.none() | windows(pool=True)), images),
    Unpool: unpooled(),
    AvgPool: alone(
        st.builds(AvgPool, windows(pool=True), st.booleans())
        | st.builds(AvgPool, st.none(), to=st.just((1, 1)) | st.tuples(st.integers(1, 14), st.integers(1, 14))),
        images,
    ),
    Dropout: alone(st.builds(Dropout, st.floats(0.0, 0.9)), anything),
    DropPath: alone(st.builds(DropPath, st.floats(0.0, 0.9)), images),
    FullyConnected: alone(st.builds(FullyConnected, st.integers(1, 9), st.booleans()), vectors),
    Softmax: alone(st.just(Softmax()), anything),
    Flatten: alone(st.just(Flatten()), anything),
    Affine: alone(st.builds(Affine, st.booleans()), anything),
    Scale: alone(st.builds(Scale, some), anything),
    Shift: alone(st.builds(Shift, st.integers(1, 4)), images),
    Crop: alone(st.builds(Crop, pairs, *[st.booleans()] * 4), images),
    Pad: alone(st.builds(Pad, pairs, *[st.booleans()] * 5), images),
    Identity: alone(st.just(Identity()), anything),
    Permute: alone(st.builds(Permute, st.sampled_from(ORDERS)), images),
    ChannelPart: st.builds(
        lambda x, parts, k: (ChannelPart((min(k, parts), parts)), (TensorType((x.channels * parts, *x.shape[1:])),)),
        anything,
        st.integers(1, 5),
        st.integers(1, 5),
    ),
    ChannelSlice: st.builds(
        lambda x, start, width, rest: (ChannelSlice(width, start), (TensorType((start + width + rest, *x.shape[1:])),)),
        anything,
        *[st.integers(0, 4), st.integers(1, 4), st.integers(0, 4)],
    ),
    **{kind: alone(st.just(kind()), images) for kind in (ChannelMean, ChannelMax)},
    ChannelConv: st.builds(
        lambda x, rest, *sizes: (
            ChannelConv(*sizes),
            (TensorType((max(sizes[0] - 2 * sizes[2], 1) + rest, *x.image)),),
        ),
        images,
        st.integers(0, 6),
        *[st.integers(1, 6), st.integers(1, 4), st.integers(0, 3), st.integers(1, 3), st.booleans()],
    ),
    ChannelShuffle: st.builds(
        lambda x, groups: (ChannelShuffle(groups), (TensorType((x.channels * groups, *x.shape[1:])),)),
        images,
        st.integers(1, 5),
    ),
    Concat: st.builds(
        lambda x, channels: (Concat(), tuple(TensorType((c, *x.shape[1:])) for c in channels)),
        anything,
        st.lists(st.integers(1, 5), min_size=1, max_size=4),
    ),
    Add: st.builds(lambda x, n: (Add(), (x,) * n), anything, st.integers(1, 4)),
    Mul: st.builds(lambda x, n, gates: (Mul(), (x,) * n + gates), anything, st.integers(2, 4), st.just(()))
    | st.builds(lambda x, gates: (Mul(), tuple(gated(x, axes) for axes in gates)), images, gates),
}
each_op = pytest.mark.parametrize("kind", OPS, ids=lambda kind: kind.name)
quick = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def infer(op: Op, inputs: Images) -> TensorType:
    """The op's shape; a kernel that does not fit is not a case for torch."""
    try:
        return op.infer(*inputs)
    except ShapeError as error:
        assume(error.code != "E209")
        raise


@each_op
def test_shape_weights_and_work_are_torchs(kind: type[Op]) -> None:
    @quick
    @given(CASES[kind])
    def holds(case: Case) -> None:
        op, inputs = case
        shape = infer(op, inputs)
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            layer = TORCH[kind](op, *inputs).eval()
            out = layer(*(torch.empty(1, *x.shape) for x in inputs))
        assert shape.shape == tuple(out.shape[1:])
        tensors = {name.rsplit(".", 1)[-1]: tensor for name, tensor in layer.state_dict(keep_vars=True).items()}
        tensors.pop("num_batches_tracked", None)  # a count, not a weight
        ours = op.weights(*inputs)
        assert [(name, weight.shape) for name, weight in ours.items()] == [
            (n, tuple(t.shape)) for n, t in tensors.items()
        ]
        assert [weight.trained for weight in ours.values()] == [isinstance(t, nn.Parameter) for t in tensors.values()]
        assert 2 * op.macs(*inputs) == counter.get_total_flops()

    holds()


@each_op
def test_onnx_infers_our_shape_and_runs_to_torchs_values(kind: type[Op]) -> None:
    @quick
    @given(CASES[kind], st.sampled_from([min(onnx.OPSETS), 18, 20, 21, CEIL, onnx.NEWEST]), st.integers(0, 99))
    def holds(case: Case, opset: int, seed: int) -> None:
        op, inputs = case
        assume(len(set(inputs)) == 1)  # a single op reads the one input of its network
        shape = infer(op, inputs)
        drops = isinstance(op, MaxPool | AvgPool | Unpool) and op.window is not None and op.window.padding.ceil
        graph = onnx.model(one(op, inputs[0].shape, len(inputs)), opset=max(opset, CEIL) if drops else opset)
        batch, *rest = checked(graph)
        assert tuple(rest) == shape.shape
        assert batch == "N" or isinstance(op, Resize)  # ONNX does not follow a symbol through the scales of Resize

        torch.manual_seed(seed)
        layer = TORCH[kind](op, *inputs).eval()
        for name, tensor in layer.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape) + 0.5 if name.endswith("var") else torch.randn(tensor.shape))
        x = 3 * torch.randn(3, *inputs[0].shape)
        weights = {f"layer.{name.rsplit('.', 1)[-1]}": tensor.numpy() for name, tensor in layer.state_dict().items()}
        weights.pop("layer.num_batches_tracked", None)
        with torch.no_grad():
            expected = layer(*[x] * len(inputs)).numpy()
        np.testing.assert_allclose(run(graph, {"input": x.numpy(), **weights}), expected, rtol=1e-4, atol=1e-5)

    holds()


@quick
@given(transposed(), st.integers(0, 99))
def test_a_transposed_convolution_is_the_transpose_of_the_convolution_with_its_words(case: Case, seed: int) -> None:
    """With the same kernel, the product of y with convT(x) is that of conv(y) with x (1603.07285, section 4)."""
    op, (x,) = case
    assert isinstance(op, ConvTranspose)
    shape = infer(op, (x,))
    torch.manual_seed(seed)
    layer = TORCH[ConvTranspose](replace(op, bias=False), x).double()
    back = TORCH[Conv](Conv(x.channels, op.window, op.groups), shape).double()
    (weight,), (other,) = layer.parameters(), back.parameters()
    other.data = weight.data
    a, b = torch.randn(1, *x.shape).double(), torch.randn(1, *shape.shape).double()
    assert torch.allclose((layer(a) * b).sum(), (back(b) * a).sum())


def test_every_op_is_tested_and_explained() -> None:
    ours = {
        op for op in Op.__subclasses__() if op.__module__.startswith("inception_dsl.ir.")
    }  # not those of tests, or of graphs
    assert ours == set(OPS) == set(TORCH) == set(CASES)
    assert len({op.name for op in OPS}) == len(OPS)
    assert [op.name for op in OPS if not (op.__doc__ or "").strip().endswith(".")] == []


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_every_op_has_a_rule_in_every_backend(backend: Backend) -> None:
    assert backend.rules.missing(OPS) == ()
    assert set(backend.rules) == set(OPS)


def test_a_missing_rule_is_named() -> None:
    rules = Rules[str]("Fortran")
    rules(ReLU)(lambda op: "max(x, 0)")
    assert rules[ReLU](ReLU()) == "max(x, 0)"
    assert rules.missing([ReLU, Conv]) == ("conv",)
    with pytest.raises(LookupError, match=r"Fortran has no rule for `conv`: write one and register it for `Conv`"):
        rules[Conv]


@pytest.mark.parametrize(
    ("op", "inputs", "code"),
    [
        (Conv(4, Window((3, 3))), ((3, 2, 8),), "E209"),
        (Conv(4, Window((3, 3)), groups=2), ((3, 8, 8),), "E212"),
        (Conv(3, Window((3, 3)), groups=2), ((4, 8, 8),), "E212"),
        (MaxPool(None), ((10,),), "E215"),
        (LRN(), ((10,),), "E215"),
        (GroupNorm(4), ((6, 8, 8),), "E212"),
        (GroupNorm(4), ((6,),), "E212"),
        (FullyConnected(4), ((3, 8, 8),), "E215"),
        (ChannelPart((1, 2)), ((3, 8, 8),), "E212"),
        (ChannelShuffle(2), ((3, 8, 8),), "E212"),
        (ChannelShuffle(2), ((4,),), "E215"),
        (ChannelSlice(2, 2), ((3, 8, 8),), "E233"),
        (ChannelConv(5, pad=1), ((2, 8, 8),), "E209"),
        (ChannelConv(3, pad=1), ((8,),), "E215"),
        (ChannelMean(), ((8,),), "E215"),
        (ChannelMax(), ((8,),), "E215"),
        (Crop((1, 1)), ((3, 2, 8),), "E209"),
        (Crop((1, 2), left=True), ((3, 8, 2),), "E209"),
        (Crop((1, 1)), ((8,),), "E215"),
        (Pad((1, 1)), ((8,),), "E215"),
        (Pad((2, 2), reflect=True), ((3, 8, 2),), "E209"),
        (Shift(2), ((3, 2, 8),), "E209"),
        (Shift(1), ((8,),), "E215"),
        (Concat(), ((3, 8, 8), (3, 8, 7)), "E204"),
        (Add(), ((3, 8, 8), (4, 8, 8)), "E205"),
        (Mul(), ((3, 8, 8), (4, 8, 8)), "E230"),
        (Mul(), ((3,), (4,)), "E230"),
        (Mul(), ((3, 8, 8), (3, 8, 7)), "E230"),
        (Mul(), ((3, 8, 8), (3,)), "E230"),
    ],
)
def test_what_an_op_cannot_take_has_a_code(op: Op, inputs: tuple[tuple[int, ...], ...], code: str) -> None:
    with pytest.raises(ShapeError) as caught:
        op.infer(*map(TensorType, inputs))
    assert caught.value.code == code


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([MaxPool, AvgPool, Conv]), windows(pool=False)), max_size=3))
def test_receptive_field_is_where_the_gradient_lies(chain: list[tuple[type[Op], Window]]) -> None:
    image = TensorType((1, 200, 201))
    x = torch.ones(1, *image.shape, dtype=torch.float64, requires_grad=True)
    shape, fields, out = image, (ReceptiveField(), ReceptiveField()), x
    for kind, window in chain:
        op = Conv(1, window) if kind is Conv else kind(window)  # type: ignore[call-arg]  # a pool
        fields = op.receptive_field(shape, fields)
        summed = conv(Conv(1, window), shape).double()  # what a pool may read is what a sum of positives reads
        for weight in summed.parameters():
            nn.init.ones_(weight)
        shape, out = infer(op, (shape,)), summed(out)
    pixel = tuple(size // 2 for size in shape.image)
    ranges = [(f.first + i * f.stride, f.last + i * f.stride) for f, i in zip(fields, pixel, strict=True)]
    assume(all(first >= 0 and last < n for (first, last), n in zip(ranges, image.image, strict=True)))
    (gradient,) = torch.autograd.grad(out[0, 0, pixel[0], pixel[1]], x)
    rows, columns = gradient[0, 0].nonzero(as_tuple=True)
    assert [(int(axis.min()), int(axis.max())) for axis in (rows, columns)] == ranges
    assert [f.size for f in fields] == [last - first + 1 for first, last in ranges]


def test_a_global_pool_and_flatten_see_the_whole_image() -> None:
    image, fields = TensorType((1, 9, 11)), (ReceptiveField(2, -1, 3), ReceptiveField(2, 0, 4))
    for op in (AvgPool(None), MaxPool(None), Flatten()):
        assert [(f.first, f.last) for f in op.receptive_field(image, fields)] == [(-1, 3 + 8 * 2), (0, 4 + 10 * 2)]
    assert Flatten().receptive_field(TensorType((9,)), fields) == fields
    assert ReLU().receptive_field(image, fields) == LayerNorm().receptive_field(image, fields) == fields
    assert GroupNorm(4).receptive_field(TensorType((8,)), fields) == fields


def test_a_group_norm_reads_the_whole_image_at_every_pixel() -> None:
    image, before = TensorType((2, 7, 6)), (ReceptiveField(2, -1, 1), ReceptiveField(1, 0, 2))
    x = torch.randn(1, *image.shape, requires_grad=True)
    out = nn.GroupNorm(1, 2)(x)
    for pixel in np.ndindex(image.image):
        (gradient,) = torch.autograd.grad(out[0, 0, pixel[0], pixel[1]], x, retain_graph=True)
        assert (gradient != 0).all()
    fields = GroupNorm(1).receptive_field(image, before)

    assert fields == (ReceptiveField(2, -1, 1 + 6 * 2), ReceptiveField(1, 0, 2 + 5)), "from the first pixel to the last"


@pytest.mark.parametrize("image", [(14, 14), (13, 13), (7, 6), (6, 14), (2, 3)])
@pytest.mark.parametrize("to", [(4, 4), (6, 6), (1, 1), (3, 5)])
def test_an_adaptive_pool_sees_its_largest_window(image: tuple[int, int], to: tuple[int, int]) -> None:
    x = torch.ones(1, 1, *image, requires_grad=True)
    out = nn.functional.adaptive_avg_pool2d(x, to)
    largest = [0, 0]
    for pixel in np.ndindex(*to):
        (gradient,) = torch.autograd.grad(out[0, 0, pixel[0], pixel[1]], x, retain_graph=True)
        extent = [int(axis.max() - axis.min()) + 1 for axis in gradient[0, 0].nonzero(as_tuple=True)]
        largest = [max(pair) for pair in zip(largest, extent, strict=True)]
    fields = AvgPool(None, to=to).receptive_field(TensorType((1, *image)), (ReceptiveField(), ReceptiveField()))
    assert [field.size for field in fields] == largest
