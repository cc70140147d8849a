"""The graph of an ONNX file. Nothing in the file is run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.diagnostics.spelling import raised
from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import INPUT, Graph, Unsupported
from inception_dsl.interchange.onnx.model import OnnxModel, OnnxNode, refused
from inception_dsl.interchange.onnx.rules.rule import Inputs, Reading, Unread, Value
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
    given, batch, shape, others = _image(model, constants, image)
    last = channels_last(shape)
    builder = Builder(TensorType((shape[2], *shape[:2]) if last else shape), PATTERNS)
    values: dict[str, Value] = {
        **constants,
        **{name: Unread(f"it reads `{name}`, a second input of images") for name in others},
    }
    values[given] = builder.add(given, Permute(LAST), INPUT) if last else INPUT
    reading = Reading(builder, model.opset, batch)
    for node in model.nodes():
        builder.enter(node.scopes)
        _read(model, node, reading, values)
    outputs = {each.name: values.get(each.name) for each in model.graph.output}
    found = {name: value for name, value in outputs.items() if isinstance(value, int)}
    unread = next((value for value in outputs.values() if isinstance(value, Unread)), None)
    if unread and unread.sources and next(iter(outputs.values())) is unread:
        message = f"`{unread.name}` ({unread.kind}) gives values of shapes that are not known, up to the output"
        raise refused(file, message, f"declare the shape of the output `{next(iter(outputs))}` in the file")
    if not found:
        raise refused(file, f"no output of `{file}` depends on its input `{given}`")
    notes = (_why_unread(name, value) for name, value in outputs.items() if not isinstance(value, int))
    return replace(builder.finish(str(file), found), notes=(*notes,))


def _why_unread(name: str, value: Value | None) -> str:
    """Why an output is not in the graph."""
    if not isinstance(value, Unread):
        return f"the output `{name}`, which is a constant"
    return f"the output `{name}`, since " + (
        f"`{value.name}` ({value.kind}) gives values of shapes that are not known" if value.kind else value.why
    )


def _read(model: OnnxModel, node: OnnxNode, reading: Reading, values: dict[str, Value]) -> None:
    """Add what a node computes, and say which values it gives."""
    missing = [name for name in node.inputs if name and name not in values]
    if missing:
        raise refused(model.file, f"`{node.name}` reads `{missing[0]}`, which nothing gives")
    if twice := [name for name in node.outputs if name and name in values]:
        raise refused(model.file, f"`{node.name}` gives `{twice[0]}`, which something else gives too", CHECK)
    inputs = [values[name] if name else None for name in node.inputs]
    constants = [each for each in inputs if each is None or isinstance(each, Constant)]
    if node.kind == "If" and isinstance(inputs[0], Constant) and (choice := inputs[0].scalar) is not None:
        _branch(model, node, bool(choice), reading, values)
        return
    if len(constants) == len(inputs) and node.kind not in RULES.forms and not node.captures:
        folded = model.fold(node, constants)
        if folded is not None:
            values.update((each.name, each) for each in folded)
            return
    rule = RULES.get(node.kind, _unknown)
    try:
        if any(isinstance(each, Unread) for each in inputs):
            rule = _unread
        given = rule(reading, node, inputs)
    except (Unsupported, ShapeError) as error:
        captured = [values.get(name) for name in node.captures]
        given = _opaque(model, node, reading, [*inputs, *captured], str(error))
    except (LookupError, ValueError, TypeError, ArithmeticError) as error:  # attributes that its op cannot have
        message = f"`{node.name}` is not a valid {node.kind}: {raised(error)}"
        raise refused(model.file, message, CHECK) from None
    values.update((name, value) for name, value in zip(node.outputs, given, strict=False) if name)


def _branch(model: OnnxModel, node: OnnxNode, choice: bool, reading: Reading, values: dict[str, Value]) -> None:
    """Read the branch of an `If` that a constant chooses, in place of it."""
    graph = node.attributes["then_branch" if choice else "else_branch"]
    values.update((each.name, each) for each in model.constants_of(graph))
    for inner in model.nodes(graph):
        _read(model, inner, reading, values)
    ends = [each.name for each in graph.output]
    if missing := [name for name in ends if name not in values]:
        raise refused(model.file, f"a branch of `{node.name}` gives `{missing[0]}`, which nothing gives")
    values.update(zip(node.outputs, (values[name] for name in ends), strict=False))


def _unknown(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    raise Unsupported("the language has no such op")


def _unread(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    raise Unsupported(next(each.why for each in inputs if isinstance(each, Unread)))


def _opaque(model: OnnxModel, node: OnnxNode, reading: Reading, inputs: Inputs, why: str) -> list[Value]:
    """What the language cannot say: a node for every output, with its name and shape."""
    unread = [each for each in inputs if isinstance(each, Unread)]
    inner = [source for each in unread for source in each.sources]
    sources = list(dict.fromkeys([*inner, *(each for each in inputs if isinstance(each, int))]))
    if not sources and not unread:  # of constants whose values are not in the file
        return [Constant(name, tuple(size or 0 for size in model.declared.get(name, ()))) for name in node.outputs]
    first = next((each for each in unread if each.kind), Unread(why, node.kind, node.name))
    given: list[Value] = []
    for name in node.outputs:
        shape = model.declared.get(name, ())
        if sources and shape and None not in shape[1:]:
            out = TensorType(tuple(size or 0 for size in shape[1:]))
            given.append(reading.builder.opaque(first.name, first.kind, why, out, *sources))
        else:
            begun = first.kind if sources else ""
            given.append(Unread(why, begun, first.name if sources else "", tuple(sources)))
    return given


class Images(NamedTuple):
    """The input that takes images: its name, the batch, and the shape of an example; and other inputs like it."""

    name: str
    batch: int
    shape: tuple[int, ...]
    others: Collection[str]


def _image(model: OnnxModel, constants: dict[str, Constant], image: Pair | None) -> Images:
    """The inputs that take images. All others are weights."""
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
    others = {each.name for each in images[1:] if len(declared.get(each.name, ())) == len(declared.get(name, ()))}
    batch, *sizes = declared.get(name) or (None,)
    if image and len(sizes) == 3:
        last = sizes[0] is None and sizes[2] is not None
        wanted = [*image, None] if last else [None, *image]
        sizes = [own if own is not None else size for own, size in zip(sizes, wanted, strict=True)]
    if not sizes or None in sizes:
        hint = "say the height and width of the images with `--size`"
        raise refused(model.file, f"the input `{name}` of `{model.file}` has no fixed shape", hint)
    return Images(name, batch or 1, tuple(size or 0 for size in sizes), others)
