"""Networks for tests, built by hand (no parsing, no lowering), and what ONNX and onnxruntime make of their graphs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from inception_dsl.diagnostics.diagnostic import Source, Span
from inception_dsl.ir import ops
from inception_dsl.ir.op import Op
from inception_dsl.ir.program import Head, Paper, Program, Row, Sequence
from inception_dsl.ir.shapes import INPUT_PIXEL, TensorType
from inception_dsl.ir.typed import Node, Typed

Array = NDArray[np.floating[Any]]
Step = tuple[str, Op, tuple[int, ...]]

FAMILIES = [import_module(f"{ops.__name__}.{family.name}") for family in iter_modules(ops.__path__)]
OPS = tuple(
    op
    for family in FAMILIES
    for op in vars(family).values()
    if isinstance(op, type) and issubclass(op, Op) and op is not Op
)
"""Every op there is."""


def network(image: tuple[int, ...], *steps: Step, heads: Mapping[str, str] | None = None) -> Typed:
    """A network from nodes (path, op, inputs); the first part of a path is the row, or the head, that it belongs to.

    `heads` gives the row that each head leaves.
    """
    heads = heads or {}
    source = Source("specs/test.yaml", "\n" * len(steps))
    nodes: list[Node] = []
    for line, (path, op, inputs) in enumerate(steps, start=1):
        parts = tuple(path.split("/"))
        types = tuple(nodes[i].out if i >= 0 else TensorType(image) for i in inputs)
        field = INPUT_PIXEL
        nodes.append(Node(parts, op, inputs, types, op.infer(*types), field, parts[0], Span(source, line, 1, 2)))
    ends = {node.row: index for index, node in enumerate(nodes)}
    program = Program(
        name="test",
        file=source.file,
        title="A network for tests",
        paper=Paper(title="Going deeper", year=2014, arxiv="1409.4842"),
        input=TensorType(image),
        env={},
        templates={},
        rows=tuple(Row(name, Sequence(())) for name in ends if name not in heads),
        heads=tuple(Head(name, row, 0.3, Sequence(())) for name, row in heads.items()),
    )
    return Typed(program, TensorType(image), tuple(nodes), ends)


def one(op: Op, image: tuple[int, ...], inputs: int = 1) -> Typed:
    """A network of a single op, named `layer`, which reads the input `inputs` times."""
    return network(image, ("layer", op, (-1,) * inputs))


def checked(graph: bytes) -> tuple[int | str, ...]:
    """The shape that ONNX itself infers for `logits`, of a graph that its checker accepts in full."""
    model = onnx.ModelProto.FromString(graph)
    onnx.checker.check_model(model, full_check=True)
    del model.graph.value_info[:]
    for output in model.graph.output:
        for dim in output.type.tensor_type.shape.dim:
            dim.Clear()  # no shape that we state may lead it
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    (logits,) = (output for output in inferred.graph.output if output.name == "logits")
    return tuple(dim.dim_param or dim.dim_value for dim in logits.type.tensor_type.shape.dim)


def session(graph: bytes) -> onnxruntime.InferenceSession:
    """A session that is silent and takes one thread; onnxruntime checks what ONNX does not."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def run(graph: bytes, feeds: Mapping[str, Array]) -> Array:
    """What onnxruntime gives for `logits`."""
    (logits,) = session(graph).run(["logits"], dict(feeds))
    return np.asarray(logits)
