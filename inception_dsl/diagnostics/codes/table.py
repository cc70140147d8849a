"""All codes, collected from the modules beside this one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from inception_dsl.diagnostics.codes import (
    audit_layers,
    audit_structure,
    extends,
    generated,
    interchange,
    layers,
    modules,
    paper,
    plugins,
    shapes,
    syntax,
    tool,
    values,
    weights,
    yaml,
)
from inception_dsl.diagnostics.codes.code import Code

MODULES: Final = (
    tool,
    plugins,
    yaml,
    syntax,
    extends,
    weights,
    interchange,
    layers,
    modules,
    shapes,
    values,
    paper,
    generated,
    audit_layers,
    audit_structure,
)

CODES: Final = tuple(sorted(value for module in MODULES for value in vars(module).values() if isinstance(value, Code)))


def find_code(code: str, codes: Iterable[Code] = CODES) -> Code | None:
    """One of some codes by its letter and digits, such as `e204`; None where there is none."""
    return next((known for known in codes if known == code.upper()), None)
