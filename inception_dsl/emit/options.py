"""The options of `compile` that change what is emitted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inception_dsl.ir.shapes import Pair

PAGE: Final = "report.html"
"""The page of a network, which is not committed."""


@dataclass(frozen=True)
class Options:
    """How the files of a network are emitted.

    `size` is an image size, "dynamic" for any, or None for the spec's own. `batch` None is any batch, `opset` None the
    newest. `heads` makes the heads outputs of the ONNX graph, and `taps` the rows (or heads) that it names. `runner`
    false leaves out the files that train the network, and `page` adds its page; neither changes another file.
    `further` are the options of the page, as words.
    `backends` are those of plugins that write files too. `out`, the output folder, and `outside`, whether specs may
    extend files outside their folder, appear in the files only in the command that rebuilds them.
    """

    size: Pair | str | None = None
    batch: int | None = None
    opset: int | None = None
    heads: bool = False
    taps: tuple[str, ...] = ()
    out: Path = Path("generated")
    outside: bool = False
    runner: bool = True
    page: bool = False
    further: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The options that change a file, as they stand on the command line."""
        size = self.size
        if isinstance(size, tuple):
            height, width = size
            size = f"{height}" if height == width else f"{height}x{width}"
        valued = {"--size": size, "--opset": self.opset, "--batch": self.batch, "--taps": ",".join(self.taps)}
        valued |= {"--backend": ",".join(self.backends)}
        given = [word for name, value in valued.items() if value for word in (name, str(value))]
        return [*given, *(["--heads"] if self.heads else [])]

    @property
    def image(self) -> Pair | None:
        """The image size, if it is a single one."""
        return self.size if isinstance(self.size, tuple) else None
