"""The design principles of 1512.00567, section 2, as far as a table shows them, and widths that suit hardware."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.ir.dataflow import within
from inception_dsl.ir.ops.joins import Concat
from inception_dsl.ir.ops.linear import Conv, LinearLayer
from inception_dsl.ir.program import Body, Join, Layer, Repeat, Sequence
from inception_dsl.ir.typed import Node
from inception_dsl.lint.rule import Finding, Rule
from inception_dsl.lint.subject import Subject

MOST_CUT: Final = 8
"""How many times fewer activations a row may give than it reads: a stride of 2, and half of the channels (DenseNet)."""

LEAST_DEPTH: Final = 8
MOST_WORK: Final = 0.5
"""The share of the multiply-adds that one layer may take, in networks of at least `LEAST_DEPTH` layers."""

MULTIPLE: Final = 8
"""What widths are multiples of on the matrix units of GPUs, in 16-bit numbers."""

BOTTLENECK: Final = Code(
    "L011",
    "representational bottleneck",
    f"""\
"Avoid representational bottlenecks, especially early in the network" (1512.00567, section 2, principle 1): the
representation should shrink gently. This row gives less than 1/{MOST_CUT} of the activations that it reads. A stride of
2 divides them by 4, and by {MOST_CUT} together with half of the channels, as in the transitions of DenseNet. Rows that
end the images, such as the last pool, are not counted. Figure 10 shows how to shrink an image without a bottleneck:
convolutions of stride 2 and a pool, side by side.
""",
    wrong="""\
network: tiny
input: 3x64x64
layers: |
  name  | layer
  conv1 | conv 3x3 64 same
  pool1 | conv 1x1 16 -> maxpool 3x3/2 same
""",
    right="""\
network: tiny
input: 3x64x64
layers: |
  name  | layer
  conv1 | conv 3x3 64 same
  pool1 | [conv 3x3/2 64 same | maxpool 3x3/2 same]
""",
)

NO_REDUCTION: Final = Code(
    "L012",
    "spatial aggregation without reduction",
    """\
"Spatial aggregation can be done over lower dimensional embeddings without much or any loss in representational power"
(1512.00567, section 2, principle 3). This branch starts with a kernel larger than 1x1 that reads more channels than it
gives, as in the naive module of 1409.4842 (Figure 2(a)). A `conv 1x1` before it that reduces the channels saves most of
its work. Convolutions with a stride, groups or a reduction before them are not counted.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 64 same
  mixed | [conv 1x1 32 | conv 5x5 16 same]
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 64 same
  mixed | [conv 1x1 32 | conv 1x1 8 -> conv 5x5 16 same]
""",
)

UNBALANCED_BUDGET: Final = Code(
    "L013",
    "budget out of balance",
    f"""\
"Balance the width and depth of the network [...] the computational budget should therefore be distributed in a balanced
way" (1512.00567, section 2, principle 4). This one layer takes more than {MOST_WORK:.0%} of the multiply-adds of a
network that is at least {LEAST_DEPTH} layers deep: it is too wide, or works on too large an image, for the depth around
it.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 64 same
  conv2 | conv 5x5 128 same
  pool2 | maxpool 3x3/2 same
  conv3 | 6 of conv 3x3 64 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 64 same
  conv2 | conv 3x3 64 same
  pool2 | maxpool 3x3/2 same
  conv3 | 6 of conv 3x3 128 same
""",
)

UNALIGNED_WIDTH: Final = Code(
    "L014",
    f"width that is not a multiple of {MULTIPLE}",
    f"""\
The matrix units of GPUs take 16-bit numbers in groups of {MULTIPLE} channels, so a width of 100 costs as much as
104, or falls back to slower kernels. The released code of MobileNetV2 rounds the widths of its multiplier to
{MULTIPLE}. Not counted are the outputs of classifiers, gates of one pixel, and numbers that a paper prints: those in
a file that names its `paper`.
""",
    wrong="""\
network: tiny
input: 3x32x32
settings: {width: 0.3}
layers: |
  name  | layer
  conv1 | conv 3x3 {round(64 * width)} same
""",
    right="""\
network: tiny
input: 3x32x32
settings: {width: 0.3}
layers: |
  name  | layer
  conv1 | conv 3x3 {round(64 * width, 8)} same
