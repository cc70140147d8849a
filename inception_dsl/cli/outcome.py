"""What a run of a command found, whatever the format it is printed in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.diagnostics.spelling import counted

if TYPE_CHECKING:
    from inception_dsl.ir.program import Claim
    from inception_dsl.ir.results import Result
    from inception_dsl.paper.claims import ClaimVerdict
    from inception_dsl.paper.single_edits import Suggestion
    from inception_dsl.paper.verdicts import Verdict


@dataclass
class SpecResult:
    """A spec compared with its paper; `title` is its network's, `cross_checks` what `--against` found, in sentences."""

    file: str
    network: str
    title: str
    verdicts: tuple[Verdict, ...]
    dropped: tuple[Claim, ...]
    holds: bool
    explanations: tuple[Suggestion, ...] = ()
    cross_checks: tuple[str, ...] = ()


class File(NamedTuple):
    """A file that a command writes or checks, and its status."""

    path: str
    status: Literal["written", "current", "missing", "stale", "orphaned", "unformatted"]


@dataclass(frozen=True)
class Outcome:
    """What a command found.

    `asked` counts the specs that it was given; `specs` are those that compile. `table` is a table that it prints,
    header first; `result` is the same for machines. `reported` are results that others measured. `body` is the whole as
    Markdown, where the command has a form of its own.
    """

    command: str
    exit_code: int
    diagnostics: tuple[Diagnostic, ...]
    asked: int = 0
    specs: Sequence[SpecResult] = ()
    claims: Sequence[ClaimVerdict] = ()
    files: Sequence[File] = ()
    result: Any = None
    table: Sequence[Sequence[str]] = ()
    reported: Sequence[Result] = ()
    body: str = ""

    def sentences(self) -> list[str]:
        """Summarise the specs, the claims and the files, a sentence for each."""
        from inception_dsl.cli import tables

        sentences = []
        if self.asked:
            sentences.append(tables.overall(self.asked, [(result.verdicts, result.holds) for result in self.specs]))
        if self.claims:
            sentences.append(tables.claims_summary(self.claims))
        if self.files:
            counts = Counter(file.status for file in self.files)
            statuses = ", ".join(f"{count} {status}" for status, count in counts.items())
            sentences.append(f"{counted(len(self.files), 'file')}: {statuses}")
        return sentences
