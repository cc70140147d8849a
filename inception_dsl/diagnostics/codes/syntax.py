"""How the layer table and its formulas are written."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

INVALID_FORMULA = Code(
    "E110",
    "invalid formula",
    """\
A layer is written as its name, a kernel with an optional stride, a width, and words, separated by blanks. `->`
separates steps, `|` separates branches that are concatenated along their channels, `+` separates terms that are added;
brackets `[ ]` group.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same => conv 1x1 16
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same -> conv 1x1 16
""",
)

UNMATCHED_BRACKET = Code(
    "E111",
    "unmatched bracket",
    """\
Every `[`, `{` and `(` is closed by a bracket of its own kind, and the one opened last is closed first.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | [conv 1x1 8 | conv 3x3 8 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | [conv 1x1 8 | conv 3x3 8 same]
""",
)

INCOMPLETE_TABLE = Code(
    "E112",
    "incomplete table",
    """\
The first line of `layers` names the columns, among them `name` and `layer`, and at least one row follows. The `|`
after `layers:` keeps the table's lines apart.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  conv1 | conv 3x3 8 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
)

WRONG_CELL_COUNT = Code(
    "E113",
    "wrong number of cells in a row",
    """\
Every row has as many cells as the header has columns, including empty ones: a missing cell would shift the cells after
it and build another network. A bar starts the next cell unless it stands inside brackets, so write branches in a table
in brackets.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  block | conv 1x1 8 | conv 3x3 8 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  block | [conv 1x1 8 | conv 3x3 8 same]
""",
)

DUPLICATE_NAME = Code(
    "E114",
    "duplicate name",
    """\
Rows, columns, heads and the labels of one module have unique names, because weights are found by name.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  conv | conv 3x3 8 same
  conv | conv 3x3 16 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
  conv2 | conv 3x3 16 same
""",
)

UNUSED_COLUMN = Code(
    "E115",
    "unused column",
    """\
A column of the table is either an argument, whose name a module or a formula uses, or a number that the paper prints:
`output`, `depth`, `params`, `ops`, or a column declared under `published`. It cannot be both. A column that is neither
would be silently ignored.
""",
    wrong="""\
network: tiny
input: 3x32x32
modules:
  block: {columns: [width], graph: "conv 1x1 {width}"}
layers: |
  name  | layer | widht
  block | block | 8
""",
    right="""\
network: tiny
input: 3x32x32
modules:
  block: {graph: "conv 1x1 {width}"}
layers: |
  name  | layer | width
  block | block | 8
""",
)

UNREADABLE_CELL = Code(
    "E116",
    "unreadable printed cell",
    """\
A shape is printed as height x width x channels; a number as digits with an optional K, M, B, G or T. Copy the cell as
the paper prints it, and state under `published` what the suffix stands for.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer           | output
  conv1 | conv 3x3 8 same | 32x32
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer           | output
  conv1 | conv 3x3 8 same | 32x32x8
""",
)

OUT_OF_BOUNDS = Code(
    "E117",
    "out of bounds",
    """\
A number in a network is at most a thousand million, a formula at most 50,000 characters long, a value in braces at
most 300 characters, and a table at most 50,000 rows. The sizes of tensors and receptive fields fit in 64 bits. The
full name of a layer, such as `inception_3a.b3x3.0.conv`, has at most 200 characters. The values under `training` and
`init` have bounds of their own, which the message gives.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 1x1 99999999999
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 1x1 64
""",
)

UNREADABLE_TABLE = Code(
    "E118",
    "unreadable table",
    """\
`inception-dsl table` reads a table of a paper as CSV, TSV, Markdown, LaTeX, HTML, or as text that was copied from a PDF
file, in which two or more blanks separate the columns. The text that it was given has no table in this form, or not one
whose first line names the columns. `--from` chooses the form where the text could be several.
""",
)
