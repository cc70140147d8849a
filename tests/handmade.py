"""Networks made by hand, node by node, so that tests of the accounting do not depend on the parser or on lowering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from inception_dsl.diagnostics.diagnostic import Source, Span
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.activations import ReLU
from inception_dsl.ir.ops.joins import Add, Concat
from inception_dsl.ir.ops.linear import Conv, FullyConnected
from inception_dsl.ir.ops.norms import LRN, BatchNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.regularisation import Dropout
from inception_dsl.ir.ops.shaping import Flatten
from inception_dsl.ir.program import Claim, Column, Erratum, Head, Paper, Program, Published, Row, Sequence
from inception_dsl.ir.shapes import Padding, Pair, ReceptiveField, ReceptiveFields, TensorType, Window
from inception_dsl.ir.typed import Node, Typed


class Fork(NamedTuple):
    """Branches that read the same input, by label, and the op that joins them."""

    join: Op
    branches: Mapping[str, Tree]


Tree = Op | Fork | tuple["Tree", ...]
"""An op, branches, or a chain; the empty chain is the input itself."""

CEIL, SAME, VALID = Padding(ceil=True), Padding("same"), Padding()


def window(kernel: int | Pair, stride: int = 1, padding: Padding = SAME) -> Window:
    """A window, square unless `kernel` is a pair."""
    return Window(kernel if isinstance(kernel, tuple) else (kernel, kernel), (stride, stride), padding)


def conv(kernel: int | Pair, width: int, stride: int = 1, bn: bool = False, groups: int = 1) -> tuple[Op, ...]:
    """The papers' convolution: with a bias, or a batch norm, then a ReLU."""
    op = Conv(width, window(kernel, stride), groups, bias=not bn)
    return (op, BatchNorm(), ReLU()) if bn else (op, ReLU())


def maxpool(kernel: int = 3, stride: int = 2, padding: Padding = CEIL) -> Op:
    """A max pool, as Caffe does it."""
    return MaxPool(window(kernel, stride, padding))


def concat(**branches: Tree) -> Fork:
    """Filter concatenation."""
    return Fork(Concat(), branches)


def add(**branches: Tree) -> Fork:
    """A residual sum."""
    return Fork(Add(), branches)


def inception(n1: int, r3: int, n3: int, r5: int, n5: int, proj: int) -> Fork:
    """GoogLeNet's module, figure 2(b)."""
    return concat(
        b1x1=conv(1, n1),
        b3x3=(conv(1, r3), conv(3, n3)),
        b5x5=(conv(1, r5), conv(5, n5)),
        bpool=(maxpool(3, 1, SAME), conv(1, proj)),
    )


class _Builder:
    def __init__(self, image: TensorType) -> None:
        self.image = image
        self.nodes: list[Node] = []

    def type(self, index: int) -> TensorType:
        return self.nodes[index].out if index >= 0 else self.image

    def add(self, tree: Tree, source: int, path: tuple[str, ...], row: str) -> int:
        match tree:
            case Fork(join, branches):
                ends = tuple(self.add(branch, source, (*path, label), row) for label, branch in branches.items())
                return self.node(join, ends, (*path, join.name), row)
            case tuple(parts):
                for step, part in enumerate(parts):
                    name = (*path, part.name) if isinstance(part, Op) else (*path, str(step))
                    source = self.add(part, source, name, row)
                return source
            case op:
                return self.node(op, (source,), path, row)

    def node(self, op: Op, inputs: tuple[int, ...], path: tuple[str, ...], row: str) -> int:
        types = tuple(self.type(i) for i in inputs)
        fields = [self.nodes[i].receptive_field if i >= 0 else (ReceptiveField(), ReceptiveField()) for i in inputs]
        field: ReceptiveFields = (
            ReceptiveField.union(tuple(f[0] for f in fields)),
            ReceptiveField.union(tuple(f[1] for f in fields)),
        )
        if len(inputs) == 1:
            field = op.receptive_field(types[0], fields[0])
        self.nodes.append(Node(path, op, inputs, types, op.infer(*types), field, row, origin=None))
        return len(self.nodes) - 1


