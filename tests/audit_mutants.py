"""Mutants: networks with one edit, and what an audit must say of them. Names are random before anything is compared.

Half of them are ONNX files of specs, edited node by node; the other half are the networks of libraries with a module
replaced. Every mutant says at which row its edit lies, by the name of its node or module before names are lost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import onnx
import torch
from test_interchange import without_names
from torch import nn

from inception_dsl.audit.audit import Audit, audit
from inception_dsl.compiler import at_size, compile_file
from inception_dsl.emit.onnx import onnx as emitter
from inception_dsl.interchange.graph import Graph
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.ir.typed import Typed

SPECS = ("googlenet", "bn_inception", "inception_v3", "inception_v4", "inception_resnet_v2", "resnet50")


class Mutant(NamedTuple):
    """One edit of a network: the spec that the network had, the kind of the edit, and its place.

    `code` and `row` are what the audit must say.
    """

    spec: str
    kind: str
    place: str
    code: str
    row: str
    make: Callable[[Path], Graph]

    @property
    def id(self) -> str:
        return f"{self.spec}-{self.kind}-{self.place}"


class Outcome(NamedTuple):
    """What an audit says of a mutant: whether it finds anything, and that at the right row with the right code."""

    found: bool
    located: bool
    findings: tuple[str, ...]


@cache
def typed_of(spec: str) -> Typed:
    return at_size(compile_file(f"builtin:{spec}"))


def judged(mutant: Mutant, folder: Path, known: frozenset[str] = frozenset()) -> Outcome:
    """Audit a mutant; findings that the network has before its edit are `known`."""
    found = audit(typed_of(mutant.spec), mutant.make(folder), heads=False, inference=True)
    told = {text: finding for finding in found.findings if (text := summary(finding)) not in known}
    located = any(each.first.code == mutant.code and mutant.row in each.rows for each in told.values())
    return Outcome(bool(told), located, tuple(told))


def summary(finding: Any) -> str:
    first = finding.first
    return f"{first.code} {first.what}: {first.spec} -> {first.target} in {', '.join(finding.rows)}"


# --- ONNX files -------------------------------------------------------------------------------------------------------

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


def padding_side(model: Any, node: Any) -> bool:
    pads = _value(node, "pads")
    if not pads or pads[0] == 0 or pads != [pads[0]] * 4:
        return False
    _attribute(node, "pads", [0, 0, 2 * pads[0], 2 * pads[0]])
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


def lrn(model: Any, node: Any) -> bool:
    _attribute(node, "beta", 0.5)
    return True


class Rewrite(NamedTuple):
    """A kind of edit of ONNX files: the ops that it is made to, the edit, and the code of what is found."""

    ops: tuple[str, ...]
    edit: Edit
    code: str


REWRITES: Mapping[str, Rewrite] = {
    "kernel": Rewrite(("Conv",), kernel, "E501"),
    "padding side": Rewrite(("Conv", "MaxPool", "AveragePool"), padding_side, "E503"),
    "eps": Rewrite(("BatchNormalization",), eps, "E509"),
    "pool kind": Rewrite(("MaxPool", "AveragePool"), pool_kind, "E505"),
    "counted padding": Rewrite(("AveragePool",), counted, "E504"),
    "swapped branches": Rewrite(("Concat",), swapped, "E515"),
    "lost lrn": Rewrite(("LRN",), lost, "E513"),
    "lost relu": Rewrite(("Relu",), lost, "E513"),
    "lost norm": Rewrite(("BatchNormalization",), lost, "E513"),
    "other activation": Rewrite(("Relu",), other_activation, "E511"),
    "bias": Rewrite(("Conv",), bias, "E508"),
    "groups": Rewrite(("Conv",), groups, "E507"),
    "width": Rewrite(("Conv",), width, "E506"),
    "lrn constant": Rewrite(("LRN",), lrn, "E512"),
}


@cache
def model_of(spec: str) -> bytes:
    return emitter.model(typed_of(spec))


def rewritten(spec: str, kind: str, name: str) -> bytes | None:
    """The ONNX file of a spec with an edit at a node, under random names; None where it cannot be made there."""
    model = onnx.load_from_string(model_of(spec))
    (node,) = [node for node in model.graph.node if node.name == name]
    del model.graph.value_info[:]
    if not REWRITES[kind].edit(model, node):
        return None
    for output in model.graph.output:
        output.type.tensor_type.shape.Clear()
    return without_names(model.SerializeToString())


def onnx_mutants(each: int) -> Iterator[Mutant]:
    """Up to `each` mutants of every kind of every spec."""
    for spec in SPECS:
        nodes = onnx.load_from_string(model_of(spec)).graph.node
        for kind, (ops, _, code) in REWRITES.items():
            names = [node.name for node in nodes if node.op_type in ops]
            random.Random(f"{spec} {kind}").shuffle(names)  # noqa: S311 - which of them
            made = 0
            for name in names:
                row = name.partition("/")[0]
                if made < each and row in typed_of(spec).trunk and rewritten(spec, kind, name):
                    made += 1
                    yield Mutant(spec, kind, name, code, row, _Onnx(spec, kind, name))


@dataclass(frozen=True)
class _Onnx:
    spec: str
    kind: str
    name: str

    def __call__(self, folder: Path) -> Graph:
        edited = rewritten(self.spec, self.kind, self.name)
        assert edited
        (folder / "mutant.onnx").write_bytes(edited)
        return read_onnx(folder / "mutant.onnx")


SAMPLE = (
    ("googlenet", "kernel", "inception_4b/b5x5/1/conv"),
    ("googlenet", "padding side", "inception_3a/pool/0"),
    ("googlenet", "lost lrn", "norm2"),
    ("googlenet", "lrn constant", "norm1"),
    ("googlenet", "width", "inception_4d/b3x3/0/conv"),
    ("googlenet", "swapped branches", "inception_5a/concat"),
    ("bn_inception", "counted padding", "inception_3b/pool/0"),
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
        Mutant(spec, kind, name, REWRITES[kind].code, name.partition("/")[0], _Onnx(spec, kind, name))
        for spec, kind, name in SAMPLE
    ]


# --- modules of libraries ---------------------------------------------------------------------------------------------


class Port(NamedTuple):
    """A library's network, its spec, and where a row ends in the names of its modules."""

    spec: str
    make: Callable[[], nn.Module]
    row: Callable[[str], str]


