"""The ONNX graph for the cross-check: checked and shaped by `onnx`, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inception_dsl.crosscheck.executor import Executor, Forward, Shape
from inception_dsl.emit.onnx import onnx
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from inception_dsl.crosscheck.probe import Array


class Onnx(Executor):
    """A graph whose weights are inputs. Running statistics are inputs too, so `parameters` stays None."""

    def __init__(self, typed: Typed) -> None:
        import onnx as library

        graph = library.ModelProto.FromString(onnx.model(typed, heads=True)).graph
        used = {name for node in graph.node for name in node.input}
        inputs = {value.name: _shape(value) for value in graph.input if value.name in used}
        self.weights = {name: shape for name, shape in inputs.items() if name != "input"}
        self.loaded: Mapping[str, Array] = {}

    def load(self, weights: Mapping[str, Array]) -> None:
        """Feed these weights to every session."""
        self.loaded = weights

    def at(self, part: Typed) -> Forward:
        """One session for any batch, with every row tapped. Raises what `onnx` or onnxruntime find wrong."""
        graph = onnx.model(part, heads=True, taps=part.trunk)
        names = (*part.trunk, *part.heads)
        _check(graph, {name: part.out(name).shape for name in names})
        running = session(graph)
        feeds = {name: values for name, values in self.loaded.items() if name in part.weights}

        def forward(images: Array) -> Iterator[tuple[str, Array]]:
            yield from zip(names, running.run([*names], {"input": images, **feeds}), strict=True)

        return forward


def session(graph: bytes | Path, fused: bool = True, folder: Path | None = None) -> InferenceSession:
    """An onnxruntime session on the CPU for a graph or its file; it logs nothing but what it raises.

    `fused` folds norms into the layers before them, which needs memory for all weights once more. `folder` is where the
    files lie that a graph says to have its weights.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if not fused:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if folder is not None:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads would slow torch's down
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def tapped(file: Path, values: Sequence[str]) -> bytes:
    """The graph of a file with some of its values, by their names, as further outputs."""
    import onnx as library

    model = library.load(str(file))
    known = {output.name for output in model.graph.output}
    model.graph.output.extend(library.ValueInfoProto(name=name) for name in dict.fromkeys(values) if name not in known)
    return model.SerializeToString()  # type: ignore[no-any-return]


def _check(graph: bytes, shapes: Mapping[str, Shape]) -> None:
    """Run ONNX's checker, then compare the spec's shapes with those inferred from the inputs alone."""
    import onnx as library

    model = library.ModelProto.FromString(graph)
    library.checker.check_model(model, full_check=True)
    del model.graph.value_info[:]
    for output in model.graph.output:
        for dim in output.type.tensor_type.shape.dim:
            dim.Clear()
    inferred = library.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    for output in inferred.graph.output:
        expected = shapes.get(output.name)
        if expected is not None and _shape(output)[1:] != expected:
            message = f"shape inference gives {output.name} the shape {_shape(output)[1:]}, and the spec {expected}"
            raise ValueError(message)


def _shape(value: Any) -> Shape:
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
