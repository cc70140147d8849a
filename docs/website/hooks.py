"""What mkdocs calls while it builds the site: pages of the rest of the repository, and links into it."""

from __future__ import annotations

import sources
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are no file of docs/."""
    texts = {file.src_uri: file.content_string for file in files.documentation_pages()}
    for uri, text in sources.pages(texts).items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to files of the repository to their pages."""
    return sources.linked(page.file.src_uri, markdown)
