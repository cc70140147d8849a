"""What mkdocs calls while it builds: pages of the code and of the rest of the repository, and links to them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import highlighting
import links
import sources
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from prose import without_escapes
from reference import api, codes, commands, home, keys, language


@cache
def generated() -> dict[str, str]:
    """The pages that are made of the code, by their place on the site."""
    return home.pages() | language.pages() | keys.pages() | codes.pages() | commands.pages() | api.pages()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the generated pages of a folder where the navigation names the folder.

    Where the site has an address, what `inception-dsl site` writes is published in its folder `networks/`.
    """
    config.mdx_configs["pymdownx.superfences"] = {"custom_fences": [highlighting.FENCE]}
    config.site_description = home.description()
    networks = [{"Networks": f"{config.site_url}networks/"}] if config.site_url else []
    config.nav = [*_filled(config.nav or []), *networks]
    return config


def _filled(nav: list[Any]) -> Iterator[Any]:
    for entry in nav:
        if isinstance(entry, dict):
            ((title, inner),) = entry.items()
            yield {title: [*_filled(inner)] if isinstance(inner, list) else inner}
        elif entry.endswith("/"):
            yield from (uri for uri in generated() if uri.startswith(entry) and uri != f"{entry}index.md")
        else:
            yield entry


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not files of docs/."""
    texts = {file.src_uri: file.content_string for file in files.documentation_pages()}
    for uri, text in (sources.pages(texts) | generated()).items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to files of the repository to their pages, and named codes to theirs."""
    uri = page.file.src_uri
    if uri.startswith("source/"):
        return markdown
    return codes.linked(uri, sources.linked(uri, without_escapes(markdown)))


def on_post_build(config: MkDocsConfig) -> None:
    """Warn of links that lead nowhere; `--strict` makes that an error."""
    for fault in links.faults(Path(config.site_dir)):
        get_plugin_logger("links").warning(fault)