def network(
    rows: Mapping[str, Tree],
    image: tuple[int, ...] = (3, 224, 224),
    heads: Mapping[str, tuple[str, Tree]] | None = None,
    published: Published | None = None,
) -> Typed:
    """Rows by name, each reading the one before; heads by name, with the row they leave from."""
    builder = _Builder(TensorType(image))
    ends: dict[str, int] = {}
    end = -1
    for name, tree in rows.items():
        ends[name] = end = builder.add(tree, end, (name,), name)
    for name, (source, tree) in (heads or {}).items():
        ends[name] = builder.add(tree, ends[source], (name,), name)
    program = Program(
        name="handmade",
        file="specs/handmade.yaml",
        title="Handmade",
        paper=Paper(),
        input=TensorType(image),
        env={},
        templates={},
        rows=tuple(Row(name, Sequence(())) for name in rows),
        heads=tuple(Head(name, source, 0.3, Sequence(())) for name, (source, _) in (heads or {}).items()),
        published=published or Published(),
    )
    return Typed(program, TensorType(image), tuple(builder.nodes), ends)


def fc(width: int) -> tuple[Op, ...]:
    """A fully connected layer on an image."""
    return (Flatten(), FullyConnected(width))


AUX: Tree = (AvgPool(window(5, 3, VALID)), conv(1, 128), fc(1024), ReLU(), Dropout(0.7), FullyConnected(1000))

GOOGLENET: dict[str, Tree] = {
    "conv1": conv(7, 64, 2),
    "pool1": maxpool(),
    "norm1": LRN(),
    "conv2": (conv(1, 64), conv(3, 192)),
    "norm2": LRN(),
    "pool2": maxpool(),
    "inception_3a": inception(64, 96, 128, 16, 32, 32),
    "inception_3b": inception(128, 128, 192, 32, 96, 64),
    "pool3": maxpool(),
    "inception_4a": inception(192, 96, 208, 16, 48, 64),
    "inception_4b": inception(160, 112, 224, 24, 64, 64),
    "inception_4c": inception(128, 128, 256, 24, 64, 64),
    "inception_4d": inception(112, 144, 288, 32, 64, 64),
    "inception_4e": inception(256, 160, 320, 32, 128, 128),
    "pool4": maxpool(),
    "inception_5a": inception(256, 160, 320, 32, 128, 128),
    "inception_5b": inception(384, 192, 384, 48, 128, 128),
    "pool5": AvgPool(window(7, 1, VALID)),
    "drop": Dropout(0.4),
    "fc": fc(1000),
}
"""1409.4842, table 1, as its widths say."""

PRINTED = """
conv1        112x112x64 1 2.7K  34M
pool1        56x56x64   0 -     -
conv2        56x56x192  2 112K  360M
pool2        28x28x192  0 -     -
inception_3a 28x28x256  2 159K  128M
inception_3b 28x28x480  2 380K  304M
pool3        14x14x480  0 -     -
inception_4a 14x14x512  2 364K  73M
inception_4b 14x14x512  2 437K  88M
inception_4c 14x14x512  2 463K  100M
inception_4d 14x14x528  2 580K  119M
inception_4e 14x14x832  2 840K  170M
pool4        7x7x832    0 -     -
inception_5a 7x7x832    2 1072K 54M
inception_5b 7x7x1024   2 1388K 71M
pool5        1x1x1024   0 -     -
fc           1x1x1000   1 1000K 1M
"""
"""What the table prints: output, depth, params, ops."""

COLUMNS = {
    "output": Column("output"),
    "depth": Column("depth"),
    "params": Column("params", unit=1024),
    "ops": Column("ops", unit=1000000),
}
WRONG = (
    *("conv1.params", "conv1.ops", "inception_5a.ops"),
    *(f"inception_{row}.params" for row in ("4a", "4b", "4c", "4d", "4e", "5a", "5b")),
)
"""The cells of table 1 that its own widths do not give, biases counted."""


