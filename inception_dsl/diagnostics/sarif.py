"""Diagnostics as a SARIF 2.1.0 log, for code scanning: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.diagnostic import Diagnostic, Span
from inception_dsl.diagnostics.render import paragraph

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
HOME: Final = "https://pypi.org/project/inception-dsl/"
ROOT: Final = "%SRCROOT%"


def sarif(diagnostics: Sequence[Diagnostic], version: str, exit_code: int) -> dict[str, Any]:
    """The log of one run of the tool; its `exit_code` is 2 if it could not run."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {"name": "inception-dsl", "version": version, "informationUri": HOME, "rules": [*map(_rule, codes)]}
    folder = {"text": "The folder that the command ran in."}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [{"executionSuccessful": exit_code < 2, "exitCode": exit_code}],
                "originalUriBaseIds": {ROOT: {"description": folder}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in diagnostics],
            }
        ],
    }


def _rule(code: Code) -> dict[str, Any]:
    """A code's summary, the first paragraph of its explanation, and all that `explain` prints."""
    section = code.markdown()
    return {
        "id": code,
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": " ".join(code.explanation.partition("\n\n")[0].split())},
        "help": {"text": section.partition("\n")[2].strip(), "markdown": section},
        "defaultConfiguration": {"level": code.severity},
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": paragraph(diagnostic)},
    }
    if diagnostic.path:
        result["locations"] = [_location(diagnostic.path, diagnostic.span)]
    if diagnostic.notes:
        result["relatedLocations"] = [
            {"id": number, **_location(note.span.source.file, note.span), "message": {"text": note.message}}
            for number, note in enumerate(diagnostic.notes)
        ]
    return result


def _location(file: str, span: Span | None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(file)}
    if span:
        place["region"] = {"startLine": span.line, "startColumn": span.column, "endColumn": span.end}
    return {"physicalLocation": place}


def _artifact(file: str) -> dict[str, str]:
    """The URI of a file: relative if it lies below the folder that the command ran in, else absolute."""
    path = os.path.normpath(file)
    if not os.path.isabs(path) and path.split(os.sep)[0] != os.pardir:
        return {"uri": _quoted(Path(path).as_posix()), "uriBaseId": ROOT}
    absolute = Path(os.path.abspath(path)).as_posix()
    return {"uri": f"file://{'' if absolute.startswith('/') else '/'}{_quoted(absolute)}"}


def _quoted(path: str) -> str:
    """A path quoted for a URI, as the bytes that name it on disk, UTF-8 or not."""
    try:
        return quote(path.encode(errors="surrogateescape"))
    except UnicodeEncodeError:  # half of a pair, which Windows allows
        return quote(path.encode(errors="surrogatepass"))
