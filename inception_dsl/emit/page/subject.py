"""What a page is about: a network with its verdicts and costs, which every panel reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from inception_dsl.analysis.cost import Cost, cost
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.claims import ClaimVerdict
from inception_dsl.paper.verdicts import Verdict, compare_cells


@dataclass(frozen=True)
class Subject:
    """A network at its own size, and the claims about it.

    `rebuild` is the command that writes its other files, empty for the plain one; `home` is the index of the site
    that the page is on.
    """

    typed: Typed
    claims: tuple[ClaimVerdict, ...] = ()
    rebuild: str = ""
    home: str = ""

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Every printed number against the computed one, in the order of the table."""
        return compare_cells(self.typed)

    @cached_property
    def cost(self) -> Cost:
        """What the rows and heads cost."""
        return cost(self.typed)
