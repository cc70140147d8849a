"""What a run of a command came to, in whatever form it is printed: its specs, claims, files, findings, exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from inception_dsl.cli import tables
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.ir.program import Claim
from inception_dsl.paper.verdicts import Verdict

if TYPE_CHECKING:
    from inception_dsl.paper.claims import ClaimVerdict
    from inception_dsl.paper.single_edits import Suggestion


@dataclass
class Held:
    """A spec, held against its paper; `title` is its network's."""

    file: str
    network: str
    title: str
    verdicts: tuple[Verdict, ...]
    dropped: tuple[Claim, ...]
    holds: bool
    explanations: tuple[Suggestion, ...] = ()
    cross_check: tuple[str, ...] = ()


class File(NamedTuple):
    """A file that a command is to write, and what became of it."""

    path: str
    status: Literal["written", "current", "missing", "stale", "orphaned"]


@dataclass(frozen=True)
class Outcome:
    """What a command found.

    `asked` is the number of specs that it was to look at; `specs` are those that could be read and held. `table` is
    what it prints besides, header first; `result` the same for machines.
    """

    command: str
    exit_code: int
    diagnostics: tuple[Diagnostic, ...]
    asked: int = 0
    specs: Sequence[Held] = ()
    claims: Sequence[ClaimVerdict] = ()
    files: Sequence[File] = ()
    result: Any = None
    table: Sequence[Sequence[str]] = ()

    def sentences(self) -> list[str]:
        """The whole in a few sentences: the specs, the claims, the files."""
        said = []
        if self.asked:
            said.append(tables.overall(self.asked, [(each.verdicts, each.holds) for each in self.specs]))
        if self.claims:
            said.append(tables.claims_summary(self.claims))
        if self.files:
            counts = Counter(each.status for each in self.files)
            said.append(f"{_many(len(self.files), 'file')}: {', '.join(f'{n} {word}' for word, n in counts.items())}")
        return said


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + "s" * (count != 1)
