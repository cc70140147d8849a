"""The documentation in a browser, at three widths, light and dark: it asks for nothing else, and search finds."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("mkdocs", reason="needs the extra `docs`")

CONFIG = Path(__file__).parents[2] / "docs" / "website" / "mkdocs.yml"
PAGES = (
    "",
    "diagnostics/E204/",
    "lint/L011/",
    "language/layers/",
    "language/spec/",
    "commands/train/",
    "api/networks/",
)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing about it."""

    def log_message(self, *_: Any) -> None:
        """Print no line for a request."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the site is served, which is built strictly."""
    site = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(CONFIG), "--site-dir", str(site)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def page_with(chromium: Browser, faults: list[str], address: str, **context: Any) -> Page:
    """An empty page that records the messages of its console, and requests for what is not on the site."""
    page = chromium.new_context(**context).new_page()
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda sent: faults.extend([sent.url] * (not sent.url.startswith((address, "blob:", "data:")))))
    return page


@pytest.mark.parametrize(("width", "scheme"), [*product((360, 1000, 2000), ("light", "dark"))])
def test_pages_fit_and_ask_for_nothing_else(chromium: Browser, address: str, width: int, scheme: Any) -> None:
    faults: list[str] = []
    page = page_with(chromium, faults, address, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for name in PAGES:
        page.goto(address + name, wait_until="networkidle")
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (beyond, page.locator("body").get_attribute("data-md-color-scheme")) == (
            0,
            {"light": "default", "dark": "slate"}[scheme],
        )

    assert faults == []


@pytest.mark.parametrize(("words", "found"), [("E204", "E204:"), ("L011", "L011:"), ("Sweep", "Sweep")])
def test_search_finds(chromium: Browser, address: str, words: str, found: str) -> None:
    faults: list[str] = []
    page = page_with(chromium, faults, address, viewport={"width": 1400, "height": 900})
    page.goto(address)
    page.locator("input.md-search__input").click()
    page.keyboard.type(words)
    first = page.locator(".md-search-result__item a").first

    assert first.inner_text().strip().startswith(found)
    assert faults == []
