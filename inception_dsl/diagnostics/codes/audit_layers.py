"""Layers of another network whose parameters differ from the spec's."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

BASE = """\
network: target
input: 3x32x32
classes: 10
layers: |
  name  | layer
  conv1 | conv 3x3 16 same bias
  act1  | relu
  norm1 | lrn 5
  pool1 | maxpool 3x3/2 ceil
  conv2 | conv 3x3 16 same bias
  norm2 | bn
  mix   | [ left: conv 1x1 8 same bias | right: conv 3x3 8 same bias ]
  pool2 | avgpool 3x3/1 same
  end   | avgpool global -> flatten
  drop  | dropout 20%
  fc    | fc {classes}
heads:
  aux: {from: mix, loss_weight: 0.3, graph: "avgpool global -> flatten -> fc {classes}"}
"""
"""The target of the examples, as a spec."""

RIGHT = """\
extends: base.yaml
network: spec
"""

KERNEL = Code(
    "E501",
    "kernel differs from the spec's",
    """\
A window of the target has another kernel than the layer of the spec, such as the 3x3 in place of 5x5 that ports of
GoogLeNet inherited. The padding that follows from a kernel is not a finding of its own.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {conv1: {layer: conv 5x5 16 same bias}}
""",
    right=RIGHT,
    base=BASE,
)

STRIDE = Code(
    "E502",
    "stride differs from the spec's",
    """\
A window moves by another stride. A stride that stands in one layer of a row and not in another is one finding, as where
a ResNet strides in its 3x3 convolutions and the paper in the 1x1 before them.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {conv1: {layer: conv 3x3/2 16 same bias}, pool1: {layer: maxpool 3x3/1 same}}
""",
    right=RIGHT,
    base=BASE,
)

PADDING = Code(
    "E503",
    "padding differs from the spec's",
    """\
A window reads other pixels of padding: none, more of them, or the odd one on the other side (TensorFlow's SAME). The
shapes may be equal and the values not.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {pool1: {layer: maxpool 3x3/2 same}}
""",
    right=RIGHT,
    base=BASE,
)

COUNTED_PADDING = Code(
    "E504",
    "average counts padding differently from the spec",
    """\
An average at the border of the image counts its padding as zeros, or leaves it out. Shapes and weights say nothing of
it: TF-Slim and Keras leave it out, Caffe counts it, and ports differ.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {pool2: {layer: avgpool 3x3/1 same count_pad}}
""",
    right=RIGHT,
    base=BASE,
)

POOL = Code(
    "E505",
    "pool is of another kind than the spec's",
    """\
A maximum stands for an average, or an average for a maximum.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {pool2: {layer: maxpool 3x3/1 same}}
""",
    right=RIGHT,
    base=BASE,
)

WIDTH = Code(
    "E506",
    "width differs from the spec's",
    """\
A layer has more or fewer outputs. What reads it has other weights, too, which is not a finding of its own.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {conv1: {layer: conv 3x3 24 same bias}}
""",
    right=RIGHT,
    base=BASE,
)

GROUPS = Code(
    "E507",
    "groups differ from the spec's",
    """\
A convolution has another number of groups: it is dense in place of grouped, or depthwise in place of dense.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {conv2: {layer: conv 3x3 16 same bias groups=2}}
""",
    right=RIGHT,
    base=BASE,
)

BIAS = Code(
    "E508",
    "bias differs from the spec's",
    """\
A layer has a bias that the spec has not, or lacks one.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {conv1: {layer: conv 3x3 16 same}}
""",
    right=RIGHT,
    base=BASE,
)

EPS = Code(
    "E509",
    "eps of a norm differs from the spec's",
    """\
A norm adds another number to the variance. Weights of the one give other values in the other.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {norm2: {layer: bn eps=0.01}}
""",
    right=RIGHT,
    base=BASE,
)

NORM = Code(
    "E510",
    "norm is of another kind than the spec's",
    """\
One norm stands for another, such as batch normalisation for local response normalisation.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {norm1: {layer: bn}}
""",
    right=RIGHT,
    base=BASE,
)

ACTIVATION = Code(
    "E511",
    "activation differs from the spec's",
    """\
One activation stands for another, or one way to join branches for another.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {act1: {layer: relu6}}
""",
    right=RIGHT,
    base=BASE,
)

PARAMETER = Code(
    "E512",
    "parameter differs from the spec's",
    """\
A parameter without a code of its own differs: the rate of a dropout, a constant of a local response normalisation, the
factor of a scale, a dilation.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {drop: {layer: dropout 50%}}
""",
    right=RIGHT,
    base=BASE,
)
