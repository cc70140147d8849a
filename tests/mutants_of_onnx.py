"""Mutants that are ONNX files: those of specs, and those that torch writes of libraries' networks, one node edited."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import onnx
import torch
from audit_mutants import Mutant, Port, typed_of
from test_interchange import without_names
from torch import nn

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.onnx import onnx as emitter
from inception_dsl.interchange.graph import Graph
from inception_dsl.interchange.onnx.reader import read_onnx

SPECS = ("googlenet", "bn_inception", "inception_v3", "inception_v4", "inception_resnet_v2", "resnet50")

Edit = Callable[[Any, Any], bool]
"""Changes a node of a model in place; False if it does not apply."""


def _attribute(node: Any, name: str, value: Any) -> None:
    for each in [each for each in node.attribute if each.name == name]:
        node.attribute.remove(each)
    node.attribute.append(onnx.helper.make_attribute(name, value))


def _value(node: Any, name: str, default: Any = None) -> Any:
    return next((onnx.helper.get_attribute_value(each) for each in node.attribute if each.name == name), default)


def _dims(model: Any, name: str) -> Any:
    (value,) = [each for each in model.graph.input if each.name == name]
    return value.type.tensor_type.shape.dim


def _readers(model: Any, name: str) -> list[Any]:
    return [node for node in model.graph.node if name in node.input]


def _giver(model: Any, name: str) -> Any:
    return next((node for node in model.graph.node if name in node.output), None)


def _after(model: Any, node: Any, kind: str) -> None:
    """A new node between a node and all that reads it."""
    place = [*model.graph.node].index(node) + 1
    for reader in _readers(model, node.output[0]):
        reader.input[:] = ["a new value" if name == node.output[0] else name for name in reader.input]
    model.graph.node.insert(place, onnx.helper.make_node(kind, [node.output[0]], ["a new value"], name="a new node"))


def _padded_alike(node: Any) -> bool:
    """Whether a convolution of an odd kernel keeps the size of its image, apart from its stride."""
    pads, kernel = _value(node, "pads") or [0] * 4, _value(node, "kernel_shape")
    return bool(kernel) and pads == [side // 2 for side in kernel] * 2


def kernel(model: Any, node: Any) -> bool:
    dims = _dims(model, node.input[1])
    sides = dims[2].dim_value, dims[3].dim_value
    if sides not in ((3, 3), (5, 5)) or _value(node, "pads") not in ([1] * 4, [2] * 4):
        return False
    side = 8 - sides[0]
    dims[2].dim_value = dims[3].dim_value = side
    if any(each.name == "kernel_shape" for each in node.attribute):
        _attribute(node, "kernel_shape", [side, side])
    _attribute(node, "pads", [side // 2] * 4)
    return True


def kernel_of_pool(model: Any, node: Any) -> bool:
    """2x2 for 3x3, as in a port of GoogLeNet."""
    if _value(node, "kernel_shape") != [3, 3] or _value(node, "strides") != [2, 2]:
        return False
    _attribute(node, "kernel_shape", [2, 2])
    _attribute(node, "pads", [0] * 4)
    return True


def padding_side(model: Any, node: Any) -> bool:
    pads = _value(node, "pads")
    if not pads or pads[0] == 0 or pads != [pads[0]] * 4:
        return False
    _attribute(node, "pads", [0, 0, 2 * pads[0], 2 * pads[0]])
    return True


def lost_padding(model: Any, node: Any) -> bool:
    if not any(_value(node, "pads") or []):
        return False
    _attribute(node, "pads", [0] * 4)
    return True


def stride_moved(model: Any, node: Any) -> bool:
    """The strides of a convolution and of the one before it, exchanged, where all sizes stay."""
    before = _giver(model, node.input[0])
    while before is not None and before.op_type in ("BatchNormalization", "Relu"):
        before = _giver(model, before.input[0])
    if before is None or before.op_type != "Conv" or not (_padded_alike(node) and _padded_alike(before)):
        return False
    strides = [_value(each, "strides", [1, 1]) for each in (before, node)]
    if strides[0] == strides[1]:
        return False
    for each, stride in zip((node, before), strides, strict=True):
        _attribute(each, "strides", stride)
    return True


def eps(model: Any, node: Any) -> bool:
    _attribute(node, "epsilon", 10 * (_value(node, "epsilon") or 1e-5))
    return True


def pool_kind(model: Any, node: Any) -> bool:
    node.op_type = {"MaxPool": "AveragePool", "AveragePool": "MaxPool"}[node.op_type]
    for each in [each for each in node.attribute if each.name == "count_include_pad"]:
        node.attribute.remove(each)
    return True


def counted(model: Any, node: Any) -> bool:
    if not any(_value(node, "pads") or []):
        return False
    _attribute(node, "count_include_pad", 1 - (_value(node, "count_include_pad") or 0))
    return True


def swapped(model: Any, node: Any) -> bool:
    first, second, *rest = node.input
    node.input[:] = [second, first, *rest]
    return True


def lost(model: Any, node: Any) -> bool:
    for reader in _readers(model, node.output[0]):
        reader.input[:] = [node.input[0] if name == node.output[0] else name for name in reader.input]
    model.graph.node.remove(node)
    return True


def other_activation(model: Any, node: Any) -> bool:
    node.op_type = "Sigmoid"
    return True


def extra_activation(model: Any, node: Any) -> bool:
    _after(model, node, "Tanh")
    return True


def rectified_sum(model: Any, node: Any) -> bool:
    """An activation between the last convolution of a residual branch and the sum."""
    giver = next((each for each in (_giver(model, name) for name in node.input) if each is not None), None)
    if giver is None or giver.op_type not in ("BatchNormalization", "Mul"):
        return False
    _after(model, giver, "Relu")
    return True


def product(model: Any, node: Any) -> bool:
    node.op_type = "Mul"
    return True


def bias(model: Any, node: Any) -> bool:
    if len(node.input) > 2:
        del node.input[2]
        return True
    width = _dims(model, node.input[1])[0].dim_value
    node.input.append("a new bias")
    model.graph.input.append(onnx.helper.make_tensor_value_info("a new bias", onnx.TensorProto.FLOAT, [width]))
    return True


def groups(model: Any, node: Any) -> bool:
    dims = _dims(model, node.input[1])
    if _value(node, "group", 1) != 1 or dims[1].dim_value % 2 or dims[0].dim_value % 2:
        return False
    dims[1].dim_value //= 2
    _attribute(node, "group", 2)
    return True


def width(model: Any, node: Any) -> bool:
    """Fewer outputs of a convolution that another one reads, with what lies between."""
    dims = _dims(model, node.input[1])
    new = dims[0].dim_value - 8
    vectors, at = [*node.input[2:]], node.output[0]
    while True:
        readers = _readers(model, at)
        if len(readers) != 1:
            return False
        (reader,) = readers
        if reader.op_type == "Conv" and _value(reader, "group", 1) == 1:
            break
        if reader.op_type not in ("BatchNormalization", "Relu") or new < 8:
            return False
        vectors += [*reader.input[1:]]
        at = reader.output[0]
    if new < 8:
        return False
    dims[0].dim_value = _dims(model, reader.input[1])[1].dim_value = new
    for name in vectors:
        _dims(model, name)[0].dim_value = new
    return True


def classes(model: Any, node: Any) -> bool:
    """Ten outputs fewer; in torch's files and ours, the weight of a Gemm is output x input."""
    if any(reader.op_type != "Softmax" for reader in _readers(model, node.output[0])):
        return False
    for name in node.input[1:]:
        _dims(model, name)[0].dim_value -= 10
    return True