def _conv(old: nn.Conv2d, **changes: Any) -> nn.Conv2d:
    options: dict[str, Any] = {
        "kernel_size": old.kernel_size,
        "stride": old.stride,
        "padding": old.padding,
        "dilation": old.dilation,
        "groups": old.groups,
        "bias": old.bias is not None,
    }
    return nn.Conv2d(old.in_channels, old.out_channels, **(options | changes))


def _square(module: nn.Module, side: int, stride: int = 1) -> bool:
    return isinstance(module, nn.Conv2d) and (module.kernel_size, module.stride) == ((side, side), (stride, stride))


def with_kernel(old: Any) -> nn.Module | None:
    return _conv(old, kernel_size=5, padding=2) if _square(old, 3) and old.padding == (1, 1) else None


def with_other_side(old: Any) -> nn.Module | None:
    if not isinstance(old, nn.Conv2d) or old.padding not in ((1, 1), (2, 2), (3, 3)):
        return None
    pad = 2 * int(old.padding[0])
    return nn.Sequential(nn.ZeroPad2d((0, pad, 0, pad)), _conv(old, padding=0))


def with_eps(old: Any) -> nn.Module | None:
    if not isinstance(old, nn.BatchNorm2d):
        return None
    new = deepcopy(old)
    new.eps = 1e-2
    return new


def with_bias(old: Any) -> nn.Module | None:
    return _conv(old, bias=old.bias is None) if isinstance(old, nn.Conv2d) else None


def with_groups(old: Any) -> nn.Module | None:
    even = isinstance(old, nn.Conv2d) and old.groups == 1 and old.in_channels % 4 == old.out_channels % 4 == 0
    return _conv(old, groups=4) if even else None


def with_dilation(old: Any) -> nn.Module | None:
    return _conv(old, dilation=2, padding=2) if _square(old, 3) and old.padding == (1, 1) else None


def with_other_pool(old: Any) -> nn.Module | None:
    if not isinstance(old, nn.MaxPool2d | nn.AvgPool2d):
        return None
    kind = nn.AvgPool2d if isinstance(old, nn.MaxPool2d) else nn.MaxPool2d
    return kind(old.kernel_size, old.stride, old.padding, ceil_mode=old.ceil_mode)


def with_counted_padding(old: Any) -> nn.Module | None:
    if not isinstance(old, nn.AvgPool2d) or old.padding in (0, (0, 0)):
        return None
    return nn.AvgPool2d(old.kernel_size, old.stride, old.padding, count_include_pad=not old.count_include_pad)


def without(old: Any) -> nn.Module | None:
    """The activation that timm's norms have, or nothing, in place of a norm."""
    return getattr(old, "act", nn.Identity()) if isinstance(old, nn.BatchNorm2d) else None


REPLACEMENTS: Mapping[str, tuple[Callable[[Any], nn.Module | None], str]] = {
    "kernel": (with_kernel, "E501"),
    "padding side": (with_other_side, "E503"),
    "eps": (with_eps, "E509"),
    "bias": (with_bias, "E508"),
    "groups": (with_groups, "E507"),
    "dilation": (with_dilation, "E512"),
    "pool kind": (with_other_pool, "E505"),
    "counted padding": (with_counted_padding, "E504"),
    "lost norm": (without, "E513"),
}


