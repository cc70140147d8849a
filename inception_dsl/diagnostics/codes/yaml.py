"""How a spec is written as YAML: its syntax, keys and values."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

INVALID_YAML = Code(
    "E101",
    "invalid YAML",
    """\
The file is not valid YAML. Most often a text needs quotes: one that contains `: ` or ` #`, or that starts with one of
`[ ] { } & * ! | > % @` or a backquote.
""",
    wrong="""\
network: tiny
title: Tiny: the smallest network
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
    right="""\
network: tiny
title: "Tiny: the smallest network"
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
)

DUPLICATE_KEY = Code(
    "E102",
    "duplicate key",
    """\
YAML readers disagree on which of two equal keys counts, so a spec may not repeat a key.
""",
    wrong="""\
network: tiny
input: 3x32x32
classes: 10
classes: 100
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
    right="""\
network: tiny
input: 3x32x32
classes: 10
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
)

UNKNOWN_KEY = Code(
    "E103",
    "unknown key",
    """\
The keys of a spec are fixed, so that a misspelt one is reported rather than silently ignored.
""",
    wrong="""\
network: tiny
input: 3x32x32
clases: 10
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
    right="""\
network: tiny
input: 3x32x32
classes: 10
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
)

MISSING_KEY = Code(
    "E104",
    "missing key",
    """\
A spec has a `network`, an `input` and `layers`. A module has a `graph`. A head has a `graph` and names the row that it
branches off (`from`). A printed column with a name of its own states what it counts (`measure`). A claim that is
`false` or `not reproduced` has a `reason`.
""",
    wrong="""\
network: tiny
layers: |
  name  | layer
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

INVALID_VALUE = Code(
    "E105",
    "invalid value",
    """\
The value of a key has the wrong type or form: the message says whether a text, a number, a list or a mapping is
expected. YAML reads anything that looks like a number as a number, so put such a text in quotes.
""",
    wrong="""\
network: tiny
paper: {arxiv: 1409.4842}
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
    right="""\
network: tiny
paper: {arxiv: "1409.4842"}
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
)

UNSUPPORTED_YAML = Code(
    "E106",
    "unsupported YAML feature",
    """\
Specs do not use anchors, aliases, merge keys, tags or several documents in one file: with them, a value depends on
text elsewhere in the file. Write the value out where it is used. Use a module for layers that repeat.
""",
    wrong="""\
network: tiny
input: 3x32x32
modules:
  one: &shared {graph: conv 1x1 8}
  two: *shared
layers: |
  name   | layer
  block1 | one
""",
    right="""\
network: tiny
input: 3x32x32
modules:
  one: {graph: conv 1x1 8}
layers: |
  name   | layer
  block1 | one
  block2 | one
""",
)

NESTED_TOO_DEEPLY = Code(
    "E107",
    "nested too deeply",
    """\
Brackets in a formula nest at most 40 deep, and YAML values at most 50. Chains, branches, labels, repeats and factors
nest at most 100 deep, including those of the modules that a formula calls. Move the inner part into a module.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[conv 1x1 8]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 1x1 8
""",
)

INVALID_NAME = Code(
    "E108",
    "invalid name",
    """\
Names of networks, modules, rows, heads and labels become Python attributes, file names and weight names. A name is
therefore a letter followed by letters, digits and `_`. Python keywords and the members of every PyTorch module, such
as `forward`, are reserved. A label may also start with a digit (`3x3`).
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name    | layer
  forward | conv 3x3 8 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
)

FORMER_NAME = Code(
    "W204",
    "former name",
    """\
This name is still read, but a later version may reject it. The types of settings `whole` and `real` are now called
`int` and `float`.
""",
    wrong="""\
network: tiny
input: 3x32x32
settings:
  width: {default: 8, type: whole}
layers: |
  name | layer
  conv | conv 3x3 {width} same
""",
    right="""\
network: tiny
input: 3x32x32
settings:
  width: {default: 8, type: int}
layers: |
  name | layer
  conv | conv 3x3 {width} same
""",
)
