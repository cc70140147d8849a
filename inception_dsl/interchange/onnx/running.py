"""ONNX files in onnxruntime: their outputs, and what their nodes give, for images and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.emit.onnx.executor import session, tapped
from inception_dsl.interchange.graph import Array
from inception_dsl.interchange.onnx.model import OnnxModel
from inception_dsl.interchange.onnx.stored import OWN, place_of, without_data
from inception_dsl.runner.base.settings import one_line

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FIRST_WITH_PLAIN_INITIALIZERS: Final = 4
"""The first version of ONNX's format whose initializers need not be inputs of the graph."""


def run(file: Path, output: str, images: Array, weights: Mapping[str, Array]) -> Array:
    """An output of an ONNX file. Raises `SpecError` E140 for a file that onnxruntime cannot run in float32."""
    try:
        running = _session(file)
        unlike = next((each for each in running.get_inputs() if each.type != "tensor(float)"), None)
        if unlike is None:
            return _run(running, images, weights, [output])[0]
        reason = f"`{unlike.name}` is a {unlike.type}, and values are compared in float32"
    except Exception as error:  # noqa: BLE001 - onnxruntime raises exceptions of many kinds
        reason = one_line(error)
    message = f"onnxruntime cannot run `{file}`: {reason}"
    hint = "check the file with `onnx.checker`; `--no-values` leaves the values out"
    raise SpecError([Diagnostic(NOT_A_GRAPH, message, help=hint, file=str(file))])


def tap(file: Path, images: Array, weights: Mapping[str, Array], nodes: Sequence[str]) -> Mapping[str, Array]:
    """The values that some nodes of an ONNX file give."""
    given = {node.name: node.outputs[0] for node in OnnxModel(file).nodes() if node.outputs}
    names = [given[node] for node in nodes]
    running = session(tapped(file, names), fused=False)
    return dict(zip(nodes, _run(running, images, weights, names), strict=True))


def _run(running: InferenceSession, images: Array, weights: Mapping[str, Array], outputs: Sequence[str]) -> list[Array]:
    """Some outputs of an ONNX file; images go in one by one, as its batch may be fixed.

    Weights that the graph takes and nobody gives, which other outputs need, are 0.
    """
    given = {each.name: each.shape for each in running.get_inputs()}
    name, *others = (key for key in given if key not in weights)
    shape = given[name]
    last = len(shape) == images.ndim and shape[-1] == images.shape[1] != shape[1]
    batch = images.transpose(0, 2, 3, 1) if last else images
    feeds = {key: weights[key].reshape(given[key]) for key in given if key in weights}
    feeds |= {key: np.zeros(given[key], np.float32) for key in others}
    found = [running.run([*outputs], {name: batch[at : at + 1], **feeds}) for at in range(len(batch))]
    return [np.concatenate(values) for values in zip(*found, strict=True)]


def _session(file: Path) -> InferenceSession:
    """A session for a file, whose large tensors lie in the file, and whose large constants of nodes are initializers.

    onnxruntime maps initializers from a file, and else holds what it reads several times. Raises what both raise.
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
