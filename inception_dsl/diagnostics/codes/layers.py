"""Layers and the words on them."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

UNKNOWN_LAYER = Code(
    "E201",
    "unknown layer",
    """\
A layer is a word of the language (`inception-dsl ops` lists them) or a module of this spec.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | cnov 3x3 8 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
)

WRONG_LAYER_ARGUMENTS = Code(
    "E202",
    "wrong arguments of a layer",
    """\
`conv` takes a kernel and a width; pools take a kernel or the word `global`; layers such as `fc` and `dropout` take a
number, and `part` a fraction; the others take nothing. `inception-dsl ops` shows how a layer is written. Columns of a
module are passed by name.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
)

UNKNOWN_WORD = Code(
    "E203",
    "unknown word",
    """\
Each layer accepts only the words that change it, so that a misspelt one is reported rather than silently ignored.
Write a layer that follows as a step of its own: `-> relu`. Under `init`, the distribution comes first, followed by the
words that it accepts.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 smae
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
)

MISSING_PADDING = Code(
    "E210",
    "missing padding",
    """\
Papers and frameworks pad in different ways, which give different shapes and values, so the padding must be stated.
`same` pads equally on both sides, `same_upper` puts the odd pixel at the right and bottom (TensorFlow), `valid` does
not pad, `ceil` lets the last window of a pool extend over the border (Caffe), and `pad=1` gives the number of pixels.
State it under `defaults` to apply it to every layer.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8
""",
    right="""\
network: tiny
input: 3x32x32
defaults: {conv: same}
layers: |
  name  | layer
  conv1 | conv 3x3 8
""",
)

IMPOSSIBLE_PADDING = Code(
    "E211",
    "impossible padding",
    """\
`same` pads equally on both sides, which is impossible for an even kernel. A pool pads by at most half its kernel;
otherwise some windows would cover only padding. `lrn` takes an odd number of channels.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  pool | maxpool 2x2/2 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  pool | maxpool 2x2/2 valid
""",
)

CONFLICTING_WORDS = Code(
    "E219",
    "conflicting words",
    """\
Two words on a layer set the same property. A word on a layer replaces the default for it, but two words on one layer
do not replace each other. A pool over the whole image needs no padding, so `avgpool global same` has one word too
many.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same valid
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
""",
)

INAPPLICABLE_WORD = Code(
    "E220",
    "inapplicable word",
    """\
`eps` belongs to a norm, `gamma` to batch normalisation, `per_channel` to `prelu`, `align_corners` to `bilinear`; on a
layer without one they would be silently dropped. A word in `defaults` may be inapplicable to some layers. Under `init`,
the scale of a single channel has no fan in for `he`, `xavier` and `glorot`.
""",
    wrong="""\
network: tiny
input: 3x32x32
defaults: {conv: same bn relu}
layers: |
  name  | layer
  conv1 | conv 3x3 8 norm=none eps=0.00001
""",
    right="""\
network: tiny
input: 3x32x32
defaults: {conv: same bn relu eps=0.00001}
layers: |
  name  | layer
  conv1 | conv 3x3 8 norm=none
  conv2 | conv 3x3 8
""",
)

REDUNDANT_WORD = Code(
    "W201",
    "redundant word",
    """\
The network is the same without this word, or without a `dropout` or `drop_path` of 0%. It may stand on the wrong layer,
or may not do what you expect.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  pool | avgpool 3x3 valid count_pad
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  pool | avgpool 3x3 same count_pad
""",
)

AMBIGUOUS_FACTOR = Code(
    "W202",
    "factor that may be meant as a count",
    """\
`2 * conv ...` is one convolution whose output is multiplied by 2; `2 of conv ...` is two convolutions in a row. Write
a factor as a real number, `2.0 * conv ...`, to make it clear.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  conv | 2 * conv 3x3 8 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv  | 2 of conv 3x3 8 same
  scale | 2.0 * conv 3x3 8 same
""",
)
