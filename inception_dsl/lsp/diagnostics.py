"""Our diagnostics as those of the protocol."""

from __future__ import annotations

from lsprotocol import types

from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.lsp.files import OpenFiles

SOURCE = "inception-dsl"


def published(files: OpenFiles) -> list[types.PublishDiagnosticsParams]:
    """The diagnostics of all open files, file by file."""
    versions = {file.uri: file.version for file in files}
    return [
        types.PublishDiagnosticsParams(uri, [converted(diagnostic, files) for diagnostic in found], versions.get(uri))
        for uri, found in files.diagnostics().items()
    ]


def converted(diagnostic: Diagnostic, files: OpenFiles) -> types.Diagnostic:
    """One diagnostic; those of a whole file stand at its first character."""
    start = types.Position(0, 0)
    severity = types.DiagnosticSeverity.Error if diagnostic.severity == "error" else types.DiagnosticSeverity.Warning
    return types.Diagnostic(
        files.units.range(diagnostic.span) if diagnostic.span else types.Range(start, start),
        message(diagnostic),
        severity,
        str(diagnostic.code),
        source=SOURCE,
        related_information=[
            types.DiagnosticRelatedInformation(
                types.Location(files.uri(note.span.source.file), files.units.range(note.span)), note.message
            )
            for note in diagnostic.notes
        ],
    )


def message(diagnostic: Diagnostic) -> str:
    """What is wrong, what is at the place, and what to do."""
    label = f": {diagnostic.label}" if diagnostic.label else ""
    advice = f"\nhelp: {diagnostic.help}" if diagnostic.help else ""
    return f"{diagnostic.message}{label}{advice}"
