"""All features: a module each, with one `Feature`."""

from __future__ import annotations

from typing import Final

from inception_dsl.lsp import (
    code_actions,
    completion,
    definition,
    formatting,
    hover,
    inlay_hints,
    references,
    rename,
    semantic_tokens,
    symbols,
)
from inception_dsl.lsp.feature import Feature

FEATURES: Final[tuple[Feature, ...]] = (
    code_actions.FEATURE,
    completion.FEATURE,
    definition.FEATURE,
    formatting.FEATURE,
    hover.FEATURE,
    inlay_hints.FEATURE,
    references.FEATURE,
    rename.FEATURE,
    rename.PREPARE,
    semantic_tokens.FEATURE,
    symbols.FEATURE,
)
