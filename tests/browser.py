"""A browser for tests of pages: Debian's Chromium, or another, driven by playwright. Without it, they are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
ALONE = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync
""".split()
"""Arguments with which it starts anywhere and asks nobody for anything."""


FITS = "document.documentElement.scrollWidth <= innerWidth"
"""Whether nothing of a page is beyond its right side."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without windows; skips the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(NAMES)} is installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=ALONE)
        yield started
        started.close()


@contextmanager
def opened(browser: Browser, file: Path, address: str = "", more: Path | None = None, **context: Any) -> Iterator[Page]:
    """A file in the browser: its messages fail the test, and so do requests but for what is in `more`."""
    own = tuple(path.as_uri() for path in (file, more) if path)
    faults: list[str] = []
    session = browser.new_context(**{"viewport": {"width": 1000, "height": 900}, **context})
    page = session.new_page()
    page.set_default_timeout(5000)
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.extend([request.url] * (not request.url.startswith(own))))
    page.goto(file.as_uri() + address)
    yield page
    session.close()
    assert faults == []
