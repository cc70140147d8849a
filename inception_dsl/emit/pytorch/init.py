"""The function `initialise` of a generated file: one loop over the network's layers, a branch for each way to begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from inception_dsl.analysis.initializers import initializer_targets
from inception_dsl.emit.python import LINE_LENGTH, CallExpr, layout, literal, single_line, wrapped
from inception_dsl.ir.ops.activations import PReLU
from inception_dsl.ir.ops.linear import ConvTranspose
from inception_dsl.ir.program import Initializer
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.spec.init import DISTRIBUTIONS, LAYER_WORDS

LAYER_CLASSES = dict(
    zip(
        LAYER_WORDS,
        (
            *("nn.Conv2d", "nn.ConvTranspose2d", "ChannelConv", "nn.Linear", "nn.BatchNorm2d", "nn.GroupNorm"),
            *("nn.LayerNorm", "nn.PReLU", "Affine"),
        ),
        strict=True,
    )
)
"""PyTorch's classes of the layers that a word is about; of a batch norm, that for images."""

TRUNCATED = '''\
def truncated_normal_(weight: Tensor, std: float) -> None:
    """Normal distribution without what lies beyond two deviations, as TensorFlow cuts it."""
    share = math.erf(2**0.5)
    with torch.no_grad():
        weight.uniform_(-share, share).erfinv_().mul_(2**0.5 * std)


'''
"""torch's own draws again until all fits, which neither `torch.export` nor a tensor without data can follow."""


class Way(NamedTuple):
    """How weights begin; `transposed` are kernels of which torch would count the fans the other way round."""

    initializer: Initializer
    transposed: bool


def initialise(typed: Typed) -> str:
    """The source of the function, which takes a network and fills its weights; empty where nothing is stated of them.

    Before it stands the function that it calls for a truncated normal distribution.
    """
    branches = _branches(initializer_targets(typed))
    if typed.program.init is None or not branches:
        return ""
    named = any("name " in test for test, _ in branches)
    lines = ["    for name, module in network.named_modules():" if named else "    for module in network.modules():"]
    for i, (test, body) in enumerate(branches):
        lines += [f"        {'elif' if i else 'if'} {test}:", *(f"            {line}" for line in body)]
    helper = TRUNCATED if any("truncated_normal_" in line for line in lines) else ""
    head = f"{helper}def initialise(network: nn.Module) -> None:"
    return "\n".join([head, *_doc(typed.program.init.source), *lines])


def _branches(targets: dict[Initializer, tuple[Node, ...]]) -> list[tuple[str, list[str]]]:
    """The tests and what is done where they hold: names before kinds, and neighbours that begin alike as one."""
    names: dict[Way, list[Node]] = {}
    kinds: dict[Way, dict[str, list[Node]]] = {}
    for initializer, nodes in targets.items():
        for node in nodes:
            fan = DISTRIBUTIONS[initializer.distribution].fan
            way = Way(replace(initializer, path=""), fan and isinstance(node.op, ConvTranspose))
            if initializer.path in LAYER_WORDS:
                kinds.setdefault(way, {}).setdefault(initializer.path, []).append(node)
            else:
                names.setdefault(way, []).append(node)
    branches = [(way, _named(nodes), nodes) for way, nodes in names.items()]
    for way, nodes_of in kinds.items():
        test = f"isinstance(module, {' | '.join(_classes(word, nodes) for word, nodes in nodes_of.items())})"
        all_nodes = [node for nodes in nodes_of.values() for node in nodes]
        if branches and branches[-1][0] == way:
            _, other, more = branches.pop()
            test, all_nodes = f"{other} or {test}", [*more, *all_nodes]
        branches.append((way, test, all_nodes))
    return [(test, list(_body(way, nodes))) for way, test, nodes in branches]


def _classes(word: str, nodes: list[Node]) -> str:
    """PyTorch's classes of some layers with the same word: batch norms of images and of vectors have their own."""
    of_images = LAYER_CLASSES[word]
    of_vectors = of_images.replace("BatchNorm2d", "BatchNorm1d")
    ranks = sorted({len(node.types[0].shape) for node in nodes})
    return " | ".join(dict.fromkeys({1: of_vectors, 3: of_images}[rank] for rank in ranks))


def _doc(source: str) -> list[str]:
    line = f'    """Fill the weights as stated in {single_line(source)}."""'
    if len(line) <= LINE_LENGTH:
        return [line]
    return [
        '    """Fill the weights as stated.',
        "",
        *wrapped(f"Source: {single_line(source)}", "    ", "    "),
        '    """',
    ]


def _named(nodes: list[Node]) -> str:
    quoted = tuple(f'"{".".join(node.path)}"' for node in nodes)
    return f"name == {quoted[0]}" if len(quoted) == 1 else layout(CallExpr("name in ", quoted), 8, after=6)


def _body(way: Way, nodes: list[Node]) -> Iterator[str]:
    """What is done to each of some layers; a tensor that only some of them have is asked for."""
    weight = _weight(way.initializer, "weight.transpose(0, 1)" if way.transposed else "module.weight")
    bias = _constant("module.bias", way.initializer.bias)
    if way.transposed:
        yield "for weight in module.weight.detach().chunk(module.groups):"
        yield f"    {weight}"
    for tensor, line in (("weight", "" if way.transposed else weight), ("bias", bias)):
        owners = sum(any(name.endswith(f".{tensor}") for name in node.weights) for node in nodes)
        if owners == len(nodes) and line:
            yield line
        elif owners and line:
            has_none = any(isinstance(node.op, PReLU) for node in nodes) and tensor == "bias"
            value = f'getattr(module, "{tensor}", None)' if has_none else f"module.{tensor}"
            yield f"if {value} is not None:"
            yield f"    {line}"


def _constant(tensor: str, value: float) -> str:
    if value in (0, 1):
        return f"nn.init.{'ones' if value else 'zeros'}_({tensor})"
    return f"nn.init.constant_({tensor}, {literal(value)})"


def _weight(initializer: Initializer, tensor: str) -> str:
    given = dict(initializer.values)
    std = float(given.get("std", 0))
    match initializer.distribution:
        case "normal":
            return f"nn.init.normal_({tensor}, std={literal(std)})"
        case "truncated_normal":
            return f"truncated_normal_({tensor}, std={literal(std)})"
        case "he":
            mode = ', mode="fan_out"' if given.get("fan") == "out" else ""
            return f'nn.init.kaiming_normal_({tensor}{mode}, nonlinearity="relu")'
        case "xavier":  # Caffe's: torch's xavier counts both fans
            return f'nn.init.kaiming_uniform_({tensor}, nonlinearity="linear")'
        case "glorot":
            return f"nn.init.xavier_uniform_({tensor})"
        case "constant":
            return _constant(tensor, float(given["value"]))
        case word:
            raise TypeError(word)
