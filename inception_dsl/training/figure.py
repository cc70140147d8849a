"""Figures in one style, written reproducibly to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.build import missing
from inception_dsl.files.output import write
from inception_dsl.runner.base.settings import RunError

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's palette for colour-blind readers: https://jfly.uni-koeln.de/color/"""

STYLE: Final[dict[Any, Any]] = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.major.size": 3.0,
    "ytick.major.size": 0.0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "svg.hashsalt": "inception-dsl",
    "svg.fonttype": "none",
}

UNDATED: Final = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {"Software": None}}
"""The formats of pictures, and what is left out of each so that its bytes are the same every time."""


def check_format(out: Path) -> None:
    """Raise `RunError` for a file name without the ending of a format of pictures."""
    if out.suffix not in UNDATED:
        raise RunError(f"{out}: unsupported image format; use .png, .svg or .pdf")


@contextmanager
def figure(out: Path, width: float, height: float) -> Iterator[Figure]:
    """Yield an empty figure of some inches, and write it to a file when the block ends.

    Raises `RunError` for another format than PNG, SVG or PDF; `SpecError` E005 if matplotlib is not installed, E006 if
    the file cannot be written.
    """
    check_format(out)
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise missing(error.name or "matplotlib", "plot") from None
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE, "backend": "agg"}):
        empty = Figure(figsize=(width, height))
        empty.set_layout_engine("constrained", w_pad=0.12, h_pad=0.1)
        yield empty
        picture = BytesIO()
        empty.savefig(picture, format=out.suffix[1:], dpi=150, facecolor="white", metadata=UNDATED[out.suffix])
    write({out.name: picture.getvalue()}, out.parent)


def percent_ticks(axis: Axis) -> None:
    """Label the ticks of an axis of fractions in percent, with as many digits as distinguish them."""
    axis.set_major_formatter(lambda value, _: f"{100 * value:.6g}%")
