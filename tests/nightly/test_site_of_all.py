"""The site of all specs: charts without overlaps, links that lead somewhere, the same bytes in another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from browser import FITS, opened
from chart_geometry import faults
from markup_reader import Reader

from inception_dsl import network
from inception_dsl.emit.charts.svg import svg
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.site.chart import error_charts
from inception_dsl.emit.site.entry import entry
from inception_dsl.spec import discovery

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent.parent
SPECS = discovery.specs_in(ROOT / "specs")


def made(out: Path, seed: str) -> dict[str, bytes]:
    """The files of the site, made by a process with this seed of hashes."""
    command = [sys.executable, "-m", "inception_dsl", "site", "specs/", "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_it_is_whole_and_always_the_same(tmp_path: Path) -> None:
    site = made(tmp_path / "one", "1")

    assert site == made(tmp_path / "two", "2")
    assert len(site) == 1 + 2 * len(SPECS)
    index = Reader(site["index.html"].decode())
    links = {attributes.get("href") or attributes.get("src") or "" for _, attributes in index.found}
    own = {link.partition("#")[0] for link in links if "/" in link and ":" not in link}
    assert own == site.keys() - {"index.html"}


def test_the_charts_cover_nothing() -> None:
    entries = [entry(Subject(network.load(path).typed)) for path in SPECS]

    assert [faults(svg(chart)) for chart in error_charts(entries)] == [[], []]


def test_every_figure_opens_and_nothing_overflows(chromium: Browser, tmp_path: Path) -> None:
    made(tmp_path / "site", "1")
    with opened(chromium, tmp_path / "site/index.html", more=tmp_path / "site") as page:
        for width in (360, 1000, 2000):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(FITS)
        for button in page.locator("td > button").all():
            button.click()
            figure = page.locator(".over:popover-open img")
            assert figure.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
            page.keyboard.press("Escape")