def claims(printed: str, columns: tuple[str, ...]) -> tuple[Claim, ...]:
    """Claims of a table written one row a line, `-` for an empty cell; each knows where it stands."""
    source = Source("specs/handmade.yaml", printed)
    found = []
    for number, line in enumerate(source.lines, start=1):
        row, *cells = line.split() or [""]
        at = len(row)
        for column, cell in zip(columns, cells, strict=bool(row)):
            at = line.index(cell, at)
            if cell != "-":
                found.append(Claim(row, column, cell, origin=Span(source, number, at + 1, at + 1 + len(cell))))
            at += len(cell)
    return tuple(found)


def _cell(name: str) -> tuple[str, str]:
    row, _, column = name.rpartition(".")
    return row, column


def googlenet(errata: Mapping[str, str] | None = None, columns: Mapping[str, Column] | None = None) -> Typed:
    """GoogLeNet with both heads and what its paper prints; `errata` by `row.column`."""
    known = tuple(Erratum(*_cell(cell), reason) for cell, reason in (errata or {}).items())
    published = Published({**COLUMNS, **(columns or {})}, claims(PRINTED, tuple(COLUMNS)), known)
    heads = {"aux1": ("inception_4a", AUX), "aux2": ("inception_4d", AUX)}
    return network(GOOGLENET, heads=heads, published=published)


def printing(typed: Typed, *what: Claim, errata: tuple[Erratum, ...] = (), **columns: Column) -> Typed:
    """The same network, whose paper prints only this."""
    published = Published(columns, what, errata)
    return replace(typed, program=replace(typed.program, published=published))


def separable(width: int, multiplier: int, channels: int = 3) -> Tree:
    """A depthwise separable 7x7/2 convolution, as BN-Inception's first layer."""
    depthwise = Conv(channels * multiplier, window(7, 2), groups=channels, bias=False)
    return (depthwise, conv(1, width, bn=True))


def bn_inception_module(n1: int, r3: int, n3: int, rd: int, nd: int, pool: str, proj: int, stride: int = 1) -> Fork:
    """BN-Inception's module, 1502.03167 figure 5; a width of 0 leaves its layer out."""
    average = AvgPool(window(3, stride))
    branches: dict[str, Tree] = {
        "b3x3": (conv(1, r3, bn=True), conv(3, n3, stride, bn=True)),
        "double": (conv(1, rd, bn=True), conv(3, nd, bn=True), conv(3, nd, stride, bn=True)),
        "bpool": (average if pool == "avg" else maxpool(3, stride, SAME), conv(1, proj, bn=True) if proj else ()),
    }
    return Fork(Concat(), {**({"b1x1": conv(1, n1, bn=True)} if n1 else {}), **branches})


BN_INCEPTION: dict[str, Tree] = {
    "conv1": separable(64, 8),
    "pool1": maxpool(3, 2, SAME),
    "conv2": (conv(1, 64, bn=True), conv(3, 192, bn=True)),
    "pool2": maxpool(3, 2, SAME),
    "inception_3a": bn_inception_module(64, 64, 64, 64, 96, "avg", 32),
    "inception_3b": bn_inception_module(64, 64, 96, 64, 96, "avg", 64),
    "inception_3c": bn_inception_module(0, 128, 160, 64, 96, "max", 0, 2),
    "inception_4a": bn_inception_module(224, 64, 96, 96, 128, "avg", 128),
    "inception_4b": bn_inception_module(192, 96, 128, 96, 128, "avg", 128),
    "inception_4c": bn_inception_module(160, 128, 160, 128, 160, "avg", 128),
    "inception_4d": bn_inception_module(96, 128, 192, 160, 192, "avg", 128),
    "inception_4e": bn_inception_module(0, 128, 192, 192, 256, "max", 0, 2),
    "inception_5a": bn_inception_module(352, 192, 320, 160, 224, "avg", 128),
    "inception_5b": bn_inception_module(352, 192, 320, 192, 224, "max", 128),
    "pool": AvgPool(window(7, 1, VALID)),
    "fc": fc(1000),
}
"""1502.03167, figure 5, rows as printed, with the separable first layer of section 4.2."""
