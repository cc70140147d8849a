"""The further panels of a page in a browser: they follow the chosen row, fit a telephone, and request nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from browser import FITS, opened
from cli_runner import cli
from test_panels import SMALL, run_of

from inception_dsl import network

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_the_panels_follow_the_chosen_row_and_fit_a_telephone(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    swept = cli("sweep", tmp_path / "small.yaml", "--size", "32:64:16", "--format", "json")
    (tmp_path / "sweep.json").write_text(swept.stdout, encoding="utf-8")
    other = network.loads(SMALL.replace("conv 3x3/2", "conv 5x5/2"))
    page = network.loads(SMALL).page(run=run_of(tmp_path / "run"), sweep=tmp_path / "sweep.json", compare=other)
    (tmp_path / "report.html").write_text(page, encoding="utf-8")

    for width in (360, 1000):
        with opened(chromium, tmp_path / "report.html", viewport={"width": width, "height": 800}) as shown:
            assert shown.evaluate(FITS)
            shown.locator(".costs li", has_text="conv").nth(1).locator("a").click()
            shown.locator("#title-chosen >> text=conv").wait_for()
            on = shown.locator(".costs .on, .changes .on").evaluate_all("all => all.map(one => one.dataset.row)")
            assert on == ["conv"] * (4 + 1)
            assert shown.locator(".charts svg:visible").count() == 4 + 1
            summary = shown.locator(".changes summary").first
            summary.focus()
            shown.keyboard.press("Enter")
            assert shown.locator(".changes details[open]").count() == 1
            assert shown.evaluate(FITS)
