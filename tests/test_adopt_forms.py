"""Forms in which modules of torch say what the language has words for: every one is adopted with equal values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from inception_dsl.adopt.adopt import adopt
from inception_dsl.interchange.graph import Opaque
from inception_dsl.interchange.network import Network, of_module, read_network
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.interchange.torch.running import run

Form = Callable[["Layers", Tensor], Any]


class Layers(nn.Module):
    """Layers, and a form in which they are used on images of 4 channels."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        self.one, self.other = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.step, self.norm = nn.Conv1d(4, 4, 3, padding=2, dilation=2), nn.BatchNorm1d(4)
        self.mask, self.twice, self.score = nn.Conv2d(4, 1, 1), nn.Conv2d(4, 8, 1), nn.Linear(4, 8)

    def forward(self, x: Tensor) -> Any:
        return self.form(self, x)


def pooled(x: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(x, 1)


def selective_kernels(net: Layers, x: Tensor) -> Any:
    images = torch.stack([net.one(x), net.other(x)], dim=1)
    weights = net.twice(pooled(images.sum(dim=1))).view(x.size(0), 2, 4).softmax(dim=1)
    return (images * weights.unsqueeze(-1).unsqueeze(-1)).sum(dim=1)


def split_attention(net: Layers, x: Tensor) -> Any:
    images = net.twice(x).view(x.size(0), 2, 4, 8, 8)
    weights = net.score(pooled(images.sum(dim=1)).flatten(1)).view(x.size(0), 1, 2, -1).transpose(1, 2).softmax(dim=1)
    return (images * weights.reshape(x.size(0), 2, -1, 1, 1)).sum(dim=1)


def neighbours(net: Layers, x: Tensor) -> Any:
    return net.twice(x).view(x.size(0), 4, 2, 8, 8).sum(dim=2)


def recurrent_state(net: Layers, x: Tensor) -> Any:
    vector = pooled(net.one(x)).view(x.size(0), -1)
    gate, cell = (net.score(vector) + net.score(torch.zeros_like(vector))).chunk(2, dim=1)
    state = gate.sigmoid() * torch.zeros_like(vector) + gate.sigmoid() * cell.tanh()
    return x * state.unsqueeze(-1).unsqueeze(-1)


def shifted_gate(net: Layers, x: Tensor) -> Any:
    return x * (1 + net.one(x).sigmoid())


def gate_of_the_rest(net: Layers, x: Tensor) -> Any:
    most = net.twice(x).softmax(dim=1).max(dim=1)[0].unsqueeze(1).expand_as(x)
    return (x * (1 - most) + net.one(x) * (most - 0.5)).view(-1, 8, 32)


def bounded_gate(net: Layers, x: Tensor) -> Any:
    return x * net.other(pooled(x)).clamp(0, 1)


def one_channel_for_all(net: Layers, x: Tensor) -> Any:
    return x * net.mask(x).sigmoid()


def bottleneck_attention(net: Layers, x: Tensor) -> Any:
    return x + (net.other(pooled(x)).expand_as(x) * net.mask(x).expand_as(x)).sigmoid()


def computed_weights(net: Layers, x: Tensor) -> Any:
    kept = net.one.weight * (net.one.weight > 0)
    return functional.conv2d(net.other(x), kept, padding=1) + functional.conv2d(x, net.twice.weight[:4])


def plain_norm(net: Layers, x: Tensor) -> Any:
    return functional.batch_norm(net.one(x), torch.full((4,), 0.5), torch.full((4,), 2.0))


def cut_after_windows(net: Layers, x: Tensor) -> Any:
    wider = functional.pad(x, (1, 0, 1, 0))
    average = functional.avg_pool2d(wider, 3, 2, 1, count_include_pad=False)[:, :, 1:, 1:]
    sums = functional.conv2d(wider, net.one.weight, stride=2, padding=1)
    return torch.cat([average, net.other(sums)[:, :, 1:, 1:]], dim=1)


def cut_before_a_window(net: Layers, x: Tensor) -> Any:
    return functional.conv2d(x[:, :, 1:, 1:], net.other.weight, stride=2)


def one_pixel_for_all(net: Layers, x: Tensor) -> Any:
    weights = net.other(pooled(x))
    return net.one(x) * weights + weights


def convolutional_attention(net: Layers, x: Tensor) -> Any:
    places = torch.cat([x.max(dim=1)[0].unsqueeze(1), x.mean(dim=1, keepdim=True)], dim=1)
    return net.one(x) * functional.conv2d(places, net.one.weight[:1, :2], padding=1).sigmoid()


def uneven_ranges(net: Layers, x: Tensor) -> Any:
    first, rest = net.one(x).split([1, 3], dim=1)
    return torch.cat([rest.relu(), first.tanh()], dim=1)


def cropped_shortcut(net: Layers, x: Tensor) -> Any:
    return functional.conv2d(x, net.one.weight) + net.other(x)[:, :, :-2, :-2]


def moved_down(net: Layers, x: Tensor) -> Any:
    return net.other(functional.avg_pool2d(functional.pad(x[:, :, :-1, :-1], (1, 0, 1, 0)), 1, 2))


def transposed(net: Layers, x: Tensor) -> Any:
    larger = functional.conv_transpose2d(x, net.one.weight, net.one.bias, 2, 1, 1)
    wider = functional.pad(larger.relu(), (1, 1, 1, 1))
    return functional.conv_transpose2d(wider, net.twice.weight.view(4, 2, 2, 2), None, 2, 3, groups=2)


def resized(net: Layers, x: Tensor) -> Any:
    small = functional.interpolate(net.one(x), scale_factor=0.5, mode="bilinear", align_corners=True)
    image = functional.interpolate(net.other(functional.interpolate(small, (7, 9))), (8, 8), mode="bilinear")
    return image + functional.interpolate(small, x.shape[2:])


def unpooled(net: Layers, x: Tensor) -> Any:
    largest, places = functional.max_pool2d(net.one(x).relu(), 2, return_indices=True)
    return net.other(functional.max_unpool2d(net.twice(largest)[:, :4], places, [2, 2]))


def zeros_joined(net: Layers, x: Tensor) -> Any:
    one, four = (torch.zeros(x.shape[0], width, 8, 8) for width in (1, 4))
    return net.other(torch.cat([one, net.one(x), four, one, net.other(x), one], 1)[:, 3:7].sigmoid())


def series(net: Layers, x: Tensor) -> Any:
    steps = net.norm(net.step(x[:, :, :1].squeeze(2))).relu()
    return net.step(torch.stack([steps, net.step(steps), steps.tanh()], dim=1).sum(dim=1))


def squares(net: Layers, x: Tensor) -> Any:
    split = net.one(x).view(-1, 4, 4, 2, 4, 2)
    small = split.permute(0, 1, 3, 5, 2, 4).reshape(-1, 16, 4, 4)
    small = small + split.permute(0, 3, 5, 1, 2, 4).reshape(-1, 16, 4, 4)
    large = small.view(-1, 4, 2, 2, 4, 4).permute(0, 1, 4, 2, 5, 3).reshape(x.shape)
    large = large * small.view(-1, 2, 2, 4, 4, 4).permute(0, 3, 4, 1, 5, 2).reshape(x.shape)
    return functional.pixel_unshuffle(large, 4) + functional.pixel_unshuffle(functional.pixel_shuffle(small, 2), 4)


def blocks_as_channels(net: Layers, x: Tensor) -> Any:
    """By a join of columns, as in i-RevNet."""
    columns = [each.reshape(x.size(0), 4, 16) for each in x.permute(0, 2, 3, 1).chunk(4, dim=2)]
    stacked = torch.stack(columns, dim=1).permute(0, 3, 2, 1)
    return net.twice(stacked[:, 2:6].contiguous())


def zeros_after_channels(net: Layers, x: Tensor) -> Any:
    return net.twice(functional.pad(x.permute(0, 2, 1, 3), (0, 0, 0, 3)).permute(0, 2, 1, 3)[:, 1:5])


def mirrored(net: Layers, x: Tensor) -> Any:
    return functional.conv2d(functional.pad(x, (1, 2, 1, 1), mode="reflect"), net.one.weight, stride=2)


def fractal_paths(net: Layers, x: Tensor) -> Any:
    paths = [functional.dropout2d(path(x), training=net.training) for path in (net.one, net.other)]
    return torch.stack([*paths, x], dim=0).mean(dim=0) * torch.stack(paths).sum(0)


FORMS = (
    blocks_as_channels,
    zeros_after_channels,
    mirrored,
    fractal_paths,
    convolutional_attention,
    uneven_ranges,
    cropped_shortcut,
    moved_down,
    selective_kernels,
    split_attention,
    neighbours,
    recurrent_state,
    shifted_gate,
    gate_of_the_rest,
    bounded_gate,
    one_channel_for_all,
    bottleneck_attention,
    one_pixel_for_all,
    computed_weights,
    cut_after_windows,
    cut_before_a_window,
    plain_norm,
    transposed,
    resized,
    squares,
    unpooled,
    zeros_joined,
    series,
)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_a_form_is_adopted_with_equal_values(form: Form) -> None:
    torch.manual_seed(0)
    net = Layers(form).eval()
    graph = read_torch(net, (4, 8, 8), "net")

    found = adopt(Network("tests:net", graph, lambda images, weights: run(net, graph, images, weights)))

    assert found.same
    assert found.values is not None
    assert found.values.equal
    assert found.values.moved > 0.01


def three_images(net: Layers, x: Tensor) -> Any:
    images = torch.stack([net.one(x), net.other(x), x], dim=1)
    return (images * images.softmax(dim=1)).sum(dim=1)


def fives_beside_channels(net: Layers, x: Tensor) -> Any:
    return net.twice(functional.pad(x.permute(0, 2, 1, 3), (0, 0, 0, 3), value=5).permute(0, 2, 1, 3)[:, 1:5])


@pytest.mark.parametrize("form", [three_images, fives_beside_channels], ids=lambda form: form.__name__)
def test_a_form_has_no_word(form: Form) -> None:
    graph = read_torch(Layers(form), (4, 8, 8), "net")

    assert [node.op.kind for node in graph.nodes if isinstance(node.op, Opaque)]


def test_paths_before_the_batch_have_no_word_but_for_their_sum() -> None:
    def active(net: Layers, x: Tensor) -> Any:
        return torch.stack([net.one(x), net.other(x)]).relu().mean(0)

    graph = read_torch(Layers(active), (4, 8, 8), "net")

    assert [node.op.kind for node in graph.nodes if isinstance(node.op, Opaque)] == ["relu", "mean"]
    assert len(graph.nodes) == 4


def test_a_row_and_a_head_that_a_source_calls_alike_have_names_of_their_own() -> None:
    class Heads(nn.Module):
        """Two outputs; a layer of either is called `unit`."""

        def __init__(self) -> None:
            super().__init__()
            self.trunk = nn.ModuleDict({"stem": nn.Conv2d(4, 4, 1), "unit": nn.Conv2d(4, 6, 3)})
            self.side = nn.ModuleDict({"unit": nn.Conv2d(4, 8, 1)})

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = self.trunk["stem"](x).relu()
            return self.trunk["unit"](x), self.side["unit"](x)

    graph = read_torch(Heads().eval(), (4, 8, 8), "heads", heads=True)

    found = adopt(Network("tests:heads", graph, lambda images, _: images), values=False)

    assert len(found.typed.heads) == 1
    assert not {*found.typed.heads} & {row.name for row in found.typed.program.rows}


class Pyramid(nn.Module):
    """Features at two sizes, the second of them in the first, with scores of both, and the first feature itself."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4, 6, 3, 2, 1)
        self.down = nn.Conv2d(6, 8, 3, 2, 1)
        self.lateral = nn.ModuleList([nn.Conv2d(6, 5, 1), nn.Conv2d(8, 5, 1)])
        self.scores = nn.ModuleList([nn.Conv2d(5, 3, 1), nn.Conv2d(5, 3, 1)])

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        fine = self.stem(x).relu()
        coarse = self.down(fine).relu()
        low = self.lateral[1](coarse)
        high = self.lateral[0](fine) + functional.interpolate(low, scale_factor=2)
        return {"fine": fine, "high": self.scores[0](high), "low": self.scores[1](low), "all": high}


class Crossed(nn.Module):
    """Three outputs, of which any two share what the third has no part in."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(4, 4, 1) for _ in range(4)])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        first, one, two, three = (layer(x).relu() for layer in self.layers)
        return one + two + first, two * three, three + one


class Tied(nn.Module):
    """Scores at two sizes by one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.score = nn.Conv2d(4, 4, 3, 2, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        low = self.down(x).relu()
        return self.score(x), self.score(low)


@pytest.mark.parametrize(("module", "heads", "left"), [(Pyramid, 3, 0), (Crossed, 2, 0), (Tied, 0, 1)])
def test_what_several_outputs_need_is_written_once(module: type[nn.Module], heads: int, left: int) -> None:
    graph = read_torch(module().eval(), (4, 8, 8), "net", heads=True)

    found = adopt(Network("tests:net", graph, lambda images, _: images), values=False)

    assert found.same
    assert (len(found.typed.heads), len(found.spec.left_out)) == (heads, left)
    assert (
        sum(bool(node.weights) for node in found.typed.nodes)
        == sum(bool(node.weights) for node in graph.nodes) - 2 * left
    )


def test_a_label_is_left_out_beside_its_scores_and_scopes_around_all_nodes_are_no_names(tmp_path: Path) -> None:
    """As files of Caffe2 and paddle are: names in one scope, a hard sigmoid of another slope, a label first."""
    file, node, value = tmp_path / "labels.onnx", onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [
        node("Conv", ["gpu_0/data_0", "w"], ["gpu_0/conv1_1"]),
        node("HardSigmoid", ["gpu_0/conv1_1"], ["gpu_0/gate_1"], alpha=0.2, beta=0.5),
        node("Conv", ["gpu_0/gate_1", "w"], ["gpu_0/scores_1"]),
        node("ArgMax", ["gpu_0/scores_1"], ["label"], axis=1),
    ]
    weight = onnx.numpy_helper.from_array(np.eye(4, dtype=np.float32).reshape(4, 4, 1, 1) * 3, "w")
    image = value("gpu_0/data_0", onnx.TensorProto.FLOAT, [1, 4, 5, 5])
    label = value("label", onnx.TensorProto.INT64, [1, 1, 5, 5])
    scores = value("gpu_0/scores_1", onnx.TensorProto.FLOAT, [1, 4, 5, 5])
    graph = onnx.helper.make_graph(nodes, "g", [image], [label, scores], [weight])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), file)

    found = adopt(read_network(str(file)))

    assert not found.findings
    assert "left out: label: no word says its ArgMax" in found.sentences
    assert "1.2 * " in found.text
    assert "hardsigmoid" in found.text
    assert not [row.name for row in found.spec.rows if row.name.startswith("gpu")]


class Computed(nn.Module):
    """Weights that it computes when it runs, after images with a mean."""

    def __init__(self) -> None:
        super().__init__()
        self.normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 6, 3))
        self.pruned = nn.Conv2d(6, 8, 3)
        self.mask = nn.Buffer(torch.arange(8).reshape(8, 1, 1, 1) % 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.normed((x - 0.5) / 0.2).relu()
        return functional.conv2d(x, self.pruned.weight * self.mask, self.pruned.bias).mean((2, 3))


def test_weights_that_a_module_computes_are_named() -> None:
    found = adopt(of_module(Computed().eval(), "computed", (4, 8, 8)))

    assert not found.findings
    assert found.computed[0] == ("the scale and shift of the images", 2, "div.weight")
    assert [what for what, *_ in found.computed[1:]] == [
        *("what `_weight_norm` gives in the source", "what `mul` gives in the source")
    ]
    assert "1 weight: what `mul` gives in the source, first `mul`" in found.sentences


@pytest.mark.parametrize("width", [4, 128])
def test_weights_that_an_onnx_file_computes_are_named(width: int, tmp_path: Path) -> None:
    """More of them than are computed while the file is read, too."""
    weight = np.random.default_rng(1).standard_normal((width, width, 3, 3)).astype(np.float32)
    mask = np.arange(weight.size).reshape(weight.shape) % 2
    file, node, value = tmp_path / "masked.onnx", onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [
        node("Cast", ["mask"], ["real"], to=onnx.TensorProto.FLOAT),
        node("Mul", ["weight", "real"], ["masked"]),
        node("Conv", ["x", "masked"], ["y"], "conv"),
    ]
    x, y = (value(name, onnx.TensorProto.FLOAT, [1, width, size, size]) for name, size in (("x", 5), ("y", 3)))
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in (("weight", weight), ("mask", mask))]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [x], [y], tensors)), file)

    found = adopt(read_network(str(file)))

    assert not found.findings
    assert found.values
    assert not found.values.drawn
    assert found.computed == [("what `Mul` gives in the source", 1, "masked")]
