"""The built-in specs, compiled: what the weights of a library are compared with."""

from __future__ import annotations

from functools import cache

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.files import builtin
from inception_dsl.ir.typed import Typed


@cache
def compiled(spec: str) -> Typed | None:
    """The network of a built-in spec; None if there is none, or if it is invalid."""
    try:
        return compiler.at_size(compiler.compile_file(f"{builtin.PREFIX}{spec}"))
    except SpecError:
        return None
