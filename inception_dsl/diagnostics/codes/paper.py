"""Printed numbers and claims against the network, and the backends against each other."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

PRINTED_NUMBER_DIFFERS = Code(
    "E301",
    "printed number differs from the computed one",
    """\
The paper prints a number that differs from the computed one by more than rounding. Either the row is not what the
paper describes, or the paper is wrong; in that case explain why under `published: errata`.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer           | params
  conv1 | conv 3x3 8 same | 224
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer           | params
  conv1 | conv 3x3 8 same | 224
published:
  errata: {conv1.params: the paper counts biases that the network does not have}
""",
)

STALE_ERRATUM = Code(
    "E302",
    "erratum for a cell that agrees",
    """\
The printed number agrees with the computed one, so there is nothing to explain: the erratum is out of date, or belongs
to another cell.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer           | params
  conv1 | conv 3x3 8 same | 216
published:
  errata: {conv1.params: off by one}
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer           | params
  conv1 | conv 3x3 8 same | 216
""",
)

ERRATUM_WITHOUT_CELL = Code(
    "E303",
    "erratum for a cell that does not exist",
    """\
An erratum refers to a printed cell, `row.column`, or to a printed total, `totals.column`.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer           | params
  conv1 | conv 3x3 8 same | 224
published:
  errata:
    conv1.params: the paper counts biases that the network does not have
    conv2.params: and here too
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer           | params
  conv1 | conv 3x3 8 same | 224
published:
  errata:
    conv1.params: the paper counts biases that the network does not have
""",
)

BACKENDS_DISAGREE = Code(
    "E304",
    "backends disagree",
    """\
What the backends emit (the PyTorch file, the ONNX graph) must agree with the spec on shapes, names and parameters and,
with the same weights, with each other on values. If they do not, a backend has a bug: please report it with the spec.
""",
)

VERDICT_CHANGED = Code(
    "E310",
    "verdict on a claim no longer holds",
    """\
A claim records how its formula compares with the number that the paper prints: `exact` (it is equal, or within the
stated bound), `rounds` (it rounds to it, or lies `within` the tolerance that "about" allows), `false` or
`not reproduced` (it differs, and a `reason` says what is known about it). The recorded verdict is not the computed
one: a spec has changed, or the record was wrong.
""",
    wrong="""\
claims:
  depth:
    source: 1409.4842, section 5
    sentence: The network is 22 layers deep when counting only layers with parameters.
    formula: depth(googlenet)
    printed: 22
    verdict: rounds
""",
    right="""\
claims:
  depth:
    source: 1409.4842, section 5
    sentence: The network is 22 layers deep when counting only layers with parameters.
    formula: depth(googlenet)
    printed: 22
    verdict: exact
""",
)

UNKNOWN_SUBJECT = Code(
    "E311",
    "claim about an unknown network or part of one",
    """\
A formula measures a network, `params(googlenet)`, or one of its rows or heads, `ops(googlenet.inception_3a)`; or it
counts the calls of one of its modules, `calls(googlenet.inception)`. A network is a spec in the folder of the claims,
named by its file name.
""",
    wrong="""\
claims:
  depth:
    source: 1409.4842, section 5
    sentence: The network is 22 layers deep when counting only layers with parameters.
    formula: depth(goglenet)
    printed: 22
    verdict: exact
""",
    right="""\
claims:
  depth:
    source: 1409.4842, section 5
    sentence: The network is 22 layers deep when counting only layers with parameters.
    formula: depth(googlenet)
    printed: 22
    verdict: exact
""",
)