def module_mutants(ports: Sequence[Port], each: int) -> Iterator[Mutant]:
    """Up to `each` mutants of every kind of every port."""
    for port in ports:
        named = dict(_made(port).named_modules())
        for kind, (edit, code) in REPLACEMENTS.items():
            names = [name for name, module in named.items() if edit(module) is not None and port.row(name)]
            random.Random(f"{port.spec} {kind}").shuffle(names)  # noqa: S311 - which of them
            for name in names[:each]:
                yield Mutant(port.spec, kind, name, code, port.row(name), _Replaced(port, kind, name))


def _made(port: Port) -> nn.Module:
    with torch.device("meta"):
        return port.make().eval()


@dataclass(frozen=True)
class _Replaced:
    port: Port
    kind: str
    name: str

    def __call__(self, _: Path) -> Graph:
        net = _made(self.port)
        with torch.device("meta"):
            new = REPLACEMENTS[self.kind][0](net.get_submodule(self.name))
        assert new is not None
        net.set_submodule(self.name, new)
        return scrambled(read_torch(net.to_empty(device="cpu"), typed_of(self.port.spec).input.shape, "mutant"))


def scrambled(graph: Graph) -> Graph:
    """A graph under random names."""
    draw = random.Random(len(graph.nodes))  # noqa: S311 - names
    names: dict[str, str] = {}

    def name(old: str) -> str:
        return names.setdefault(old, f"v{draw.getrandbits(64):x}")

    nodes = [
        replace(node, name=name(f"node {node.name}"), weights={key: name(each) for key, each in node.weights.items()})
        for node in graph.nodes
    ]
    return replace(graph, nodes=tuple(nodes), outputs={name(key): end for key, end in graph.outputs.items()})


def rows_of(prefixes: Mapping[str, str]) -> Callable[[str], str]:
    """The row of a module: that of the longest prefix of its name; "" for none."""

    def row(name: str) -> str:
        known = [prefix for prefix in prefixes if name == prefix or name.startswith(f"{prefix}.")]
        return prefixes[max(known, key=len)] if known else ""

    return row


def known_findings(port: Port) -> frozenset[str]:
    """What the audit says of a library's network before its edit."""
    net = _made(port).to_empty(device="cpu")
    graph = read_torch(net, typed_of(port.spec).input.shape, "port")
    found: Audit = audit(typed_of(port.spec), graph, heads=False, inference=True)
    return frozenset(map(summary, found.findings))


def ports() -> list[Port]:
    """The networks of libraries that are edited."""
    import torchvision

    found = [
        Port(
            "googlenet_torchvision",
            lambda: torchvision.models.googlenet(weights=None, aux_logits=False, init_weights=False),
            rows_of(
                {f"inception{name}": f"inception_{name}" for name in "3a 3b 4a 4b 4c 4d 4e 5a 5b".split()}
                | {f"maxpool{number}": f"pool{number}" for number in range(1, 5)}
                | {"conv1": "conv1", "conv2": "conv2", "conv3": "conv2"}
            ),
        ),
        Port(
            "inception_v3_torchvision",
            lambda: torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False),
            rows_of({f"Mixed_{name}": f"mixed_{name}" for name in "5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c".split()}),
        ),
        Port(
            "resnet50_torchvision",
            lambda: torchvision.models.resnet50(weights=None),
            rows_of({"conv1": "conv1", "bn1": "conv1"} | {f"layer{i}": f"conv{i + 1}_x" for i in range(1, 5)}),
        ),
    ]
    with suppress(ImportError):
        import timm

        found += [
            Port(
                "inception_v4",
                lambda: timm.create_model("inception_v4"),
                rows_of(
                    {f"features.{i}": "stem" for i in range(6)}
                    | {f"features.{i}": "inception_a" for i in range(6, 10)}
                    | {f"features.{i}": "inception_b" for i in range(11, 18)}
                    | {f"features.{i}": "inception_c" for i in range(19, 22)}
                    | {"features.10": "reduction_a", "features.18": "reduction_b"}
                ),
            ),
            Port(
                "inception_resnet_v2",
                lambda: timm.create_model("inception_resnet_v2"),
                rows_of(
                    {f"conv2d_{name}": f"conv{name}" for name in "1a 2a 2b 3b 4a 7b".split()}
                    | {f"maxpool_{name}": f"maxpool{name}" for name in "3a 5a".split()}
                    | {"repeat": "block35", "repeat_1": "block17", "repeat_2": "block8", "block8": "block8_linear"}
                    | {name: name for name in ("mixed_5b", "mixed_6a", "mixed_7a")}
                ),
            ),
        ]
    return found
