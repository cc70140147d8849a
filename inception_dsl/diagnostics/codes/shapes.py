"""The shapes that arrive at the layers of a network."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

BRANCH_SIZES_DIFFER = Code(
    "E204",
    "branches disagree on image size",
    """\
Branches are concatenated along their channels, pixel by pixel, so they must have the same height and width. The usual
cause is a pool or convolution of stride 1 that drops the border: `same` keeps it.
""",
    wrong="""\
network: tiny
input: 3x32x32
modules:
  inception:
    graph: |
      | conv 5x5 {#5x5} same
      | maxpool 3x3/1 valid -> conv 1x1 {pool proj}
layers: |
  name  | layer     | #5x5 | pool proj
  block | inception | 8    | 8
""",
    right="""\
network: tiny
input: 3x32x32
modules:
  inception:
    graph: |
      | conv 5x5 {#5x5} same
      | maxpool 3x3/1 same -> conv 1x1 {pool proj}
layers: |
  name  | layer     | #5x5 | pool proj
  block | inception | 8    | 8
""",
)

SUM_SHAPES_DIFFER = Code(
    "E205",
    "terms of a sum differ in shape",
    """\
Terms are added elementwise, so they must have the same height, width and channels. If a residual block changes any of
these, use a `conv 1x1` instead of `pass`.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  block | [pass + conv 3x3/2 64 same] -> relu
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  block | [conv 1x1/2 64 + conv 3x3/2 64 same] -> relu
""",
)

KERNEL_TOO_LARGE = Code(
    "E209",
    "kernel larger than its input",
    """\
A window must fit on the padded image, and `shift 1` and `crop 1` must leave some of it. Earlier strides have made the
image too small.
""",
    wrong="""\
network: tiny
input: 3x5x5
layers: |
  name | layer
  pool | avgpool 7x7 valid
  fc   | fc {classes}
""",
    right="""\
network: tiny
input: 3x5x5
layers: |
  name | layer
  pool | avgpool 5x5 valid
  fc   | fc {classes}
""",
)

UNEVEN_GROUPS = Code(
    "E212",
    "groups do not divide the channels",
    """\
Each group of a convolution reads an equal share of the input channels and produces an equal share of the output
channels. The groups of `gn 32` and `shuffle 2` and the parts of `part 1/2` are equal shares of the channels too, and so
are the pixels of a square in `pixel_shuffle 2`. `pixel_unshuffle 2` divides an image into such squares.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same groups=2
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 9 same groups=3
""",
)

PAST_THE_CHANNELS = Code(
    "E233",
    "range of channels ends after the last",
    """\
`slice 64 start=32` takes the channels from number 32 to number 95, counted from 0, so at least 96 must arrive. `{in}`
is the number that does.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  conv | conv 3x3 64 same
  rest | slice 64 start=16
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  conv | conv 3x3 64 same
  rest | slice {in - 16} start=16
""",
)

WRONG_RANK = Code(
    "E215",
    "image expected, got a vector, or the reverse",
    """\
`fc` and `flatten` turn an image into a vector. A vector has no pixels, so convolutions and pools cannot follow.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  fc    | fc 10
  conv1 | conv 3x3 8 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 8 same
  fc    | fc 10
""",
)

FIXED_IMAGE_SIZE = Code(
    "E218",
    "network takes only one image size",
    """\
A layer such as a `7x7` pool before the classifier, or an `fc` on an image, has other weights or no output at another
image size. Compile for the size of the spec, or use `avgpool global`. After `permute HCW`, the rows of an image are
channels, and layers have weights for each of them: `resize to=` brings the image to one size before that.
""",
)

NOT_A_CLASSIFIER = Code(
    "E221",
    "network with `training` is not a classifier",
    """\
A classifier is trained on one number per class, so the last row and every head produce a vector of `classes` numbers.
`flatten` turns an image into a vector, and `fc` reads an image. A network without `training` may end in any shape.
""",
    wrong="""\
network: tiny
input: 3x32x32
classes: 10
layers: |
  name | layer
  conv | conv 3x3 {classes} same
  pool | avgpool global
training: {recipe: modern, source: ours}
""",
    right="""\
network: tiny
input: 3x32x32
classes: 10
layers: |
  name | layer
  conv | conv 3x3 {classes} same
  pool | avgpool global -> flatten
training: {recipe: modern, source: ours}
""",
)

RECIPE_DOES_NOT_FIT = Code(
    "E222",
    "recipe that does not fit the network",
    """\
The settings of `training` must fit the input, the heads and each other, or a run could not start: images are resized to
at least the input (`augment.resize`, for the crop `window` and the evaluation `centre`), they are shifted by less than
the input (`augment.padding`), `data.mean` and `data.std` have one number or one per channel, `loss.heads` has a weight
for every head and for nothing else, and the warm-up is shorter than the schedule.

A recipe by name is for an input of 224 pixels: its `resize` is scaled to the spec's. So is that of a variant that
changes `input` and inherits `training`.
""",
    wrong="""\
network: tiny
input: 3x299x299
classes: 10
layers: |
  name | layer
  conv | conv 3x3 {classes} same
  pool | avgpool global -> flatten
training:
  source: ours
  augment: {crop: window, resize: 256}
""",
    right="""\
network: tiny
input: 3x299x299
classes: 10
layers: |
  name | layer
  conv | conv 3x3 {classes} same
  pool | avgpool global -> flatten
training:
  source: ours
  augment: {crop: window, resize: 341}
""",
)

UNUSED_SETTING = Code(
    "W205",
    "setting of training without effect",
    """\
Some settings belong to one value of another: `augment.padding` to the crop `shift`, `augment.central` to the evaluation
`central`, `schedule.factor` to the schedule `exponential`. Beside another value they change nothing.
""",
    wrong="""\
network: tiny
input: 3x32x32
classes: 10
layers: |
  name | layer
  conv | conv 3x3 {classes} same
  pool | avgpool global -> flatten
training:
  source: ours
  augment: {crop: whole, padding: 4}
""",
    right="""\
network: tiny
input: 3x32x32
classes: 10
layers: |
  name | layer
  conv | conv 3x3 {classes} same
  pool | avgpool global -> flatten
training:
  source: ours
  augment: {crop: shift, padding: 4}
""",
)

CHANNELS_LAST_INPUT = Code(
    "W203",
    "input with channels last",
    """\
`input` is channels x height x width, as in `3x224x224`. This one has many channels and very few columns, so it is
probably height x width x channels, the order of TensorFlow.
""",
    wrong="""\
network: tiny
input: 32x32x3
layers: |
  name | layer
  conv | conv 3x3 8 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  conv | conv 3x3 8 same
""",
)
