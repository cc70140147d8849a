"""A rule of lint about `swish_beta`."""

from __future__ import annotations

from collections.abc import Iterator

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.lint.rule import Finding, Rule
from inception_dsl.lint.subject import Subject
from inception_swish.op import SwishBeta

STRAIGHT = Code(
    "SWISH001",
    "a Swish that begins as a straight line",
    """\
With a slope of 0, `swish_beta` is x / 2: until the slope has moved, the layers around it act as one linear layer.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 16 same swish_beta initial=0
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 16 same swish_beta initial=1
""",
)


def check(subject: Subject) -> Iterator[Finding]:
    """Find layers whose slope begins at 0."""
    for node in subject.typed.nodes:
        if isinstance(node.op, SwishBeta) and node.op.initial == 0:
            message = "`swish_beta` begins as a straight line"
            yield Finding(Diagnostic(STRAIGHT, message, node.origin, help="write `initial=1`"))


RULE = Rule(STRAIGHT, check)