""",
)


def _bottlenecks(subject: Subject) -> Iterator[Finding]:
    typed = subject.typed
    read: dict[str, set[int]] = {}  # by row, the nodes of other rows that it reads
    for node in typed.nodes:
        others = (i for i in node.inputs if i < 0 or typed.nodes[i].row != node.row)
        read.setdefault(node.row, set()).update(others)
    for row in typed.program.rows:
        out = typed.out(row.name)
        before = [typed.nodes[i].out if i >= 0 else typed.input for i in sorted(read.get(row.name, ()))]
        activations = sum(x.size for x in before)
        if len(out.shape) == 3 and max(out.image) > 1 and activations > MOST_CUT * out.size:
            cut = f"{activations / out.size:.3g} times fewer"
            message = f"`{row.name}` gives {out.size:,} activations of the {activations:,} that it reads: {cut}"
            label = f"{' and '.join(map(str, before))} to {out}"
            hint = "shrink in more than one row, or beside a wider branch: `[conv 3x3/2 64 same | maxpool 3x3/2 same]`"
            yield Finding(Diagnostic(BOTTLENECK, message, row.origin, label, help=hint))


def _without_reduction(subject: Subject) -> Iterator[Finding]:
    program = subject.typed.program
    bodies = [*(entry.body for entry in program.entries), *(template.body for template in program.templates.values())]
    first = {
        start.origin
        for body in bodies
        for join in within(body)
        if isinstance(join, Join) and isinstance(join.op, Concat)
        for branch in join.branches
        if (start := _start(branch.body)) is not None
    }
    for node in subject.typed.nodes:
        op = node.op
        if not isinstance(op, Conv) or node.origin not in first or op.window.reach == (1, 1):
            continue
        read = node.types[0].channels
        if read <= node.out.channels or op.window.stride != (1, 1) or op.groups != 1 or _reads_conv(subject, node):
            continue
        kernel = "x".join(map(str, op.window.kernel))
        message = f"a {kernel} convolution reads {read} channels without a reduction, and gives {node.out.channels}"
        hint = f"write a reduction before it, such as `conv 1x1 {max(node.out.channels // 2, 1)} -> `"
        yield Finding(Diagnostic(NO_REDUCTION, message, node.origin, f"in `{node.row}`", help=hint))


def _start(body: Body) -> Layer | None:
    """The first layer of a branch."""
    match body:
        case Layer():
            return body
        case Sequence((first, *_)):
            return _start(first.body)
        case Repeat(_, inner):
            return _start(inner)
        case _:
            return None


def _reads_conv(subject: Subject, node: Node) -> bool:
    """Whether a node reads a convolution of its own row, perhaps through norms and activations."""
    index = node.inputs[0]
    while index >= 0 and (before := subject.typed.nodes[index]).row == node.row:
        if isinstance(before.op, Conv):
            return True
        if len(before.inputs) > 1:
            return False
        index = before.inputs[0]
    return False


def _unbalanced_budget(subject: Subject) -> Iterator[Finding]:
    heads = {*subject.typed.heads}
    nodes = [node for node in subject.typed.nodes if node.row not in heads]
    total = sum(node.macs for node in nodes)
    for node in nodes:
        if node.macs > MOST_WORK * total and subject.cost.trunk.depth >= LEAST_DEPTH:
            message = f"one layer takes {node.macs / total:.0%} of the {total:,} multiply-adds"
            label = f"{node.macs:,} in `{node.row}`, of a network {subject.cost.trunk.depth} layers deep"
            hint = "make it narrower, or shrink the image before it"
            yield Finding(Diagnostic(UNBALANCED_BUDGET, message, node.origin, label, help=hint))


def _unaligned_widths(subject: Subject) -> Iterator[Finding]:
    paper = subject.spec.document.root.children.get("paper")
    for node in subject.typed.nodes:
        width, image = node.out.channels, node.out.shape[1:]
        if not isinstance(node.op, LinearLayer) or width % MULTIPLE == 0:
            continue
        if width == subject.spec.classes or (image and max(image) == 1):
            continue
        place = subject.cell(node, width) or node.origin
        if place is None or (paper and paper.span.source is place.source):
            continue
        below, above = width // MULTIPLE * MULTIPLE, -(-width // MULTIPLE) * MULTIPLE
        message = f"a width of {width} is not a multiple of {MULTIPLE}"
        hint = f"write {f'{below} or ' if below else ''}{above}, or round a formula with `round(..., {MULTIPLE})`"
        yield Finding(Diagnostic(UNALIGNED_WIDTH, message, place, f"of `{'.'.join(node.path)}`", help=hint))


RULES: Final = (
    Rule(BOTTLENECK, _bottlenecks),
    Rule(NO_REDUCTION, _without_reduction),
    Rule(UNBALANCED_BUDGET, _unbalanced_budget),
    Rule(UNALIGNED_WIDTH, _unaligned_widths),
)
