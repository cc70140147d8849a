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


def programs(folder: Path | None, left_out: list[str]) -> Iterator[tuple[str, Program]]:
    """Every spec as `check` would name it, compiled; `left_out` gets the files of a folder that compile to none."""
    if folder is None:
        paths = [f"{builtin.PREFIX}{name}" for name in builtin.spec_names()]
    else:
        paths = [str(path) for path in sorted(folder.rglob(f"*{builtin.SUFFIX}"))]
    for path in paths:
        try:
            program = compiler.compile_file(path)
        except SpecError:
            if folder is not None:
                left_out.append(path)
            continue
        yield path, program


def at_image(program: Program, channels: int, image: Pair | None) -> Typed | None:
    """A network at the size of some images, or at its own where it cannot take that; None if it is not valid."""
    own = image if channels == program.input.channels else None
    for size in dict.fromkeys((own, None)):
        with suppress(SpecError):
            return compiler.at_size(program, size)
    return None
