"""The values that a formula multiplies, reads again, or gives to a step that is applied again."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

PRODUCT_SHAPES_DIFFER = Code(
    "E230",
    "factors of a product differ in shape",
    """\
Factors are multiplied elementwise, so they must have the same channels, and images of one size. An image of one pixel,
such as `avgpool global` gives, is repeated to the size of the others, and one channel, such as `channel_mean` gives, to
all of theirs. A vector is not repeated to the size of an image.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  gate | pass * [avgpool global -> conv 1x1 16]
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  gate | pass * [avgpool global -> conv 1x1 3]
""",
)

NOT_GIVEN = Code(
    "E231",
    "reference to a value that is not given",
    """\
`@name` reads the value that an earlier row, or a labelled step to its left in the same formula, has given. `again
label` applies such a step once more. A module reads rows through its columns: `{prev}` in its graph, `@row` in the
cell.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 1x1 8
  join  | [pass + @conv2]
  conv2 | conv 1x1 8
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 1x1 8
  conv2 | conv 1x1 8
  join  | [pass + @conv1]
""",
)

WEIGHTS_DO_NOT_FIT = Code(
    "E232",
    "weights do not fit where a step is applied again",
    """\
`again label` applies a step with the weights that it has, so it must read the same width as at first: its weights have
one shape.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  poly | f: conv 3x3 8 same -> again f
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  stem | conv 3x3 8 same
  poly | f: conv 3x3 8 same -> again f
""",
)

NOT_READ = Code(
    "W206",
    "layer whose output nothing reads",
    """\
A reference stands where the output of this layer would have been read, so the layer changes nothing that the network
computes. Its parameters and operations are counted, and its weights get no gradient.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 1x1 8
  conv2 | conv 1x1 8
  conv3 | [@conv1 -> conv 1x1 8]
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 1x1 8
  conv2 | conv 1x1 8
  conv3 | [pass | @conv1] -> conv 1x1 8
""",
)

GATE_WITHOUT_BRACKETS = Code(
    "W207",
    "gate without brackets",
    """\
A product binds tighter than a chain, so `pass * avgpool global -> conv ...` is a convolution of the product, not a
product with a convolution. A gate, as in squeeze-and-excitation, has brackets around its own chain. If the product is
what you mean, brackets around it make it clear.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  stem | conv 1x1 16
  se   | [pass * avgpool global -> conv 1x1 4 relu -> conv 1x1 16 sigmoid]
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name | layer
  stem | conv 1x1 16
  se   | [pass * [avgpool global -> conv 1x1 4 relu -> conv 1x1 16 sigmoid]]
  mean | [[pass * avgpool global] -> conv 1x1 16]
""",
)

DROPPED_EXAMPLES = Code(
    "W208",
    "`drop_path` that nothing goes past",
    """\
`drop_path` leaves out a branch for some examples: the other terms of a sum, or `pass`, go past it. Here every path of
the network goes through it, so for these examples all that follows is computed from zeros. For stochastic depth, write
it at the end of the branch of a sum; to drop single elements, write `dropout`.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  stem  | conv 1x1 16
  block | [pass + conv 3x3 16 same] -> drop_path 10%
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  stem  | conv 1x1 16
  block | [pass + conv 3x3 16 same -> drop_path 10%]
""",
)

UNPOOLED_SHAPE = Code(
    "E234",
    "unpooled image does not fit the pool",
    """\
`unpool` puts the pixels that arrive where a max pool of `pooled` finds its maxima, so there must be one for every
window of that pool, in every channel. `pooled` is what the pool read; the kernel, stride and padding are the pool's.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name   | layer
  conv   | conv 3x3 8 same
  pool   | maxpool 2x2/2 valid
  unpool | unpool 2x2/2 valid pooled=@pool
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name   | layer
  conv   | conv 3x3 8 same
  pool   | maxpool 2x2/2 valid
  unpool | unpool 2x2/2 valid pooled=@conv
""",
)
