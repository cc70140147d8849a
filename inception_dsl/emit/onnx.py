"""The ONNX graph of a network: one node for every op, under the op's own name, and its weights as graph inputs.

The graph holds no weights, so that the file is small and any set of them can be run:
`session.run(None, {"input": x, **state_dict})`. What it says must be true in value, not only in shape; where ONNX or
onnxruntime cannot say a thing exactly, the emitter refuses (E401) and names the layer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from inception_dsl import ops
from inception_dsl.diagnostics import Diagnostic, Findings, SpecError, did_you_mean
from inception_dsl.emit import protobuf as pb
from inception_dsl.emit.rules import Rules
from inception_dsl.ir import Node, Paper, Typed
from inception_dsl.shapes import ShapeError, TensorType, Window

# Opsets, each with the version of the file format (IR) that it came with. 26 is the newest that onnxruntime 1.31.1
# supports fully: it has a kernel for every op used here, while 27 and 28 are refused at load ("only guarantees support
# for models stamped with official released onnx opset versions").
OPSETS: Final = {17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12, 25: 13, 26: 13}
NEWEST: Final = max(OPSETS)
CEIL: Final = 22  # the first opset whose shape inference drops a last pooling window that lies wholly in the padding


class Call(NamedTuple):
    """How ONNX spells an op; the node's inputs are the op's, then its weights, then `constants`, by their names."""

    operator: str
    attributes: Mapping[str, pb.Parameter] = {}
    constants: Mapping[str, float] = {}


class Site(NamedTuple):
    """Where a node stands: what arrives at it, whether its size follows that of the network's input, and the opset."""

    types: Sequence[TensorType]
    follows: bool
    opset: int


rules: Final = Rules[Call]("ONNX")


@rules(ops.Conv)
def _conv(op: ops.Conv, site: Site) -> Call:
    if op.window.padding.ceil:
        raise ShapeError("E401", "ONNX has no convolution with `ceil`", "say the padding in pixels: `pad=N`")
    grouped = {"group": ops.closed(op.groups)} if op.groups != 1 else {}
    return Call("Conv", {**_window(op.window, site), **grouped})


@rules(ops.BatchNorm)
def _batch_norm(op: ops.BatchNorm, site: Site) -> Call:
    return Call("BatchNormalization", {"epsilon": op.eps})


@rules(ops.ReLU)
def _relu(op: ops.ReLU, site: Site) -> Call:
    return Call("Relu")


@rules(ops.LRN)
def _lrn(op: ops.LRN, site: Site) -> Call:
    if op.size % 2 == 0:
        raise ShapeError("E401", f"ONNX normalises over an odd number of channels, not {op.size}", "an odd size")
    return Call("LRN", {"size": op.size, "alpha": op.alpha, "beta": op.beta, "bias": op.k})


@rules(ops.MaxPool)
def _max_pool(op: ops.MaxPool, site: Site) -> Call:
    return Call("MaxPool", _pooling(op.window, site)) if op.window else Call("GlobalMaxPool")


@rules(ops.AvgPool)
def _avg_pool(op: ops.AvgPool, site: Site) -> Call:
    if op.window is None:
        return Call("GlobalAveragePool")
    counted = {"count_include_pad": 1} if op.count_pad else {}
    return Call("AveragePool", {**_pooling(op.window, site), **counted})


@rules(ops.Dropout)
def _dropout(op: ops.Dropout, site: Site) -> Call:
    return Call("Dropout", constants={"ratio": op.p})


@rules(ops.FullyConnected)
def _fully_connected(op: ops.FullyConnected, site: Site) -> Call:
    if site.follows:
        raise ShapeError("E218", "the weights of `fc` tie the network to one image size", "a global pool before it")
    return Call("Gemm", {"transB": 1})


@rules(ops.Softmax)
def _softmax(op: ops.Softmax, site: Site) -> Call:
    return Call("Softmax", {"axis": 1})


@rules(ops.Flatten)
def _flatten(op: ops.Flatten, site: Site) -> Call:
    return Call("Flatten", {"axis": 1})


