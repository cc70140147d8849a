"""The structure of another network, where it differs from the spec's."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.audit_layers import BASE, RIGHT
from inception_dsl.diagnostics.codes.code import Code

MISSING_LAYER = Code(
    "E513",
    "the target lacks a layer of the spec",
    """\
A layer, a branch or a row of the spec has no counterpart in the target.
""",
    wrong="""\
extends: base.yaml
network: spec
insert:
  rows: [{after: conv2, name: conv3, layer: conv 3x3 16 same bias}]
""",
    right=RIGHT,
    base=BASE,
)

EXTRA_LAYER = Code(
    "E514",
    "the target has a layer that the spec lacks",
    """\
A layer or a branch of the target has no counterpart in the spec.
""",
    wrong="""\
extends: base.yaml
network: spec
remove: {rows: [norm1]}
""",
    right=RIGHT,
    base=BASE,
)

REPLACED = Code(
    "E524",
    "layers of the target stand in place of others of the spec",
    """\
Where the spec has a separable convolution, the target has a dense one, or two 3x3 where the spec has a 5x5, or the
reverse. Different kernels and widths inside, and layers that only one side has, belong to this finding.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {conv2: {layer: "conv 3x3 16 depthwise same -> conv 1x1 16 bias"}}
""",
    right=RIGHT,
    base=BASE,
)

ORDER = Code(
    "E515",
    "branches are joined in another order than the spec's",
    """\
A concatenation joins the same branches in another order. Shapes and numbers may be equal; the layers after it have
their weights in another order.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  rows: {mix: {layer: "[ right: conv 3x3 8 same bias | left: conv 1x1 8 same bias ]"}}
""",
    right=RIGHT,
    base=BASE,
)

WIRING = Code(
    "E516",
    "a layer reads another value than in the spec",
    """\
A layer of the target is applied to what another layer gives, and not to what its counterpart in the spec reads.
""",
)

HEAD = Code(
    "E517",
    "head differs from the spec's",
    """\
A classifier beside the trunk is missing, is one more than the spec has, or leaves the trunk at another row. A file with
one output has no heads to be compared, which is a note and no finding.
""",
    wrong="""\
extends: base.yaml
network: spec
override:
  heads: {aux: {from: conv2}}
""",
    right=RIGHT,
    base=BASE,
)

CLASSES = Code(
    "E518",
    "number of classes differs from the spec's",
    """\
The last layer of the network or of a head has another number of outputs than the spec has classes.
""",
    wrong="""\
extends: base.yaml
network: spec
classes: 12
""",
    right=RIGHT,
    base=BASE,
)

IMAGE = Code(
    "E519",
    "input differs from the spec's",
    """\
The target reads images with another number of channels, or of another size.
""",
    wrong="""\
extends: base.yaml
network: spec
input: 1x32x32
""",
    right=RIGHT,
    base=BASE,
)

OPAQUE = Code(
    "E520",
    "the target has an operation that the language cannot express",
    """\
An operation of the target has no counterpart in the language, so that it cannot be compared: its name, its
place and its shape are all that is known.
""",
)

UNLOCATED = Code(
    "E521",
    "networks differ, and no single layer tells why",
    """\
The two networks compute different things, though every layer of one has an equal counterpart in the other.
""",
)

UNLIKE = Code(
    "E523",
    "the target is another network than the spec's",
    """\
Few layers of the two networks have a counterpart of the same shape, so that a list of what differs would say little:
`--format json` has it. `inception-dsl identify` looks for the spec that the target is.
""",
)

VALUES = Code(
    "E522",
    "values differ from the spec's",
    """\
The spec's network and the target were run on the same weights and images, and their values part at this row. A
deviation of the structure in the row is the cause where there is one.
""",
)
