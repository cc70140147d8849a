"""A site of networks: an index, and a page for every network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from inception_dsl.emit.figures.architecture import architecture
from inception_dsl.emit.page.page import page
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.report.statements import occurring
from inception_dsl.emit.site.entry import entry
from inception_dsl.emit.site.index import Claim, index
from inception_dsl.files.site_folder import INDEX
from inception_dsl.paper.claims import ClaimVerdict
from inception_dsl.spec.claims import networks_in


def files(subjects: Sequence[Subject], claims: Sequence[ClaimVerdict], source: str) -> dict[str, bytes]:
    """The files of the site by their paths in it; a page has the claims about its network, and leads to the index.

    `source` is where the networks come from, in words.
    """
    entries = [entry(about) for about in subjects]
    stems = [PurePath(about.typed.program.file).stem for about in subjects]  # by which claims name networks
    measured = []
    for claim in claims:
        named = networks_in(claim.sentence)
        measured.append(Claim(claim, [own for stem, own in zip(stems, entries, strict=True) if stem in named]))
    printed = occurring([verdict for about in subjects for verdict in about.verdicts])
    made = {INDEX: index(entries, printed, measured, source)}
    for about, own in zip(subjects, entries, strict=True):
        said = tuple(claim.verdict for claim in measured if own in claim.networks)
        made[own.page] = page(replace(about, claims=said, home=f"../{INDEX}"))
        made[own.figure] = architecture(about.typed, about.rebuild)
    return {name: text.encode() for name, text in made.items()}
