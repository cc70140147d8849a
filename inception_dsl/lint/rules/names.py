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
    avgpool block bneck bottleneck cccp cell conv convolution dense down drop embedding entry exit fire inception linear
    maxpool middle mixed naive norm pool pooling reduction resnet softmax stack stage stem transition
    """.split()
)
"""The words of at least four letters in the names of rows in `specs/`, from papers and the code released with them."""

SHORTEST: Final = 4
"""The fewest letters of a word that is compared."""

SHORTEST_CHANGED: Final = 6
"""The fewest letters of a word of which one may differ: so `state` and `neck` are not slips of `stage` and `bneck`."""

UNKNOWN_ROW_NAME: Final = Code(
    "L031",
    "row name that no paper has",
    """\
A row's name becomes an attribute of the PyTorch network and the prefix of its weights' names, so a slip in it is hard
to change once a checkpoint exists. A new network has names of its own, so a name is only reported if a word in it
looks like a slip of a word that the papers in `specs/` use (`inception`, `mixed`, `conv`, `stage`, ...): neighbouring
letters are exchanged, or one letter of at least six differs. Words that name a module are not reported.
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
            meant = next((known for known in sorted(KNOWN) if is_slip(word, known)), "")
            if meant and word not in KNOWN | own:
                message = f"no paper calls a row `{row.name}`"
                hint = f"did you mean `{row.name.lower().replace(word, meant)}`?"
                yield Finding(Diagnostic(UNKNOWN_ROW_NAME, message, row.span("name"), help=hint))


def _words(name: str) -> list[str]:
    """The words in a name that are long enough to be compared: `inception_3a` has one."""
    return [word for word in re.findall(r"[a-z]+", name.lower()) if len(word) >= SHORTEST]


def is_slip(word: str, known: str) -> bool:
    """Whether a word is another with neighbouring letters exchanged, or with a letter put in, left out or replaced.

    Plurals are not slips, nor are short words that differ in a letter.
    """
    shorter, longer = sorted((word, known), key=len)
    at = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(word) == len(known) and word[at : at + 2] == known[at : at + 2][::-1] and word[at + 2 :] == known[at + 2 :]:
        return word != known
    if len(shorter) < SHORTEST_CHANGED or longer == f"{shorter}s":
        return False
    return longer[at + 1 :] == (shorter[at + 1 :] if len(word) == len(known) else shorter[at:]) and word != known


RULES: Final = (Rule(UNKNOWN_ROW_NAME, _unknown_row_names),)