@rules(ops.Scale)
def _scale(op: ops.Scale, site: Site) -> Call:
    return Call("Mul", constants={"factor": op.factor})


@rules(ops.Identity)
def _identity(op: ops.Identity, site: Site) -> Call:
    return Call("Identity")


@rules(ops.Concat)
def _concat(op: ops.Concat, site: Site) -> Call:
    return Call("Concat", {"axis": 1})


@rules(ops.Add)
def _add(op: ops.Add, site: Site) -> Call:
    return Call("Add" if len(site.types) == 2 else "Sum")


def _window(window: Window, site: Site) -> dict[str, pb.Parameter]:
    slides: dict[str, pb.Parameter] = {"kernel_shape": window.kernel, "strides": window.stride}
    dilated = window.dilation != (1, 1)
    if dilated:
        slides["dilations"] = window.dilation
    axes = list(zip(window.kernel, window.stride, strict=True))
    if window.padding.kind == "same_upper" and site.follows and any(kernel > 1 < step for kernel, step in axes):
        # Only here does the padding follow the size of the image. onnxruntime 1.31.1 refuses to work it out under a
        # dilation, and takes it as negative where a step is longer than the kernel.
        if dilated or any(step > kernel for kernel, step in axes):
            message = "ONNX has no dilated `same_upper` for every image size, nor one with a stride beyond the kernel"
            raise ShapeError("E401", message, "compile for one image size, or write `pad=N`")
        return {**slides, "auto_pad": "SAME_UPPER"}
    height, width = window.extents(site.types[0].image)
    return {**slides, "pads": (height.before, width.before, height.after, width.after)}


def _pooling(window: Window, site: Site) -> dict[str, pb.Parameter]:
    padding = window.padding
    if not padding.ceil or padding.kind == "same_upper":
        return _window(window, site)
    extents = window.extents(site.types[0].image)
    for extent, kernel, step in zip(extents, window.kernel, window.stride, strict=True):
        if extent.before + step > kernel and site.opset < CEIL:
            message = f"opset {site.opset} does not drop a last window that `ceil` lays wholly in the padding"
            raise ShapeError("E401", message, f"opset {CEIL} or newer")
    return {**_window(window, site), "ceil_mode": 1}


def model(
    typed: Typed,
    *,
    opset: int = NEWEST,
    batch: int | None = None,
    dynamic_size: bool = False,
    heads: bool = False,
    taps: Sequence[str] = (),
    until: str = "",
) -> bytes:
    """Write the graph of a network in inference as a serialised ModelProto, the same bytes for the same network.

    Its inputs are `input`, float32 (batch, channels, height, width), and the weights by their names in a state_dict;
    its outputs are `logits` (what the last row gives), with `heads` theirs by name, and the rows that `taps` names.
    `batch` None is any batch, `dynamic_size` any height and width; `until` is the last row to include.

    Raises `SpecError`: E401 for what the opset cannot express, E218 for a layer that ties the network to one size, E206
    for an unknown row and E108 for two outputs of one name.
    """
    if opset not in OPSETS:
        message = f"opset {opset} is not supported"
        raise SpecError([Diagnostic("E401", message, help=f"an opset from {min(OPSETS)} to {NEWEST}")])
    rows = _rows(typed, until, taps)
    aside = [head.name for head in typed.program.heads if heads and head.source in rows]
    outputs = _outputs(typed, rows[-1], [*aside, *taps])
    names = _names(typed, outputs)
    following = _following(typed) if dynamic_size else frozenset()
    calls = _calls(typed, {*rows, *aside}, following, opset)

    def value(name: str, end: int) -> bytes:
        shape = typed.nodes[end].out.shape if end >= 0 else typed.input.shape
        known: tuple[int | str | None, ...] = shape
        if end in following:
            known = (shape[0], *(("H", "W") if end < 0 else (None, None))) if len(shape) == 3 else (None,)
        return pb.value(name, (batch or "N", *known))

    def node(index: int, call: Call) -> bytes:
        it = typed.nodes[index]
        return pb.Node(
            input=[*(names[end] for end in it.inputs), *it.weights, *(_constant(it, name) for name in call.constants)],
            output=[names[index]],
            name="/".join(it.path),
            op_type=call.operator,
            attribute=[pb.attribute(*each) for each in call.attributes.items()],
            metadata_props=pb.metadata({"origin": it.origin.citation if it.origin else ""}),
        )

    used = [typed.nodes[index] for index in calls]
    weights = {name: weight.shape for each in used for name, weight in each.weights.items()}
    ends = dict.fromkeys(typed.ends[row] for row in (*rows, *aside))
    program = typed.program
    return pb.Model(
        ir_version=OPSETS[opset],
        producer_name="inception-dsl",
        opset_import=[pb.OperatorSetId(domain="", version=opset)],
        metadata_props=pb.metadata({"spec": program.file, "arxiv": program.paper.arxiv}),
        graph=pb.Graph(
            name=program.name,
            doc_string="\n".join(filter(None, (program.title, _citation(program.paper)))),
            input=[value("input", -1), *(pb.value(*each) for each in weights.items())],
            node=[*(node(*each) for each in calls.items()), *_second_names(names, outputs)],
            initializer=[
                pb.scalar(_constant(each, name), number)
                for each, call in zip(used, calls.values(), strict=True)
                for name, number in call.constants.items()
            ],
            value_info=[value(names[end], end) for end in ends if names[end] not in {"input", *outputs}],
            output=[value(*each) for each in outputs.items()],
        ),
    )


