"""Charts as files, in the format of their suffix."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from inception_dsl.build import missing
from inception_dsl.emit.picture.png import png
from inception_dsl.files.output import write
from inception_dsl.runner.base.settings import RunError

FORMATS: Final = (".svg", ".png")


def check_format(out: Path) -> None:
    """Fail before the work for a file that could not be drawn.

    Raises `RunError` for a name without the ending of a format of charts, and `SpecError` E005 for PNG without resvg.
    """
    if out.suffix not in FORMATS:
        raise RunError(f"{out}: unsupported image format; use {' or '.join(FORMATS)}")
    if out.suffix == ".png" and find_spec("resvg_py") is None:
        raise missing("resvg_py", "png")


def write_chart(svg: str, out: Path) -> None:
    """Write a chart as SVG or PNG. Raises as `check_format` does, and `SpecError` E006 if it cannot be written."""
    check_format(out)
    write({out.name: png(svg) if out.suffix == ".png" else svg.encode()}, out.parent)
