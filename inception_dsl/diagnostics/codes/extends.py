"""What a spec that extends another one may say."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.code import Code

BASE = """\
network: tiny
input: 3x32x32
settings:
  width: {default: 1.0, min: 0.25, max: 4}
layers: |
  name  | layer                     | params
  conv1 | conv 3x3 {8 * width} same | 216
  pool1 | avgpool global            |
"""
"""The spec that the examples extend."""

INVALID_BASE = Code(
    "E120",
    "invalid base",
    """\
`extends:` is the path of another spec, relative to the folder of this file. The base lies in the folder of the spec
that is compiled, or below it; `--extend-outside` lifts this restriction, which a spec from a stranger should not need.
`extends: builtin:googlenet.yaml` extends a spec that comes with the tool.
""",
    wrong="""\
extends: bsae.yaml
network: tiny_variant
""",
    right="""\
extends: base.yaml
network: tiny_variant
""",
    base=BASE,
)

CIRCULAR_EXTENDS = Code(
    "E121",
    "circular or overlong chain of `extends`",
    """\
A chain of `extends` ends in a spec that extends nothing, after at most 20 files; it cannot lead back to a file of the
chain. The bases in a chain have at most 10,000 layers together.
""",
    wrong="""\
extends: example.yaml
network: tiny_variant
""",
    right="""\
extends: base.yaml
network: tiny_variant
""",
    base=BASE,
)

NO_SUCH_PART = Code(
    "E122",
    "edit of a part that does not exist",
    """\
`rename`, `remove` and `override` refer to parts of the base. A variant first renames, then removes, then overrides,
then inserts, and each edit uses the names that are valid at its turn. A row is inserted `after` or `before` an
existing row.
""",
    wrong="""\
extends: base.yaml
network: tiny_variant
override:
  rows: {conv2: {layer: conv 5x5 8 same}}
""",
    right="""\
extends: base.yaml
network: tiny_variant
override:
  rows: {conv1: {layer: conv 5x5 8 same}}
""",
    base=BASE,
)

PART_EXISTS = Code(
    "E123",
    "insertion of a part that exists",
    """\
The base already has a part of this name. Override it, or remove it first: an insertion never replaces anything.
""",
    wrong="""\
extends: base.yaml
network: tiny_variant
insert:
  rows: [{after: conv1, name: pool1, layer: relu}]
""",
    right="""\
extends: base.yaml
network: tiny_variant
insert:
  rows: [{after: conv1, name: relu1, layer: relu}]
""",
    base=BASE,
)

EDITS_CONFLICT = Code(
    "E124",
    "conflicting edits",
    """\
A part cannot be both removed and edited, or both inserted and edited. A row is inserted in one place only. A head
branches off a row that is not removed.
""",
    wrong="""\
extends: base.yaml
network: tiny_variant
remove: {rows: [pool1]}
override:
  rows: {pool1: {layer: maxpool global}}
""",
    right="""\
extends: base.yaml
network: tiny_variant
override:
  rows: {pool1: {layer: maxpool global}}
""",
    base=BASE,
)

INVALID_SETTING = Code(
    "E125",
    "invalid setting",
    """\
A setting has a type, `int`, `float` or `layer`, and may have a `min` and a `max`. Without a `type`, the default
decides: `1.0` is a float, `1` is an int, `maxpool` is a layer. The default, the value that a variant gives and the
value of `--set name=value` must all satisfy these.
""",
    wrong="""\
extends: base.yaml
network: tiny_variant
override:
  settings: {width: 8}
""",
    right="""\
extends: base.yaml
network: tiny_variant
override:
  settings: {width: 2}
""",
    base=BASE,
)