def lrn(model: Any, node: Any) -> bool:
    _attribute(node, "beta", 0.5)
    return True


def dilation(model: Any, node: Any) -> bool:
    if _value(node, "kernel_shape") != [3, 3] or _value(node, "pads") != [1] * 4:
        return False
    _attribute(node, "dilations", [2, 2])
    _attribute(node, "pads", [2] * 4)
    return True


class Rewrite(NamedTuple):
    """A kind of edit of ONNX files: the ops that it is made to, the edit, and the code of what is found."""

    ops: tuple[str, ...]
    edit: Edit
    code: str


REWRITES: Mapping[str, Rewrite] = {
    "kernel": Rewrite(("Conv",), kernel, "E501"),
    "kernel of pool": Rewrite(("MaxPool",), kernel_of_pool, "E501"),
    "stride moved": Rewrite(("Conv",), stride_moved, "E502"),
    "padding side": Rewrite(("Conv", "MaxPool", "AveragePool"), padding_side, "E503"),
    "lost padding": Rewrite(("Conv", "MaxPool", "AveragePool"), lost_padding, "E503"),
    "counted padding": Rewrite(("AveragePool",), counted, "E504"),
    "pool kind": Rewrite(("MaxPool", "AveragePool"), pool_kind, "E505"),
    "width": Rewrite(("Conv",), width, "E506"),
    "groups": Rewrite(("Conv",), groups, "E507"),
    "bias": Rewrite(("Conv",), bias, "E508"),
    "eps": Rewrite(("BatchNormalization",), eps, "E509"),
    "other activation": Rewrite(("Relu",), other_activation, "E511"),
    "product for sum": Rewrite(("Add",), product, "E511"),
    "lrn constant": Rewrite(("LRN",), lrn, "E512"),
    "dilation": Rewrite(("Conv",), dilation, "E512"),
    "lost lrn": Rewrite(("LRN",), lost, "E513"),
    "lost relu": Rewrite(("Relu",), lost, "E513"),
    "lost norm": Rewrite(("BatchNormalization",), lost, "E513"),
    "lost pool": Rewrite(("MaxPool", "AveragePool"), lost, "E513"),
    "extra activation": Rewrite(("MaxPool", "Concat"), extra_activation, "E514"),
    "activation before a sum": Rewrite(("Add",), rectified_sum, "E514"),
    "swapped branches": Rewrite(("Concat",), swapped, "E515"),
    "classes": Rewrite(("Gemm",), classes, "E518"),
}


