"""Names of rows, which become those of attributes, weights and features."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.lint.rule import Finding, Rule
from inception_dsl.lint.subject import Subject

KNOWN: Final = frozenset(
    """
    activation attention avgpool block bneck bottleneck branch cccp cell classifier conv convolution dense down drop
    dropout embedding entry exit expand features final fire flatten fusion gate global head inception init input
    layer linear logits maxpool middle mixed module naive norm output pool pooling predictions reduction relu
    residual resnet scale softmax squeeze stack stage start stem step transition trunk upsample
    """.split()
)
"""The words in the names of rows: those of the papers in `specs/`, and of the code released with them."""

SHORTEST: Final = 4

UNKNOWN_ROW_NAME: Final = Code(
    "L031",
    "row name that no paper has",
    """\
A row's name becomes an attribute of the PyTorch network and the prefix of its weights' names, so a slip of the pen in
it is hard to change once a checkpoint exists. A new network has names of its own, so a name is only reported if a word
in it is one letter away from a word that papers use (`inception`, `mixed`, `conv`, `stage`, ...), and no module has
it.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |
  name         | layer
  incepton_3a  | [conv 1x1 16 | conv 3x3 16 same]
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name         | layer
  inception_3a | [conv 1x1 16 | conv 3x3 16 same]
""",
)


def _unknown_row_names(subject: Subject) -> Iterator[Finding]:
    own = {word for module in subject.spec.modules for word in _words(module)}
    for row in subject.spec.rows:
        for word in _words(row.name):
            near = sorted(known for known in KNOWN if _one_slip(word, known)) if word not in KNOWN | own else []
            if near:
                message = f"no paper calls a row `{row.name}`"
                hint = f"did you mean `{row.name.lower().replace(word, near[0])}`?"
                yield Finding(Diagnostic(UNKNOWN_ROW_NAME, message, row.span("name"), help=hint))


def _words(name: str) -> list[str]:
    """The words in a name: `inception_3a` has one."""
    return [word for word in re.findall(r"[a-z]+", name.lower()) if len(word) >= SHORTEST]


def _one_slip(word: str, other: str) -> bool:
    """Whether words differ in one letter: left out, put in, replaced, or exchanged with its neighbour."""
    if len(word) > len(other):
        word, other = other, word
    first = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), len(word))
    if len(word) < len(other):
        return word[first:] == other[first + 1 :]
    return word[first + 1 :] == other[first + 1 :] or (
        word[first : first + 2] == other[first : first + 2][::-1] and word[first + 2 :] == other[first + 2 :]
    )


RULES: Final = (Rule(UNKNOWN_ROW_NAME, _unknown_row_names),)
