"""An ONNX file as a reader needs it: nodes with their attributes, constants by name, and declared shapes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnx.inliner
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.files import paths
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import Array
from inception_dsl.interchange.onnx.stored import values, without_data
from inception_dsl.runner.base.settings import one_line

LARGE: Final = 2**16
"""Constants with more numbers than this are computed when they are asked for."""

SCOPES: Final = ("name_scopes", "class_hierarchy")
NOTED: Final = re.compile(r"'([\w.]*)'")
"""What torch's exporter notes at a node: lists of Python strings."""

FOLDED: Final = frozenset(
    [
        *("Abs", "Add", "And", "ArgMax", "ArgMin", "Cast", "CastLike", "Ceil", "Clip", "Concat", "Constant"),
        *("ConstantOfShape", "Cos", "CumSum", "DequantizeLinear", "Div", "Equal", "Erf", "Exp", "Expand", "Floor"),
        *("Flatten", "Gather", "GatherElements", "GatherND", "Greater", "GreaterOrEqual", "Identity", "Less"),
        *("LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pad", "Pow", "Range"),
        *("Reciprocal", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"),
        *("Reshape", "Round"),
        *("ScatterElements", "ScatterND", "Shape", "Sigmoid", "Sign", "Sin", "Size", "Slice", "Split", "Sqrt"),
        *("Squeeze", "Sub", "Sum", "Tanh", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor"),
    ]
)
"""The ops that are computed where they read constants alone: those whose work is that of their outputs."""

MOST_NODES: Final = 2**20
"""A file has at most this many nodes once its functions stand where they are called."""

OLDEST: Final = 9
"""The oldest opset that is read."""


@dataclass(frozen=True)
class OnnxNode:
    """A node: its op, its attributes as Python values, and the names of what it reads and gives ("" for none)."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: Any

    @property
    def scopes(self) -> Iterator[tuple[str, str]]:
        """The modules of torch around it, by path and class, outer before inner, as torch's exporter notes them."""
        noted = {each.key: each.value for each in self.proto.metadata_props}
        paths, kinds = (NOTED.findall(noted.get(f"pkg.torch.onnx.{key}", "")) for key in SCOPES)
        if len(paths) == len(kinds):
            yield from zip(paths[:-1], kinds[:-1], strict=True)  # the last is the op

    @property
    def captures(self) -> list[str]:
        """The values around it that the graphs inside a node read (`If`, `Loop`, `Scan`)."""
        graphs = [each.g for each in self.proto.attribute if each.HasField("g")]
        return list(dict.fromkeys(name for graph in graphs for name in _captured(graph)))


class OnnxModel:
    """A file that is parsed, and not run."""

    def __init__(self, file: Path) -> None:
        self.file = file
        paths.readable_size(file)
        try:
            self.proto = onnx.ModelProto.FromString(without_data(file))
        except Exception as error:  # noqa: BLE001 - protobuf and onnx raise exceptions of many kinds
            raise refused(file, f"onnx cannot read `{file}`: {one_line(error)}") from None
        if self.proto.functions:
            self._inline()
        self.graph = self.proto.graph
        versions = {each.domain: each.version for each in self.proto.opset_import}
        self.opset = versions.get("", versions.get("ai.onnx", 0))
        if not self.graph.node:
            raise refused(file, f"`{file}` has no nodes", "give an ONNX file with a network in it")
        if self.opset < OLDEST:
            raise refused(file, f"`{file}` is of opset {self.opset}", f"convert it to opset {OLDEST} or newer")

    def _inline(self) -> None:
        """Put the functions of the file where they are called; where that has no end, their shapes stay unknown."""
        functions = {(each.domain, each.name): each for each in self.proto.functions}
        sizes: dict[tuple[str, str], int] = {}

        def size(nodes: Any) -> int:
            return sum(sizes.get((node.domain, node.op_type), 1) for node in nodes)

        for _ in range(len(functions) + 1):  # as many rounds as calls can be nested
            before = dict(sizes)
            sizes.update((key, min(size(each.node), MOST_NODES + 1)) for key, each in functions.items())
            if sizes == before:
                break
        if sizes == before and size(self.proto.graph.node) <= MOST_NODES:
            with suppress(Exception):  # onnx raises exceptions of many kinds
                self.proto = onnx.inliner.inline_local_functions(self.proto)
        del self.proto.functions[:]

    @property
    def constants(self) -> Iterator[Constant]:
        """The initializers. Their values are read from the file when they are asked for."""
        return self.constants_of(self.graph)

    def constants_of(self, graph: Any) -> Iterator[Constant]:
        """The initializers of a graph, which may be one inside a node."""
        for tensor in graph.initializer:
            yield self.constant(tensor.name, tensor)
        for sparse in graph.sparse_initializer:
            yield Constant(sparse.values.name, sparse.dims)

    def constant(self, name: str, tensor: Any) -> Constant:
        """A TensorProto, whose data may lie in another file of the folder."""

        def make() -> Array:
            try:
                return values(tensor, self.file)
            except Exception as error:  # noqa: BLE001 - as above
                raise refused(self.file, f"the values of `{name}` cannot be read: {one_line(error)}") from None

        return Constant(name, tensor.dims, make)

    def nodes(self, graph: Any = None) -> Iterator[OnnxNode]:
        """The nodes of the graph, or of one inside a node, in the order of the file."""
        for number, node in enumerate((graph or self.graph).node):
            attributes = {each.name: _attribute(each) for each in node.attribute}
            name = node.name or next(iter(node.output), "") or f"{node.op_type}_{number}"
            if not isinstance(node.op_type, str):  # protobuf gives what is not UTF-8 as bytes
                raise refused(self.file, f"the op of node {number} has the name {node.op_type!r}, and that is not text")
            domain = f"{node.domain}." if node.domain not in ("", "ai.onnx") else ""
            yield OnnxNode(name, domain + node.op_type, tuple(node.input), tuple(node.output), attributes, node)

    @cached_property
    def declared(self) -> Mapping[str, tuple[int | None, ...]]:
        """The shapes of values, as the file or onnx's shape inference gives them; None for an unknown size."""
        try:
            graph = onnx.shape_inference.infer_shapes(self.proto).graph
        except Exception:  # noqa: BLE001 - what it cannot infer stays unknown
            graph = self.graph
        return {each.name: _shape(each) for each in (*graph.input, *graph.value_info, *graph.output)}

    def fold(self, node: OnnxNode, inputs: Sequence[Constant | None]) -> list[Constant] | None:
        """The outputs of a node that reads constants alone, as onnx's reference computes them; None if it cannot."""
        if node.kind == "Constant" and isinstance(tensor := node.attributes.get("value"), onnx.TensorProto):
            return [self.constant(node.outputs[0], tensor)]
        known = [each for each in inputs if each is not None]
        if node.kind not in FOLDED or not all(each.known for each in known):
            return None
        given = {name: each for name, each in zip(node.inputs, inputs, strict=True) if each is not None}
        how = "" if node.kind == "Constant" else f"what `{node.kind}` gives in the source"
        outputs = [name for name in node.outputs if name]
        if (size := sum(each.size for each in known)) > LARGE:
            shapes = [self.declared.get(name, (None,)) for name in outputs]
            if any(None in shape or math.prod(filter(None, shape)) > size for shape in shapes):
                return None
            values = [partial(self._value, node, given, name) for name in outputs]
        else:
            try:
                arrays = self._evaluated(node, given)
            except Exception:  # noqa: BLE001 - onnx raises exceptions of many kinds
                return None
            shapes = [array.shape for array in arrays]
            values = [partial(np.asarray, array) for array in arrays]
        named = zip(outputs, shapes, values, strict=True)
        return [Constant(name, [each or 0 for each in shape], make, computed=how) for name, shape, make in named]

    def _value(self, node: OnnxNode, given: Mapping[str, Constant], output: str) -> Array:
        """An output of a node that reads constants alone."""
        try:
            outputs = [name for name in node.outputs if name]
            return self._evaluated(node, given)[outputs.index(output)]
        except Exception as error:  # noqa: BLE001 - as above
            raise refused(self.file, f"the values of `{output}` cannot be computed: {one_line(error)}") from None

    def _evaluated(self, node: OnnxNode, given: Mapping[str, Constant]) -> list[Array]:
        """The outputs of a node that reads constants alone. Raises what onnx raises, `ValueError` for large ones."""
        graph = onnx.helper.make_graph(
            [node.proto],
            "constant",
            [],
            [onnx.helper.make_empty_tensor_value_info(name) for name in node.outputs if name],
            [numpy_helper.from_array(each.values, name) for name, each in given.items()],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", self.opset)])
        outputs = onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output
        most = max(LARGE, sum(each.size for each in given.values()))
        if not all(_has_at_most(most, output) for output in outputs):
            raise ValueError(f"`{node.name}` gives more numbers than it reads")
        return [np.asarray(array) for array in ReferenceEvaluator(model).run(None, {})]


def refused(file: Path, message: str, hint: str = "") -> SpecError:
    """The error for a file that does not hold a graph."""
    return SpecError([Diagnostic(NOT_A_GRAPH, message, help=hint, file=str(file))])


def numbers_like(kind: int) -> np.dtype[Any]:
    """The type of numpy for ONNX's number of a type."""
    return onnx.helper.tensor_dtype_to_np_dtype(kind)


def _has_at_most(most: int, value: Any) -> bool:
    """Whether a value is known to have at most this many elements."""
    shape = _shape(value)
    return value.type.tensor_type.HasField("shape") and None not in shape and math.prod(map(int, shape)) <= most  # type: ignore[arg-type]


def _captured(graph: Any) -> Iterator[str]:
    """The values that a graph reads, and does not have."""
    own = {each.name for each in (*graph.input, *graph.initializer)}
    for node in graph.node:
        inner = (name for each in node.attribute if each.HasField("g") for name in _captured(each.g))
        yield from (name for name in (*node.input, *inner) if name and name not in own)
        own.update(node.output)


def _attribute(attribute: Any) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _shape(value: Any) -> tuple[int | None, ...]:
    dims = value.type.tensor_type.shape.dim
    return tuple(each.dim_value if each.HasField("dim_value") else None for each in dims)
