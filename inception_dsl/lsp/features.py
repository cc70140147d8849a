"""All features: a module each, with one `Feature`."""

from __future__ import annotations

from typing import Final

from inception_dsl.lsp import semantic_tokens
from inception_dsl.lsp.feature import Feature

FEATURES: Final[tuple[Feature, ...]] = (semantic_tokens.FEATURE,)
