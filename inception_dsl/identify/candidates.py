"""The specs among which a network is looked for: the built-in ones, or those of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.files import builtin
from inception_dsl.ir.program import Program
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.typed import Typed


def programs(folder: Path | None = None) -> Iterator[tuple[str, Program]]:
    """Every spec as `check` would name it, compiled; files that hold no network, or a wrong one, are left out."""
    if folder is None:
        paths = [f"{builtin.PREFIX}{name}" for name in builtin.spec_names()]
    else:
        paths = [str(path) for path in sorted(folder.rglob(f"*{builtin.SUFFIX}"))]
    for path in paths:
        with suppress(SpecError):
            yield path, compiler.compile_file(path)


def at_image(program: Program, channels: int, image: Pair | None) -> Typed | None:
    """A network at the size of some images, or at its own where it cannot take that; None if it is not valid."""
    own = image if channels == program.input.channels else None
    for size in dict.fromkeys((own, None)):
        with suppress(SpecError):
            return compiler.at_size(program, size)
    return None
