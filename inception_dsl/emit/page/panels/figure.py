"""The figure of the network, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inception_dsl.emit.figures.diagram import network_figure
from inception_dsl.emit.figures.svg import svg
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.templates import markup


def context(subject: Subject) -> Mapping[str, Any]:
    """The figure as SVG."""
    return {"svg": markup(svg(network_figure(subject.typed), styled=False))}
