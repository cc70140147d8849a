"""What a spec defines and does not use, or uses once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.syntax import UNUSED_COLUMN
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.ir.values import Value, names
from inception_dsl.lint.rule import Finding, Rule
from inception_dsl.lint.subject import Subject
from inception_dsl.syntax.terms import Repeated, Use, value_names, walk

UNUSED_MODULE: Final = Code(
    "L021",
    "unused module",
    """\
No row, head or other module calls this module. Delete it, or call it. A module that a variant inherits and no longer
calls is not reported.
""",
    wrong="""\
network: tiny
input: 3x32x32
modules:
  block: {graph: conv 3x3 16 same}
layers: |
  name  | layer
  conv1 | conv 3x3 16 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 16 same
""",
)

UNUSED_SETTING: Final = Code(
    "L022",
    "unused setting",
    """\
No formula, cell, default or initial value uses this setting, so that `--set` changes nothing.
""",
    wrong="""\
network: tiny
input: 3x32x32
settings: {width: 1.0}
layers: |
  name  | layer
  conv1 | conv 3x3 16 same
""",
    right="""\
network: tiny
input: 3x32x32
settings: {width: 1.0}
layers: |
  name  | layer
  conv1 | conv 3x3 {round(16 * width, 8)} same
""",
)

UNUSED_DEFAULT: Final = Code(
    "L023",
    "default for a layer that the network does not have",
    """\
The words under `defaults` are added to every use of a layer, and no formula uses this layer.
""",
    wrong="""\
network: tiny
input: 3x32x32
defaults:
  conv: same bn relu
  maxpool: same
layers: |
  name  | layer
  conv1 | conv 3x3 16
""",
    right="""\
network: tiny
input: 3x32x32
defaults:
  conv: same bn relu
layers: |
  name  | layer
  conv1 | conv 3x3 16
""",
)

EMPTY_COLUMN: Final = Code(
    "L024",
    "column without a value in any row",
    f"""\
Every cell of this column is empty, so what it sets is nowhere in the network: a branch of no width is left out. A
column that no formula uses is an error ({UNUSED_COLUMN}).
""",
    wrong="""\
network: tiny
input: 3x32x32
modules:
  block:
    doc: "Figure 1."
    graph: |
      | conv 1x1 {#1x1}
      | conv 3x3 {#3x3} same
layers: |
  name  | layer | #1x1 | #3x3
  mixed | block | 16   |
""",
    right="""\
network: tiny
input: 3x32x32
modules:
  block:
    doc: "Figure 1."
    graph: |
      | conv 1x1 {#1x1}
      | conv 3x3 {#3x3} same
layers: |
  name  | layer | #1x1 | #3x3
  mixed | block | 16   | 16
""",
)

MODULE_USED_ONCE: Final = Code(
    "L025",
    "module used once",
    """\
A module saves its reader from reading a structure twice. This one is called in one place, once, and its `doc` does not
state which figure of the paper it is: the formula would be easier to read in the row itself.
""",
    wrong="""\
network: tiny
input: 3x32x32
modules:
  stem: {graph: conv 3x3/2 16 same -> conv 3x3 32 same}
layers: |
  name  | layer
  conv1 | stem
""",
    right="""\
network: tiny
input: 3x32x32
modules:
  stem:
    doc: "Figure 3: the stem."
    graph: conv 3x3/2 16 same -> conv 3x3 32 same
layers: |
  name  | layer
  conv1 | stem
""",
)


def _unused_modules(subject: Subject) -> Iterator[Finding]:
    for name, module in subject.spec.modules.items():
        if not subject.times_used[name] and module.origin.source is subject.source:
            message = f"nothing calls the module `{name}`"
            yield Finding(Diagnostic(UNUSED_MODULE, message, module.origin, help=f"delete it, or call it: `{name}`"))


def _unused_settings(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    used = {name.name for formula in subject.formulas for name in value_names(formula.term)}
    cells = (value for row in spec.rows for value in row.args.values() if isinstance(value, Value))
    used |= {name.name for value in cells for name in names(value)}
    words = [*spec.defaults.values(), *(spec.init.words.values() if spec.init else ())]
    used |= {name.name for each in words for name in value_names(Use("", words=each))}
    for setting in spec.settings:
        place = spec.document.key_span(("settings", setting))
        if setting not in used and place.source is subject.source:
            hint = f"delete it, or write `{{{setting}}}` where it belongs"
            yield Finding(Diagnostic(UNUSED_SETTING, f"nothing uses the setting `{setting}`", place, help=hint))


def _unused_defaults(subject: Subject) -> Iterator[Finding]:
    for layer in subject.spec.defaults:
        place = subject.spec.document.key_span(("defaults", layer))
        if not subject.times_used[layer] and place.source is subject.source:
            message = f"the network has no `{layer}` for this default"
            yield Finding(Diagnostic(UNUSED_DEFAULT, message, place, help="delete it"))


def _empty_columns(subject: Subject) -> Iterator[Finding]:
    rows = subject.spec.rows
    for cell in subject.spec.table.header:
        values = [row.args[cell.text] for row in rows if cell.text in row.args]
        if values and cell.within.source is subject.source and all(value in (None, 0) for value in values):
            message = f"no row has a value for the column `{cell.text}`"
            hint = "fill it, or delete it here and what it sets in its module"
            yield Finding(Diagnostic(EMPTY_COLUMN, message, cell.span, help=hint))


def _modules_used_once(subject: Subject) -> Iterator[Finding]:
    repeated = {
        use.name
        for formula in subject.formulas
        for term in walk(formula.term)
        if isinstance(term, Repeated)
        for use in walk(term)
        if isinstance(use, Use)
    }
    for name, module in subject.spec.modules.items():
        own = module.origin.source is subject.source
        if own and subject.times_used[name] == 1 and not module.doc and name not in repeated:
            message = f"the module `{name}` is called once"
            hint = "write its formula there, or state in its `doc:` which figure of the paper it is"
            yield Finding(Diagnostic(MODULE_USED_ONCE, message, module.origin, help=hint))


RULES: Final = (
    Rule(UNUSED_MODULE, _unused_modules),
    Rule(UNUSED_SETTING, _unused_settings),
    Rule(UNUSED_DEFAULT, _unused_defaults),
    Rule(EMPTY_COLUMN, _empty_columns),
    Rule(MODULE_USED_ONCE, _modules_used_once),
)
