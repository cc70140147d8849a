"""What is adopted: a network that somebody else wrote, as a graph, and a function that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.emit.onnx.executor import session
from inception_dsl.interchange.graph import Graph
from inception_dsl.interchange.target import kind_of
from inception_dsl.ir.shapes import Pair
from inception_dsl.runner.base.settings import one_line

if TYPE_CHECKING:
    from inception_dsl.interchange.graph import Array

Run = Callable[["Array", Mapping[str, "Array"]], "Array"]
"""The main output for a batch of images (channels first), with some tensors, by the source's names, replaced."""


@dataclass(frozen=True)
class Network:
    """A network as its user names it, its graph, and a function that runs it."""

    name: str
    graph: Graph
    run: Run = field(compare=False, repr=False)

    @property
    def is_file(self) -> bool:
        """Whether it is an ONNX file, and not a module of torch."""
        return kind_of(self.name) == "onnx"

    @property
    def stem(self) -> str:
        """What the network is called: the name of the file, or of the function that gives it."""
        return Path(self.name).stem if self.is_file else self.name.rpartition(":")[2]


def read_network(target: str, size: Pair | None = None, arguments: Mapping[str, str] | None = None) -> Network:
    """Read an ONNX file, or the module of torch that `package.module:callable` gives, whose code is run.

    `size` is the height and width of the images where the network leaves them open. Raises `SpecError`.
    """
    kind = kind_of(target)
    if kind == "weights":
        message = f"`{target}` holds weights, and no graph"
        hint = "give an ONNX file, or `package.module:callable`"
        raise SpecError([Diagnostic(NOT_A_GRAPH, message, help=hint, file=target)])
    if kind == "onnx":
        from inception_dsl.interchange.onnx.reader import read_onnx

        file = Path(target)
        return Network(target, read_onnx(file, size), lambda images, weights: _run(file, images, weights))
    from inception_dsl.interchange.torch.module import make_module
    from inception_dsl.interchange.torch.reader import read_torch
    from inception_dsl.interchange.torch.running import run, shape_of

    module = make_module(target, arguments or {}, values=True)
    graph = read_torch(module, shape_of(module, size), target, heads=True)
    return Network(target, graph, lambda images, weights: run(module, graph, images, weights))


def _run(file: Path, images: Array, weights: Mapping[str, Array]) -> Array:
    """The main output of an ONNX file; images go in one by one, as its batch may be fixed.

    Raises `SpecError` E140 for a file that onnxruntime cannot run.
    """
    try:
        return _outputs(file, images, weights)
    except Exception as error:  # noqa: BLE001 - onnxruntime raises exceptions of many kinds
        message = f"onnxruntime cannot run `{file}`: {one_line(error)}"
        hint = "check the file with `onnx.checker`; `--no-values` leaves the values out"
        raise SpecError([Diagnostic(NOT_A_GRAPH, message, help=hint, file=str(file))]) from None


def _outputs(file: Path, images: Array, weights: Mapping[str, Array]) -> Array:
    import numpy as np

    running = session(file, fused=False)
    given = {each.name: each.shape for each in running.get_inputs()}
    name = next(key for key in given if key not in weights)
    shape = given[name]
    last = len(shape) == images.ndim and shape[-1] == images.shape[1] != shape[1]
    batch = images.transpose(0, 2, 3, 1) if last else images
    feeds = {key: weights[key].reshape(given[key]) for key in given if key in weights}
    output = running.get_outputs()[0].name
    return np.concatenate([running.run([output], {name: batch[at : at + 1], **feeds})[0] for at in range(len(batch))])
