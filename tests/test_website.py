"""The documentation as a site: what its build (`make docs`, a step of `.ci/run`) does not check by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mkdocs", reason="needs the extra `docs`")

from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def config() -> MkDocsConfig:
    """The site's configuration, as mkdocs reads it."""
    return load_config(str(DOCS / "website" / "mkdocs.yml"))


def listed(nav: Any) -> Iterator[str]:
    """The pages under an entry of the navigation."""
    if isinstance(nav, str):
        yield nav
    for entry in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from listed(entry)


def test_the_navigation_lists_every_page_once(config: MkDocsConfig) -> None:
    pages = [*listed(config.nav)]
    files = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}

    assert len(pages) == len({*pages})
    assert not files - {*pages}
