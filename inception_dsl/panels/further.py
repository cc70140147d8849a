"""What a page shows beside its network, where it is asked for: a training run, a sweep, a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from inception_dsl.diff.sides import Side
    from inception_dsl.emit.page.panel import Drawn


class Further(NamedTuple):
    """The folder of a run, the JSON of a sweep, and another network; None for what is not asked for."""

    run: Path | None = None
    sweep: Path | None = None
    other: Side | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What is asked for, as a command line has it."""
        values = {"--run": self.run, "--sweep": self.sweep, "--compare": self.other and self.other.label}
        return tuple(word for name, value in values.items() if value is not None for word in (name, str(value)))

    def panels(self, typed: Typed, own: Callable[[], Side]) -> Iterator[Drawn]:
        """The panels; `own` is the network as a side of a comparison.

        Raises `RunError` for a run or sweep that is damaged or of another network.
        """
        if self.run is not None:
            from inception_dsl.panels.run import run_panel

            yield run_panel(typed, self.run)
        if self.sweep is not None:
            from inception_dsl.panels.sweep import sweep_panel

            yield sweep_panel(typed, self.sweep)
        if self.other is not None:
            from inception_dsl.panels.comparison import comparison_panel

            yield comparison_panel(self.other, own())
