"""The index of a site in a browser: it asks for nothing, its tables sort and filter, and it needs no script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import FITS, opened
from cli_runner import cli
from test_site import CLAIMS, spec

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROWS = "#table-networks tbody tr:visible"
SHOWN = "rows => rows.map(row => row.id.split('=')[1])"
BY_PARAMS = ["googlenet_separable", "googlenet", "inception_v3", "alexnet", "vgg16"]  # 7.0M to 138M


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of five networks, of which one has no error."""
    base = tmp_path_factory.mktemp("site")
    (base / "specs").mkdir()
    for name in BY_PARAMS:
        (base / f"specs/{name}.yaml").write_text(spec(name), encoding="utf-8")
    (base / "specs/claims.yaml").write_text(CLAIMS, encoding="utf-8")
    assert cli("site", base / "specs", "--out", base / "site").exit_code == 0
    return base / "site/index.html"


def shown(page: Page) -> list[str]:
    """The networks that the table shows, in order."""
    names: list[str] = page.locator(ROWS).evaluate_all(SHOWN)
    return names


def test_a_heading_sorts_up_and_down_by_mouse_and_keyboard(chromium: Browser, file: Path) -> None:
    with opened(chromium, file) as page:
        first = shown(page)
        heading = page.locator("#table-networks th", has_text="parameters")
        heading.locator("button").click()
        assert shown(page) == BY_PARAMS
        assert heading.get_attribute("aria-sort") == "ascending"
        page.keyboard.press("Enter")
        assert shown(page) == BY_PARAMS[::-1]
        assert heading.get_attribute("aria-sort") == "descending"
        page.get_by_role("button", name="top-1 error").click()
        assert shown(page)[:3] == ["inception_v3", "vgg16", "alexnet"]
        page.keyboard.press("Enter")
        assert shown(page)[:3] == ["alexnet", "vgg16", "inception_v3"]  # those without an error stay at the end
        assert heading.get_attribute("aria-sort") is None
        page.get_by_role("button", name="rows").click()
        assert shown(page) == first == ["alexnet", "vgg16", "googlenet", "googlenet_separable", "inception_v3"]


def test_forms_filter(chromium: Browser, file: Path) -> None:
    with opened(chromium, file) as page:
        networks, claims = page.locator("form").all()
        networks.get_by_role("searchbox").fill("GOING deeper")  # a paper, which is not to be seen
        assert shown(page) == ["googlenet", "googlenet_separable"]
        assert networks.locator("output").inner_text() == "2 of 5"
        networks.get_by_role("combobox").select_option("own")
        assert shown(page) == ["googlenet"]
        networks.get_by_role("searchbox").fill("")
        networks.get_by_role("combobox").select_option("error")
        assert {*shown(page)} == {*BY_PARAMS} - {"googlenet_separable"}
        page.keyboard.press("Enter")
        assert page.url == file.as_uri()
        claims.get_by_role("combobox").select_option("false")
        assert page.locator("#table-claims tbody tr:visible").evaluate_all(SHOWN) == ["googlenet_fewer_than_alexnet"]


def test_a_silhouette_opens_the_figure(chromium: Browser, file: Path) -> None:
    with opened(chromium, file, more=file.parent / "vgg16") as page:
        page.get_by_role("button", name="Figure of VGG-16").press("Enter")
        figure = page.locator("img[alt='Figure of VGG-16']")
        figure.wait_for()
        assert figure.evaluate("image => image.decode().then(() => image.naturalHeight)") > 1000
        page.keyboard.press("Escape")
        assert figure.is_hidden()


def test_points_of_a_chart_lead_to_pages(chromium: Browser, file: Path) -> None:
    with opened(chromium, file) as page:
        links = page.locator(".chart .dot a")
        assert links.count() == 4 + 3
        assert "error 10.07%" in links.nth(0).inner_html()
        assert all(
            (file.parent / link).is_file() for link in links.evaluate_all("all => all.map(a => a.getAttribute('href'))")
        )
        colours = "all => new Set(all.map(a => getComputedStyle(a).color)).size"
        assert links.evaluate_all(colours) == 2  # one for each kind of point, not that of links


def test_nothing_overflows(chromium: Browser, file: Path) -> None:
    with opened(chromium, file) as page:
        for width in (360, 1000, 2000):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(FITS)


def test_all_is_there_without_a_script_and_on_paper(chromium: Browser, file: Path) -> None:
    with opened(chromium, file, more=file.parent, java_script_enabled=False) as page:
        assert page.locator("form:visible").count() == page.locator("th button").count() == 0
        assert page.locator(ROWS).count() == len(BY_PARAMS)
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator("nav:visible").count() == 0
