"""The ONNX graph of a network: a node for each op, named by the op's path, and the weights as graph inputs.

An op that ONNX lacks is several nodes; the last has the op's name, and the others are named below it.

The graph contains no weights unless it is given some, so the file is small and runs with any set of them:
`session.run(None, {"input": x, **state_dict})`. Values must be right, not only shapes. The emitter refuses (E401) what
ONNX or onnxruntime cannot express exactly, and names the layer.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, starmap
from typing import Final, NamedTuple

from inception_dsl.diagnostics.codes.generated import NOT_EXPRESSIBLE
from inception_dsl.diagnostics.codes.modules import UNDEFINED_NAME
from inception_dsl.diagnostics.codes.yaml import INVALID_NAME
from inception_dsl.diagnostics.diagnostic import Diagnostic, Findings, SpecError
from inception_dsl.diagnostics.spelling import did_you_mean
from inception_dsl.emit.citation import citation
from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site
from inception_dsl.emit.onnx.table import RULES
from inception_dsl.ir.shapes import ShapeError
from inception_dsl.ir.typed import Node, Typed

# Opsets, each with the version of the file format (IR) that it came with. 26 is the newest that onnxruntime 1.31.1
# supports fully: it has a kernel for every op used here, while 27 and 28 are refused at load ("only guarantees support
# for models stamped with official released onnx opset versions").
OPSETS: Final = {17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12, 25: 13, 26: 13}
NEWEST: Final = max(OPSETS)

MOST_CONSTANTS: Final = 2**20
"""The most constant numbers in one graph. Weights do not count; the networks in `specs/` have a hundredth of it."""


def model(
    typed: Typed,
    *,
    opset: int = NEWEST,
    batch: int | None = None,
    dynamic_size: bool = False,
    heads: bool = False,
    taps: Sequence[str] = (),
    until: str = "",
    weights: Mapping[str, bytes] | None = None,
    rebuild: str = "",
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """The inference graph of a network as a serialised ModelProto: the same bytes for the same network.

    The inputs are `input`, float32 (batch, channels, height, width), and the weights under their names in the
    state_dict. The outputs are `logits` (the output of the last row), with `heads` those of the heads, and those of the
    rows and heads in `taps`, all by name. `batch` None means any batch, `dynamic_size` any height and width; `until` is
    the last row to include. If `weights` maps each name to a TensorProto, the weights are initializers instead of
    inputs. The graph's metadata also have the command `rebuild`.

    Raises `SpecError`: E401 for what the opset cannot express, or only with too many constants, E218 for a layer that
    fixes the image size, E206 for an unknown row or tap, and E108 for two outputs of one name.
    """
    if opset not in OPSETS:
        message = f"opset {opset} is not supported"
        raise SpecError([Diagnostic(NOT_EXPRESSIBLE, message, help=f"choose one from {min(OPSETS)} to {NEWEST}")])
    rows = _rows(typed, until)
    sources = {head.name: head.source for head in typed.program.heads}
    _check_taps(taps, [*rows, *(head for head, source in sources.items() if source in rows)], until)
    aside = [head for head, source in sources.items() if (heads or head in taps) and source in rows]
    outputs = _outputs(typed, rows[-1], [*(head for head in aside if heads), *taps])
    names = _names(typed, outputs)
    dynamic = _dynamic(typed) if dynamic_size else {}
    spellings = _spell(typed, {*rows, *aside}, dynamic, opset)

    def value(name: str, end: int) -> bytes:
        shape = typed.nodes[end].out.shape if end >= 0 else typed.input.shape
        known: tuple[int | str | None, ...] = shape
        if end in dynamic:
            sides = (None, "H", "W") if end < 0 else (None, None, None)
            known = tuple(sides[axis] if axis in dynamic[end] else size for axis, size in enumerate(shape))
        return pb.value_info(name, (batch or "N", *known))

    def nodes(index: int, spelled: list[OnnxNode]) -> Iterator[bytes]:
        source = typed.nodes[index]
        inputs = [names[end] for end in source.inputs]
        known = {"": ""} | {f"x{number if number > 1 else ''}": name for number, name in enumerate(inputs, 1)}
        known |= {name.rpartition(".")[2]: name for name in source.weights}
        for node in spelled:
            last = node is spelled[-1]
            constants = {name: _inner(source, name) for name in node.constants}
            known |= constants
            yield pb.NodeProto(
                input=[known[name] for name in node.inputs] or [*inputs, *constants.values(), *source.weights],
                output=[
                    names[index] if last else f"{_inner(source, node.name)}/out",
                    *([f"{_inner(source, node.second)}/out"] if node.second else ()),
                ],
                name=_name(source, spelled, node),
                op_type=node.op_type,
                attribute=[pb.attribute(*attribute) for attribute in node.attributes.items()],
                metadata_props=pb.metadata({"origin": source.origin.citation if source.origin else ""}),
            )
            known |= {name: f"{_inner(source, name)}/out" for name in (node.name, node.second) if name}

    used = [typed.nodes[index] for index in spellings]
    shapes = {name: weight.shape for source in used for name, weight in source.weights.items()}
    asked = shapes if weights is None else {}
    ends = dict.fromkeys(typed.ends[row] for row in (*rows, *aside))
    program = typed.program
    return pb.ModelProto(
        ir_version=OPSETS[opset],
        producer_name="inception-dsl",
        opset_import=[pb.OperatorSetIdProto(domain="", version=opset)],
        metadata_props=pb.metadata(
            {"spec": program.file, "arxiv": program.paper.arxiv, "rebuild": rebuild, **(metadata or {})}
        ),
        graph=pb.GraphProto(
            name=program.name,
            doc_string="\n".join(filter(None, (program.title, citation(program.paper)))),
            input=[value("input", -1), *(pb.value_info(*weight) for weight in asked.items())],
            node=[*chain.from_iterable(starmap(nodes, spellings.items())), *_second_names(names, outputs)],
            initializer=[
                *(weights[name] for name in shapes if weights is not None),
                *(
                    pb.constant_tensor(_inner(source, name), number)
                    for source, spelled in zip(used, spellings.values(), strict=True)
                    for node in spelled
                    for name, number in node.constants.items()
                ),
            ],
            value_info=[value(names[end], end) for end in ends if names[end] not in {"input", *outputs}],
            output=[value(*output) for output in outputs.items()],
        ),
    )


def _rows(typed: Typed, until: str) -> Sequence[str]:
    """The rows of the graph. Raises `SpecError` E206 if `until` is not one of them."""
    rows: Sequence[str] = typed.trunk
    if not until:
        return rows
    if until not in rows:
        message = f"no row is called `{until}`"
        raise SpecError([Diagnostic(UNDEFINED_NAME, message, help=did_you_mean(until, rows))])
    return rows[: rows.index(until) + 1]


def _check_taps(taps: Iterable[str], known: Sequence[str], until: str) -> None:
    """Raise `SpecError` E206 for taps that are not rows or heads of the graph, which may end at the row `until`."""
    reach = f" up to `{until}`" if until else ""
    hint = "a tap is the name of a row or head: `show` lists them"
    unknown = [
        Diagnostic(UNDEFINED_NAME, f"no row or head{reach} is called `{tap}`", help=did_you_mean(tap, known) or hint)
        for tap in dict.fromkeys(taps)
        if tap not in known
    ]
    if unknown:
        raise SpecError(unknown)


def _outputs(typed: Typed, last: str, others: Iterable[str]) -> dict[str, int]:
    outputs = {"logits": typed.ends[last]}
    for name in others:
        end = typed.ends[name]
        if name == "input" or outputs.setdefault(name, end) != end:
            message = f"the graph calls another value `{name}`"
            raise SpecError([Diagnostic(INVALID_NAME, message, help="rename this row or head")])
    return outputs


def _names(typed: Typed, outputs: Mapping[str, int]) -> dict[int, str]:
    # No part of a path contains `/` or `.`, so no inner value has the name of the input, an output or a weight.
    names = {index: f"{node.name}/out" for index, node in enumerate(typed.nodes)}
    return {**names, **{end: name for name, end in reversed(list(outputs.items()))}, -1: "input"}


def _second_names(names: Mapping[int, str], outputs: Mapping[str, int]) -> list[bytes]:
    return [
        pb.NodeProto(input=[names[end]], output=[name], name=f"{name}:identity", op_type="Identity")
        for name, end in outputs.items()
        if names[end] != name
    ]


class GraphNode(NamedTuple):
    """A node of the graph, and the op that it spells, perhaps with others."""

    name: str
    op_type: str
    source: Node


def graph_nodes(typed: Typed) -> Iterator[GraphNode]:
    """The nodes that `model` writes for the ops of a network and its heads, in the same order."""
    for index, spelled in _spell(typed, typed.ends, (), NEWEST).items():
        source = typed.nodes[index]
        yield from (GraphNode(_name(source, spelled, node), node.op_type, source) for node in spelled)


def _name(source: Node, spelled: Sequence[OnnxNode], node: OnnxNode) -> str:
    """The name of one of the nodes that spell an op: the last has the op's."""
    return source.name if node is spelled[-1] else _inner(source, node.name)


