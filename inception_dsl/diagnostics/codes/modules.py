"""Modules, the values in braces and what a row passes on."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

UNDEFINED_NAME = Code(
    "E206",
    "undefined name",
    """\
A name in braces is a column of the row, a setting, `in` (the number of input channels) or `classes`. A module that
lists its columns lists exactly those that its graph uses. A key of `init` is `conv`, `fc` or `bn`, or the start of a
weight's name: a row, a head, or a path below one, such as `aux1.fc1`.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  fc   | fc {clases}
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  fc   | fc {classes}
""",
)

CANNOT_EVALUATE = Code(
    "E207",
    "value cannot be computed",
    """\
Kernels, strides, counts and widths are whole numbers, and division by 0 is undefined. Kernels, strides and counts
cannot depend on `in`, which is only known once the layers are connected. Rounding is explicit: `{round(8 * width)}`.
""",
    wrong="""\
network: tiny
input: 3x32x32
settings: {width: 0.3}
layers: |
  name  | layer
  conv1 | conv 1x1 {8 * width}
""",
    right="""\
network: tiny
input: 3x32x32
settings: {width: 0.3}
layers: |
  name  | layer
  conv1 | conv 1x1 {round(8 * width)}
""",
)

RECURSIVE_MODULE = Code(
    "E208",
    "module contains itself",
    """\
A module that calls itself, directly or through other modules, would never end. Write a repeat as `3 of block`.
""",
    wrong="""\
network: tiny
input: 3x32x32
modules:
  block: {graph: conv 1x1 8 -> block}
layers: |
  name  | layer
  block | block
""",
    right="""\
network: tiny
input: 3x32x32
modules:
  block: {graph: conv 1x1 8}
layers: |
  name  | layer
  block | 3 of block
""",
)

NOTHING_LEFT = Code(
    "E213",
    "nothing left of a row",
    """\
A layer whose width is empty or 0 is left out, and so is a branch without any layers: this is how papers write missing
branches. A row without any layers is a mistake.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
  conv2 | conv 1x1 0
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
  conv2 | conv 1x1 16
""",
)

NETWORK_TOO_LARGE = Code(
    "E214",
    "network too large",
    """\
Nested repeats and modules multiply, so layers are counted before any are created. A network has at most 10,000 more
layers than it has rows; published networks have fewer than 5,000 in all. Joins, `pass` and layers that are left out
count as one layer each, and a module counts as at least as many layers as it has columns. A table has at most 50,000
rows (E117).
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | 1000 of [1000 of relu]
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | 10 of [10 of relu]
""",
)

WRONG_MODULE_ARGUMENTS = Code(
    "E216",
    "wrong arguments of a module",
    """\
A call of a module provides all of its columns, from the cells of the row or from words such as `k=192`. A cell that
the row's layer does not use would be silently ignored, so it is an error.
""",
    wrong="""\
network: tiny
input: 3x32x32
modules:
  block: {graph: "conv 1x1 {k} -> conv 1x1 {l}"}
layers: |
  name  | layer
  block | block k=8
""",
    right="""\
network: tiny
input: 3x32x32
modules:
  block: {graph: "conv 1x1 {k} -> conv 1x1 {l}"}
layers: |
  name  | layer
  block | block k=8 l=16
""",
)

UNKNOWN_HEAD_ROW = Code(
    "E217",
    "head branches off an unknown row",
    """\
`from` names the row of the table whose output the head reads.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
heads:
  aux: {from: conv2, graph: "fc {classes}"}
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
heads:
  aux: {from: conv1, graph: "fc {classes}"}
""",
)
