"""The graph of a torch module, from the ops that torch records of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensor
from torch.fx.node import map_arg

from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.constant import Constant, Formula
from inception_dsl.interchange.graph import INPUT, Graph, Unsupported
from inception_dsl.interchange.primitives import Permute
from inception_dsl.interchange.recognise.layout import LAST
from inception_dsl.interchange.recognise.patterns import PATTERNS
from inception_dsl.interchange.torch import keras
from inception_dsl.interchange.torch.program import recorded
from inception_dsl.interchange.torch.rules.call import Arguments, Call, Given
from inception_dsl.interchange.torch.rules.table import RULES
from inception_dsl.ir.shapes import ShapeError, TensorType

SAME: Final = ("to", "_to_copy", "contiguous", "alias", "detach", "clone", "lift_fresh_copy")
"""The ops that leave a constant as it is, unless its type changes."""

RESHAPED: Final = ("reshape", "view", "_unsafe_view", "unsqueeze", "squeeze", "flatten")
"""The ops that give a constant another shape."""

PLACED: Final = frozenset({"device", "dtype", "layout", "pin_memory"})
"""The arguments that have no effect on values: where a tensor lies, and how."""

SHORT: Final = {"subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "negative": "neg"}
"""Ops that torch calls by two names."""


def read_torch(module: nn.Module, image: Sequence[int], source: str, heads: bool = False) -> Graph:
    """Read a module in inference, for images of a shape (channels x height x width); `source` names it in messages.

    The outputs are called `0`, `1` and so on, in the order in which the module returns them. With `heads`, they are
    those that it returns in training, as far as it can be exported so: its layers stay in inference. Raises `SpecError`
    E140 for a module that torch cannot export, or that gives nothing that depends on the image.
    """
    program = recorded(module, image, source, heads)
    builder = Builder(TensorType(tuple(image)), PATTERNS)
    values: dict[str, Any] = {
        node: Constant(name, tensor.shape, partial(_numbers, tensor), trained=isinstance(tensor, nn.Parameter))
        for node, (name, tensor) in program.tensors.items()
    }
    values |= dict.fromkeys(program.images, INPUT)
    if keras.channels_last(module):
        values |= {name: builder.add(name, Permute(LAST), INPUT) for name, value in values.items() if value == INPUT}
    for node in program.module.graph.nodes:
        if node.op == "call_function":
            builder.enter((path, str(kind)) for path, kind in node.meta.get("nn_module_stack", {}).values())
            values[node.name] = _read(builder, node, values)
    returned = [values[name] for name in program.outputs]
    outputs = {str(number): value for number, value in enumerate(returned) if isinstance(value, int)}
    if not outputs:
        raise _refused(f"no output of `{source}` depends on its input")
    graph = builder.finish(source, outputs)
    return replace(graph, notes=program.notes)


def _numbers(tensor: Tensor) -> Any:
    """The values of a tensor; one on the meta device, or of the shapes on which fx runs a module, has none."""
    if tensor.is_meta or isinstance(tensor, FakeTensor):
        raise KeyError("a tensor on the meta device has no values")
    return tensor.detach().cpu().numpy()


def _read(builder: Builder, node: torch.fx.Node, values: Mapping[str, Any]) -> Any:
    """What a call gives: a value of the graph, a constant, or several of them."""
    kind, arguments = _call(node, values)
    found = node.meta.get("val")
    if isinstance(found, Tensor) and all(isinstance(values[each.name], Constant) for each in node.all_input_nodes):
        return _formed(node, kind, arguments, values) or _computed(node, kind, values)
    try:
        return RULES.get(kind, _unknown)(Call(builder, kind, node.name, arguments))
    except (Unsupported, ShapeError) as error:
        read = [values[each.name] for each in node.all_input_nodes]
        several = [value if isinstance(value, list) else [value] for value in read]
        inputs = [each for value in several for each in value if isinstance(each, int)]
        given = [
            builder.opaque(node.name, kind, str(error), TensorType(tuple(each.shape[1:])), *inputs)
            if isinstance(each, Tensor)
            else None  # an assertion, or a number
            for each in (found if isinstance(found, tuple | list) else [found])
        ]
        return given if isinstance(found, tuple | list) else given[0]


def _formed(node: torch.fx.Node, kind: str, arguments: Arguments, values: Mapping[str, Any]) -> Constant | None:
    """A constant in another form, by which it stays the tensor of its name; None for what computes others."""
    if len(node.all_input_nodes) != 1:
        return None
    (source,) = node.all_input_nodes
    constant: Constant = values[source.name]
    before, after = source.meta["val"], node.meta["val"]
    if kind in SAME and before.dtype == after.dtype and before.shape == after.shape:
        return constant
    if kind in RESHAPED:
        return constant.reshaped(*after.shape)
    order = [*range(before.ndim)]
    match kind:
        case "permute":
            order = [axis % before.ndim for axis in arguments["dims"]]
        case "transpose":
            one, other = arguments["dim0"], arguments["dim1"]
            order[one], order[other] = order[other], order[one]
        case "t" | "numpy_T":
            order.reverse()
        case _:
            return None
    return constant.permuted(*order)


def _computed(node: torch.fx.Node, kind: str, values: Mapping[str, Any]) -> Constant:
    """What a call gives that reads no value of the graph."""

    def tensor(argument: torch.fx.Node) -> Tensor:
        return torch.tensor(values[argument.name].values)

    def make() -> Any:
        assert callable(node.target)
        with torch.no_grad():
            return node.target(*map_arg(node.args, tensor), **map_arg(node.kwargs, tensor)).numpy()

    operands: list[Any] = [values[each.name] if isinstance(each, torch.fx.Node) else each for each in node.args]
    plain = all(isinstance(each, Constant | int | float) for each in operands) and {*node.kwargs} <= PLACED
    formula: Formula | None = (kind, tuple(operands)) if plain else None
    how = f"what `{kind}` gives in the source"
    return Constant(node.name, node.meta["val"].shape, make, computed=how, formula=formula)


def _call(node: torch.fx.Node, values: Mapping[str, Any]) -> tuple[str, Arguments]:
    """The op of a call without its overload and its underscore, and its arguments by name or position."""

    def value(argument: Any) -> Any:
        if isinstance(argument, list | tuple):
            return [value(each) for each in argument]
        found = values[argument.name] if isinstance(argument, torch.fx.Node) else argument
        return Given(found) if isinstance(argument, torch.fx.Node) and isinstance(found, int) else found

    schema = getattr(node.target, "_schema", None)
    if schema is None:  # a function of Python, such as `getitem`
        return str(getattr(node.target, "__name__", node.target)), {
            str(place): value(each) for place, each in enumerate(node.args)
        }
    arguments = {each.name: each.default_value for each in schema.arguments if each.has_default_value()}
    arguments |= {each.name: given for each, given in zip(schema.arguments, node.args, strict=False)}
    found = {name: value(argument) for name, argument in (arguments | node.kwargs).items()}
    kind = schema.name.partition("::")[2].rstrip("_")
    return SHORT.get(kind, kind), found


def _unknown(call: Call) -> Any:
    raise Unsupported("the language has no such op")


def _refused(message: str) -> SpecError:
    return SpecError([Diagnostic(NOT_A_GRAPH, message)])
