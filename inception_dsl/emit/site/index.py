"""The index of a site: the lineage of its networks, their error against their cost, and what papers claim of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from inception_dsl.diagnostics.spelling import counted
from inception_dsl.emit.charts.svg import svg
from inception_dsl.emit.page.document import document
from inception_dsl.emit.report.statements import Tally
from inception_dsl.emit.site.chart import error_charts
from inception_dsl.emit.site.entry import Entry
from inception_dsl.emit.site.lineage import Year, ordered, years
from inception_dsl.emit.templates import markup
from inception_dsl.paper.claims import ClaimVerdict
from inception_dsl.paper.verdicts import WORDING


class Claim(NamedTuple):
    """A claim and the networks that it measures."""

    verdict: ClaimVerdict
    networks: Sequence[Entry]


def index(entries: Iterable[Entry], printed: Sequence[Tally], claims: Sequence[Claim], source: str) -> str:
    """The index as one HTML file: no clock, no version, no request; complete without its script.

    `printed` are the verdicts on the printed numbers of all networks, and `source` says where these come from.
    """
    listed = ordered(entries)
    by_year = years(listed)
    return document(
        "site/index",
        ("site/index.css",),
        ("site/index.js",),
        images="data: 'self'",
        source=source,
        title=_title(by_year),
        description=f"{counted(len(listed), 'network')}, and what their papers print about them",
        networks=listed,
        years=by_year,
        printed=printed,
        charts=[{"title": chart.title, "svg": markup(svg(chart, styled=False))} for chart in error_charts(listed)],
        claims=claims,
        marks=", ".join(f"{wording.mark} {wording.one}" for wording in WORDING.values()),
        verdicts=Counter(claim.verdict.word for claim in claims),
    )


def _title(by_year: Sequence[Year]) -> str:
    known = [one.year for one in by_year if one.year]
    return f"Networks, {known[0]} to {known[-1]}" if len(known) > 1 else "Networks"