@cache
def model_of(spec: str) -> bytes:
    return emitter.model(typed_of(spec))


@cache
def exported(port: Port) -> bytes:
    """The file that torch writes of a library's network, whose weights are inputs.

    The older of its two writers keeps batch norms, and names nodes for their modules. It stores equal tensors once, so
    that the weights are drawn.
    """
    net = port.module()
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (torch.zeros(1, *typed_of(port.spec).input.shape),),
            f"{folder}/port.onnx",
            dynamo=False,
            export_params=False,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
        return Path(folder, "port.onnx").read_bytes()


def rewritten(spec: str, kind: str, name: str) -> bytes | None:
    """The ONNX file of a spec with an edit at a node, under random names; None where it cannot be made there."""
    return edited(model_of(spec), kind, name)


def edited(file: bytes, kind: str, name: str) -> bytes | None:
    """An ONNX file with an edit at a node, under random names; None where it cannot be made there."""
    model = onnx.load_from_string(file)
    (node,) = [node for node in model.graph.node if node.name == name]
    del model.graph.value_info[:]
    if not REWRITES[kind].edit(model, node):
        return None
    for output in model.graph.output:
        output.type.tensor_type.shape.Clear()
    return without_names(model.SerializeToString())


def onnx_mutants(each: int, of: Sequence[str | Port] = SPECS) -> Iterator[Mutant]:
    """Up to `each` mutants of every kind of every spec, or port."""
    with TemporaryDirectory() as folder:
        for source in of:
            spec = source if isinstance(source, str) else source.spec
            nodes = onnx.load_from_string(_file(source)).graph.node
            for kind, (ops, _, code) in REWRITES.items():
                names = [node.name for node in nodes if node.op_type in ops and _row(source, node)]
                random.Random(f"{spec} {kind}").shuffle(names)  # noqa: S311 - which of them
                made = 0
                for name in names:
                    make = Edited(source, kind, name)
                    if made < each and make.valid(Path(folder)):
                        made += 1
                        (row,) = {_row(source, node) for node in nodes if node.name == name}
                        yield Mutant(spec, kind, name, code, row, make)


def _file(source: str | Port) -> bytes:
    return model_of(source) if isinstance(source, str) else exported(source)


def _row(source: str | Port, node: Any) -> str:
    """The row of a node; "" for one that is in none, or in a head."""
    if isinstance(source, Port):
        return source.row(_module(node.name))
    row: str = node.name.partition("/")[0]
    return row if row in typed_of(source).trunk else ""


def _module(name: str) -> str:
    """The path of a node's module, of which torch names every part for the whole path or for its end."""
    path = ""
    for part in name.split("/")[1:-1]:
        path = part if part.startswith(f"{path}.") or not path else f"{path}.{part}"
    return path


@dataclass(frozen=True)
class Edited:
    """Reads a file with an edit."""

    source: str | Port
    kind: str
    name: str

    def __call__(self, folder: Path) -> Graph:
        file = edited(_file(self.source), self.kind, self.name)
        assert file
        (folder / "mutant.onnx").write_bytes(file)
        return read_onnx(folder / "mutant.onnx")

    def valid(self, folder: Path) -> bool:
        """Whether the edit can be made there, and leaves a network: branches fit, and all layers have an input."""
        if edited(_file(self.source), self.kind, self.name) is None:
            return False
        try:
            self(folder)
        except SpecError:
            return False
        return True


SAMPLE = (
    ("googlenet", "kernel", "inception_4b/b5x5/1/conv"),
    ("googlenet", "padding side", "inception_3a/pool/0"),
    ("googlenet", "lost lrn", "norm2"),
    ("googlenet", "lrn constant", "norm1"),
    ("googlenet", "width", "inception_4d/b3x3/0/conv"),
    ("googlenet", "swapped branches", "inception_5a/concat"),
    ("bn_inception", "counted padding", "inception_3b/pool/0"),
    ("bn_inception", "padding side", "inception_3a/pool/0"),
    ("bn_inception", "eps", "inception_4d/b3x3/1/bn"),
    ("bn_inception", "pool kind", "inception_5b/pool/0"),
    ("resnet50", "bias", "conv4_x/1/2/residual/1/conv"),
    ("resnet50", "groups", "conv3_x/1/1/residual/1/conv"),
    ("resnet50", "lost relu", "conv2_x/0/residual/0/relu"),
)
"""A mutant of every kind for the suite."""


def sample() -> list[Mutant]:
    """The mutants of `SAMPLE`."""
    return [
        Mutant(spec, kind, name, REWRITES[kind].code, name.partition("/")[0], Edited(spec, kind, name))
        for spec, kind, name in SAMPLE
    ]
