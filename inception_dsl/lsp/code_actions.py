"""Code actions: the fixes of the diagnostics in a range."""

from __future__ import annotations

from lsprotocol import types

from inception_dsl.lsp.diagnostics import converted
from inception_dsl.lsp.edits import workspace_edit
from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.files import OpenFile
from inception_dsl.lsp.fixes import fixes


def actions(file: OpenFile, params: types.CodeActionParams) -> list[types.CodeAction]:
    """The fixes of what is wrong in a range; one that is the only fix is preferred."""
    wanted = params.context.only
    if wanted is not None and not any(types.CodeActionKind.QuickFix.startswith(kind) for kind in wanted):
        return []
    found = []
    for diagnostic in file.analysis.diagnostics:
        shown = converted(diagnostic, file.files)
        if diagnostic.span and _overlap(shown.range, params.range):
            several = [*fixes(file, diagnostic)]
            found += [
                types.CodeAction(
                    fix.title,
                    types.CodeActionKind.QuickFix,
                    diagnostics=[shown],
                    is_preferred=len(several) == 1,
                    edit=workspace_edit(file, fix.edits),
                )
                for fix in several
            ]
    return found


def _overlap(one: types.Range, other: types.Range) -> bool:
    return one.start <= other.end and other.start <= one.end


FEATURE = Feature(types.TEXT_DOCUMENT_CODE_ACTION, actions, types.CodeActionOptions([types.CodeActionKind.QuickFix]))
