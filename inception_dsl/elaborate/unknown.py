"""The error for a word that stands where a layer should be, and its hint."""

from __future__ import annotations

import re
from typing import Final

from inception_dsl.diagnostics.codes.layers import UNKNOWN_LAYER
from inception_dsl.diagnostics.codes.plugins import REMEDY, UNUSABLE_PLUGIN
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.elaborate.scope import Fault, Scope, describe_value
from inception_dsl.ir.values import Scalar
from inception_dsl.spec import elsewhere
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.plugins import failure, layer_names
from inception_dsl.syntax.terms import Use

JOINED_KERNEL: Final = re.compile(r"([a-z]+)_?([0-9]+x[0-9]+)")
"""A layer and its kernel in one word, as `conv3x3`."""


def unknown(use: Use, name: Scalar | None, scope: Scope, spec: NetworkSpec) -> Fault:
    """The error (E201) for a name that is neither a layer nor a module; `name` is its value."""
    known = "`inception-dsl ops` lists the layers"
    known += f"; the modules are {listing(spec.modules)}" if spec.modules else ""
    if not isinstance(use.name, str):
        if why := failure("layers", str(name)):
            return scope.bad(UNUSABLE_PLUGIN, use.name, why, REMEDY)
        hint = elsewhere.suggest(str(name), layer_names()) or known
        if isinstance(name, int | float) and Use(use.name) == use:
            hint = "write a factor first: `{...} * ...`; a layer begins with its name"
        return scope.bad(
            UNKNOWN_LAYER, use.name, f"expected the name of a layer, but this is {describe_value(name)}", hint
        )
    at = (use.at[0], use.at[0] + len(use.name))
    if why := failure("layers", use.name):
        return scope.fault(UNUSABLE_PLUGIN, why, at, help=REMEDY)
    if use.name in spec.row_names:
        hint = f"write `@{use.name}` for its value"
        label = "a row is not a layer"
        return scope.fault(UNKNOWN_LAYER, f"`{use.name}` is a row, not a layer", at, label=label, help=hint)
    if use.name in scope.formula.labels:
        hint = f"it is a label: write `@{use.name}` for its value, or `again {use.name}` to apply the step once more"
    elif spec.base and use.name in spec.base.spec.modules:
        hint = f"the base has the module `{use.name}`, but this variant removes it"
    elif (joined := JOINED_KERNEL.fullmatch(use.name)) and joined[1] in LAYERS and LAYERS[joined[1]].kernel:
        hint = f"write `{joined[1]} {joined[2]}`"
    elif isinstance(scope.values.get(use.name), str):
        hint = f"put a value in braces: `{{{use.name}}}`"
    else:
        hint = elsewhere.suggest(use.name, layer_names()) or did_you_mean(use.name, spec.modules) or known
    return scope.fault(UNKNOWN_LAYER, f"unknown layer or module `{use.name}`", at, help=hint)