def _rows(typed: Typed, until: str, taps: Sequence[str]) -> Sequence[str]:
    rows: Sequence[str] = typed.trunk
    if until in rows:
        rows = rows[: rows.index(until) + 1]
    for name in filter(None, (until, *taps)):
        if name not in rows:
            message = f"no row up to `{rows[-1]}` is called `{name}`"
            raise SpecError([Diagnostic("E206", message, help=did_you_mean(name, rows))])
    return rows


def _outputs(typed: Typed, last: str, others: Iterable[str]) -> dict[str, int]:
    outputs = {"logits": typed.ends[last]}
    for name in others:
        end = typed.ends[name]
        if name == "input" or outputs.setdefault(name, end) != end:
            message = f"the graph calls another value `{name}`"
            raise SpecError([Diagnostic("E108", message, help="another name for this row or head")])
    return outputs


def _names(typed: Typed, outputs: Mapping[str, int]) -> dict[int, str]:
    # No part of a path has a `/` or a `.` in it: so no inner value is called as the input, an output or a weight.
    names = {index: f"{'/'.join(node.path)}/out" for index, node in enumerate(typed.nodes)}
    return {**names, **{end: name for name, end in reversed(list(outputs.items()))}, -1: "input"}


def _second_names(names: Mapping[int, str], outputs: Mapping[str, int]) -> list[bytes]:
    return [
        pb.Node(input=[names[end]], output=[name], name=f"{name}:identity", op_type="Identity")
        for name, end in outputs.items()
        if names[end] != name
    ]


def _constant(node: Node, name: str) -> str:
    return "/".join((*node.path, name))


def _following(typed: Typed) -> frozenset[int]:
    """The values whose size follows that of the network's input: all but those behind a pool over the whole image."""
    following = {-1}
    for index, node in enumerate(typed.nodes):
        whole = isinstance(node.op, ops.MaxPool | ops.AvgPool) and node.op.window is None
        if not whole and following.intersection(node.inputs):
            following.add(index)
    return frozenset(following)


def _calls(typed: Typed, rows: Collection[str], following: Collection[int], opset: int) -> dict[int, Call]:
    calls, findings = {}, Findings()
    for index, node in enumerate(typed.nodes):
        if node.row in rows:
            site = Site(node.types, any(end in following for end in node.inputs), opset)
            try:
                calls[index] = rules[type(node.op)](node.op, site)
            except ShapeError as error:
                findings.error(error.code, error.message, node.origin, help=error.help)
    findings.stop()
    return calls


def _citation(paper: Paper) -> str:
    parts = (paper.title, paper.authors, paper.year, paper.arxiv and f"arXiv:{paper.arxiv}", paper.table, paper.figure)
    return ", ".join(str(part) for part in parts if part)
