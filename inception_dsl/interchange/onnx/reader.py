"""The graph of an ONNX file. Nothing in the file is run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.diagnostics.spelling import raised
from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import INPUT, Graph, Unsupported
from inception_dsl.interchange.onnx.model import OnnxModel, OnnxNode, refused
from inception_dsl.interchange.onnx.rules.rule import Inputs, Reading, Value
from inception_dsl.interchange.onnx.rules.table import RULES
from inception_dsl.interchange.primitives import Permute
from inception_dsl.interchange.recognise.layout import LAST
from inception_dsl.interchange.recognise.patterns import PATTERNS
from inception_dsl.interchange.rules import channels_last
from inception_dsl.ir.shapes import Pair, ShapeError, TensorType

CHECK: Final = "check the file with `onnx.checker`"


def read_onnx(file: Path, image: Pair | None = None) -> Graph:
    """Read an ONNX file, for images of its own height and width, or of another where it leaves the size open.

    Raises `SpecError` E140 for a file that is damaged, holds no graph of images, or whose size is not known.
    """
    model = OnnxModel(file)
    try:
        return _graph(model, image)
    except SpecError:
        raise
    except Exception as error:  # noqa: BLE001 - a file may hold anything where a name or a number should be
        raise refused(file, f"`{file}` is not a valid model: {raised(error)}", CHECK) from None


def _graph(model: OnnxModel, image: Pair | None) -> Graph:
    file = model.file
    constants = {each.name: each for each in model.constants}
    given, batch, shape = _image(model, constants, image)
    last = channels_last(shape)
    builder = Builder(TensorType((shape[2], *shape[:2]) if last else shape), PATTERNS)
    values: dict[str, Value] = dict(constants)
    values[given] = builder.add(given, Permute(LAST), INPUT) if last else INPUT
    reading = Reading(builder, model.opset, batch)
    for node in model.nodes():
        builder.enter(node.scopes)
        _read(model, node, reading, values)
    outputs = {each.name: values.get(each.name) for each in model.graph.output}
    found = {name: value for name, value in outputs.items() if isinstance(value, int)}
    if not found:
        raise refused(file, f"no output of `{file}` depends on its input `{given}`")
    return builder.finish(str(file), found)


def _read(model: OnnxModel, node: OnnxNode, reading: Reading, values: dict[str, Value]) -> None:
    """Add what a node computes, and say which values it gives."""
    missing = [name for name in node.inputs if name and name not in values]
    if missing:
        raise refused(model.file, f"`{node.name}` reads `{missing[0]}`, which nothing gives")
    if twice := [name for name in node.outputs if name and name in values]:
        raise refused(model.file, f"`{node.name}` gives `{twice[0]}`, which something else gives too", CHECK)
    inputs = [values[name] if name else None for name in node.inputs]
    constants = [each for each in inputs if not isinstance(each, int)]
    if len(constants) == len(inputs) and node.kind not in RULES.forms:
        folded = model.fold(node, constants)
        if folded is not None:
            values.update((each.name, each) for each in folded)
            return
    rule = RULES.get(node.kind, _unknown)
    try:
        given = rule(reading, node, inputs)
    except (Unsupported, ShapeError) as error:
        given = _opaque(model, node, reading, inputs, str(error))
    except (LookupError, ValueError, TypeError, ArithmeticError) as error:  # attributes that its op cannot have
        message = f"`{node.name}` is not a valid {node.kind}: {raised(error)}"
        raise refused(model.file, message, CHECK) from None
    values.update((name, value) for name, value in zip(node.outputs, given, strict=False) if name)


def _unknown(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    raise Unsupported("the language has no such op")


def _opaque(model: OnnxModel, node: OnnxNode, reading: Reading, inputs: Inputs, why: str) -> list[Value]:
    """What the language cannot say: a node for every output, with its name and shape."""
    sources = [each for each in inputs if isinstance(each, int)]
    if not sources:  # of constants whose values are not in the file
        return [Constant(name, tuple(size or 0 for size in model.declared.get(name, ()))) for name in node.outputs]
    given: list[Value] = []
    for name in node.outputs:
        shape = model.declared.get(name, ())
        if not shape or None in shape[1:]:
            message = f"`{node.name}` ({node.kind}) gives `{name}` of a shape that is not known"
            raise refused(model.file, message, "run onnx's shape inference on the file")
        out = TensorType(tuple(size or 0 for size in shape[1:]))
        given.append(reading.builder.opaque(node.name, node.kind, why, out, *sources))
    return given


def _image(model: OnnxModel, constants: dict[str, Constant], image: Pair | None) -> tuple[str, int, tuple[int, ...]]:
    """The input that takes images: its name, the batch, and the shape of an example. Other inputs are weights."""
    weights = {name for node in model.nodes() for name in node.inputs[RULES.weights.get(node.kind, len(node.inputs)) :]}
    inputs = [each for each in model.graph.input if each.name not in constants]
    images = [each for each in inputs if each.name not in weights] or inputs
    if not images:
        raise refused(model.file, f"`{model.file}` has no input")
    declared = model.declared
    name = images[0].name
    for other in inputs:
        if other.name != name:
            shape = declared.get(other.name, ())
            constants[other.name] = Constant(other.name, tuple(size or 0 for size in shape))
    batch, *sizes = declared.get(name) or (None,)
    if image and len(sizes) == 3:
        last = sizes[0] is None and sizes[2] is not None
        wanted = [*image, None] if last else [None, *image]
        sizes = [own if own is not None else size for own, size in zip(sizes, wanted, strict=True)]
    if not sizes or None in sizes:
        hint = "say the height and width of the images with `--size`"
        raise refused(model.file, f"the input `{name}` of `{model.file}` has no fixed shape", hint)
    return name, batch or 1, tuple(size or 0 for size in sizes)