def _inner(node: Node, name: str) -> str:
    """The name of a constant, or of a node beside the last, in the spelling of an op."""
    return f"{node.name}/{name}"


def _dynamic(typed: Typed) -> dict[int, frozenset[int]]:
    """The values whose shape depends on the size of the image, with the axes that do."""
    dynamic = {-1: frozenset({1, 2})}
    for index, node in enumerate(typed.nodes):
        axes = node.op.varying(frozenset[int]().union(*(dynamic.get(each, ()) for each in node.inputs)))
        if axes:
            dynamic[index] = axes
    return dynamic


def _spell(typed: Typed, rows: Collection[str], dynamic: Collection[int], opset: int) -> dict[int, list[OnnxNode]]:
    spellings: dict[int, list[OnnxNode]] = {}
    findings, numbers = Findings(), 0
    for index, node in enumerate(typed.nodes):
        if node.row not in rows:
            continue
        site = Site(node.types, any(end in dynamic for end in node.inputs), opset)
        try:
            spelling = RULES[type(node.op)](node.op, site)
        except ShapeError as error:
            findings.error(error.code, error.message, node.origin, help=error.help)
            continue
        spellings[index] = [spelling] if isinstance(spelling, OnnxNode) else spelling
        constants = (constant for part in spellings[index] for constant in part.constants.values())
        numbers += sum(
            math.prod(constant.dims) for constant in constants if isinstance(constant, pb.Array | pb.Integers)
        )
        if numbers > MOST_CONSTANTS:
            message = f"the graph would hold {numbers:,} constant numbers; the limit is {MOST_CONSTANTS:,}"
            hint = "pool to fewer windows, or give the norms their `gamma`"
            findings.error(NOT_EXPRESSIBLE, message, node.origin, help=hint)
            break
    findings.stop()
    return spellings
