"""One HTML file that loads nothing: its style and its script are inlined, and it forbids the browser all requests."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from inception_dsl.emit.charts.pen import STYLE as CHARTS
from inception_dsl.emit.figures.svg import STYLE as FIGURES
from inception_dsl.emit.page.colours import variables
from inception_dsl.emit.templates import asset, html, markup


def document(
    template: str, styles: Sequence[str], scripts: Sequence[str], images: str = "data:", **context: Any
) -> str:
    """Render a template that extends `page/base.html.j2`, with files below `emit/` as its script and further styles.

    Figures and charts in it are drawn without their style, which it has. No other script runs: the policy of the page
    names this one by its hash, and `images` where pictures may come from: `data:` is the page itself, `'self'` its
    folder.
    """
    style = "\n".join([variables(), FIGURES, CHARTS, *map(asset, ("page/base.css", *styles))])
    script = "\n".join(map(asset, scripts))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src {images}; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return html(template).render(style=markup(style), script=markup(script), policy=policy, **context)
