"""The page of a network in a browser: nothing is requested, clicks and keys do what they should, at all sizes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import FITS, opened

from inception_dsl import network

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a network with errata, heads and modules of which one calls another."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(network.load(ROOT / "specs/googlenet.yaml").page(), encoding="utf-8")
    return path


def assert_chosen(page: Page, name: str) -> None:
    """Every pane shows the row of a name; "" is none. What an address does happens soon, not at once."""
    page.locator(f"#title-chosen >> text={name or 'All rows'}").wait_for()
    current = page.locator("tr[aria-current]").evaluate_all("all => all.map(line => line.dataset.row)")
    marked = page.locator("#figure .row.on").evaluate_all("all => all.map(group => group.dataset.row)")
    assert current == marked == ([name] if name else [])
    assert not name or page.url.endswith(f"#row={name}")


def shown_lines(page: Page, view: str) -> list[int]:
    """The numbers of the lines that a listing shows or marks."""
    marked = page.locator(f"#{view} span[data-n].on:visible")
    return [int(number) for number in marked.evaluate_all("all => all.map(line => line.dataset.n)")]


def test_a_row_is_chosen_by_a_click_in_the_table_or_in_the_figure(chromium: Browser, file: Path) -> None:
    with opened(chromium, file) as page:
        assert_chosen(page, "")
        page.click("text=inception_4c")
        assert_chosen(page, "inception_4c")
        page.locator("#figure .row[data-row=pool1] text").first.click()
        assert_chosen(page, "pool1")
        page.click("tr[data-row=inception_3b] td.number >> nth=0")
        assert_chosen(page, "inception_3b")
        page.click("text=Close")
        assert_chosen(page, "")
        assert page.evaluate("location.hash") == ""


def test_keys_go_through_the_rows(chromium: Browser, file: Path) -> None:
    with opened(chromium, file) as page:
        page.keyboard.press("ArrowDown")  # scrolls
        assert_chosen(page, "")
        page.keyboard.press("j")
        assert_chosen(page, "conv1")
        for key, name in (("j", "pool1"), ("ArrowDown", "norm1"), ("k", "pool1"), ("ArrowUp", "conv1"), ("k", "conv1")):
            page.keyboard.press(key)
            assert_chosen(page, name)
            assert page.evaluate("document.activeElement.textContent") == name
        page.keyboard.press("Escape")
        assert_chosen(page, "")
        assert page.evaluate("document.activeElement.textContent") == "conv1"
        page.keyboard.press("Enter")
        assert_chosen(page, "conv1")


def test_an_address_leads_to_a_row(chromium: Browser, file: Path) -> None:
    with opened(chromium, file, "#row=aux2") as page:
        assert_chosen(page, "aux2")
        assert page.locator("tr[data-row=aux2]").evaluate("e => e.getBoundingClientRect().bottom <= innerHeight")
        page.click(".errata a >> text=inception_5a >> nth=0")
        assert_chosen(page, "inception_5a")
        page.go_back()
        assert_chosen(page, "aux2")
    with opened(chromium, file, "#row=%") as page:
        assert_chosen(page, "")


def test_the_tabs_show_what_belongs_to_the_row(chromium: Browser, file: Path) -> None:
    source = network.load(ROOT / "specs/googlenet.yaml").pytorch_source().splitlines()
    spec = (ROOT / "specs/googlenet.yaml").read_text("utf-8").splitlines()
    with opened(chromium, file, "#row=inception_3a") as page:
        assert page.locator("#numbers tr:visible >> text=163,696").count() == 1
        page.click("#tab-code")
        lines = [source[number - 1] for number in shown_lines(page, "code")]
        assert [line.strip() for line in lines if line.startswith("class ")] == [
            "class ConvReLU(nn.Module):",
            "class Inception(nn.Module):",
        ]
        assert [line.split("=")[0].strip() for line in lines[-2:]] == ["self.inception_3a", "x"]
        page.click("text=Whole file")
        assert page.locator("#code span[data-n]:visible").count() == len(source)
        page.keyboard.press("Tab")  # past the button that closes, to the tabs
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        assert page.locator("[role=tab][aria-selected=true]").inner_text() == "Spec"
        marked = [spec[number - 1].split("|")[0].strip() for number in shown_lines(page, "spec")]
        assert "inception:" in marked and marked[-1] == "inception_3a"
        page.click("#tab-nodes")
        assert page.locator("#nodes tbody:visible").evaluate_all("a => a.map(e => e.dataset.row)") == ["inception_3a"]
        page.click("#tab-boxes")
        assert page.locator("#boxes figure:visible figcaption code").all_inner_texts() == ["inception"]
        page.keyboard.press("j")
        page.keyboard.press("j")
        assert_chosen(page, "pool3")
        assert page.locator("#boxes .none:visible").count() == 1


def test_a_figure_zooms(chromium: Browser, file: Path) -> None:
    with opened(chromium, file) as page:
        width = "document.querySelector('#figure svg').getBoundingClientRect().width"
        before = page.evaluate(width)
        page.click("#figure [aria-label='Zoom in']")
        assert page.evaluate(width) == pytest.approx(before * 1.25, abs=1)
        page.focus("#figure .canvas")
        page.keyboard.press("0")
        assert page.evaluate(width) == pytest.approx(before, abs=1)


@pytest.mark.parametrize("width", [360, 1000, 2000])
def test_nothing_overflows(chromium: Browser, file: Path, width: int) -> None:
    with opened(chromium, file, viewport={"width": width, "height": 800}) as page:
        assert page.evaluate(FITS)
        page.click("text=inception_4c")
        for tab in ("numbers", "code", "spec", "nodes", "boxes"):
            page.click(f"#tab-{tab}")
            assert page.evaluate(FITS)
        assert page.locator("#chosen").evaluate("e => e.getBoundingClientRect().bottom <= innerHeight + 1")


def test_all_is_there_without_a_script_and_on_paper(chromium: Browser, file: Path) -> None:
    with opened(chromium, file, "#row=inception_4c", java_script_enabled=False) as page:
        lines = page.locator("#code span[data-n]")
        assert lines.count() == page.locator("#code span[data-n]:visible").count() > 100
        assert page.locator("#nodes tbody:visible").count() == page.locator("tr[data-row]").count()
        assert page.locator("h3:visible").all_inner_texts() == ["Numbers", "PyTorch", "Spec", "ONNX", "Modules"]
        colour = "getComputedStyle(e).backgroundColor"
        cell = page.locator("tr[data-row=inception_4c] th")
        assert cell.evaluate(f"e => {colour}") != page.locator("tr[data-row=conv1] th").evaluate(f"e => {colour}")
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator("nav:visible").count() == 0 and page.locator("#table tr:visible").count() > 20
