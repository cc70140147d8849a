"""The page of every spec: small, complete, alone, without a message or an overflow in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import FITS, opened
from markup_reader import Reader
from test_page import MOST, check_alone

from inception_dsl import network
from inception_dsl.spec.discovery import find_specs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SPECS = find_specs([Path(__file__).parents[2] / "specs"])


@pytest.mark.parametrize("path", SPECS, ids=lambda path: Path(path).stem)
def test_the_page_of_a_spec(path: Path, chromium: Browser, tmp_path: Path) -> None:
    net = network.load(path)
    page = net.page()
    read = Reader(page)
    names = [*net.typed.trunk, *net.typed.heads]

    assert len(page.encode()) < MOST
    check_alone(read)
    assert [has["data-row"] for tag, has in read.found if tag == "tr" and "data-row" in has] == names
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    for width, height in ((360, 740), (1000, 900), (2000, 1100)):
        with opened(chromium, file, f"#row={names[-1]}", viewport={"width": width, "height": height}) as shown:
            for tab in shown.locator("[role=tab]").all():
                tab.click()
                assert shown.evaluate(FITS)
            for _ in names:
                shown.keyboard.press("k")
            assert shown.locator("#title-chosen").inner_text() == names[0]
