"""An ONNX file in onnxruntime, which maps initializers from a file, and else holds what it reads several times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import onnx

from inception_dsl.emit.onnx.executor import session
from inception_dsl.interchange.onnx.stored import OWN, place_of, without_data

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FIRST_WITH_PLAIN_INITIALIZERS: Final = 4
"""The first version of ONNX's format whose initializers need not be inputs of the graph."""


def session_of(file: Path) -> InferenceSession:
    """A session for a file, whose large tensors lie in the file, and whose large constants of nodes are initializers.

    Raises what onnx and onnxruntime raise.
    """
    model = onnx.ModelProto.FromString(without_data(file))
    nodes = [*model.graph.node]
    constants = {node.output[0]: node.attribute[0].t for node in nodes if _is_apart(node)}
    for name, tensor in constants.items():
        tensor.name = name
    model.graph.initializer.extend(constants.values())
    for tensor in model.graph.initializer:
        if place := place_of(tensor, file):
            del tensor.external_data[:]
            for key, value in {"location": file.name, "offset": place[0], "length": place[1] - place[0]}.items():
                tensor.external_data.add(key=key, value=str(value))
    del model.graph.node[:]
    model.graph.node.extend(node for node in nodes if not _is_apart(node))
    model.ir_version = max(model.ir_version, FIRST_WITH_PLAIN_INITIALIZERS)
    data = model.SerializeToString()
    if OWN.encode() in data:  # a tensor elsewhere, or in another form, lies in the file too
        return session(file, fused=False)
    return session(data, fused=False, folder=file.parent)


def _is_apart(node: Any) -> bool:
    """Whether a node is a constant whose numbers were left in the file."""
    tensor = node.attribute[0].t if node.op_type == "Constant" and node.attribute else None
    return tensor is not None and any(entry.key == OWN for entry in tensor.external_data)
