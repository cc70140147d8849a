"""SARIF logs: valid by the published schema, with places that lead to the files, and rules that say what is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import published_schemas
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from inception_dsl.cli.main import main
from inception_dsl.diagnostics.codes.layers import REDUNDANT_WORD
from inception_dsl.diagnostics.codes.shapes import BRANCH_SIZES_DIFFER
from inception_dsl.diagnostics.codes.table import CODES
from inception_dsl.diagnostics.codes.yaml import INVALID_YAML
from inception_dsl.diagnostics.diagnostic import Diagnostic, Note, Source, Span
from inception_dsl.diagnostics.sarif import ROOT, sarif

HERE = Path(__file__).parent
SMALL = "network: small\ninput: 3x8x8\nlayers: |\n  name | layer\n  conv | conv 3x3 4 sam\n"


def valid(log: dict[str, Any]) -> dict[str, Any]:
    """The run of a log, valid by the schema."""
    published_schemas.valid(log, "sarif-2.1.0")
    (run,) = log["runs"]
    return dict(run)


def test_a_diagnostic_is_a_result() -> None:
    source = Source("specs/a.yaml", "one\ntwo\n")
    found = Diagnostic(
        BRANCH_SIZES_DIFFER, "m", Span(source, 2, 1, 4), "l", (Note(Span(source, 1, 1, 2), "here"),), "do"
    )
    run = valid(
        sarif([found, Diagnostic(REDUNDANT_WORD, "w"), Diagnostic(BRANCH_SIZES_DIFFER, "n", file="b.yaml")], "1.2.3", 1)
    )

    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("inception-dsl", "1.2.3")
    assert driver["informationUri"].startswith("https://")
    assert [rule["id"] for rule in driver["rules"]] == ["E204", "W201"]
    assert [driver["rules"][each["ruleIndex"]]["id"] for each in run["results"]] == ["E204", "W201", "E204"]
    assert [each["level"] for each in run["results"]] == ["error", "warning", "error"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]
    one, warning, whole = run["results"]
    assert one["message"]["text"] == "m\nl\nhelp: do"
    assert one["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "specs/a.yaml", "uriBaseId": ROOT},
        "region": {"startLine": 2, "startColumn": 1, "endColumn": 4},
    }
    assert one["relatedLocations"][0]["message"]["text"] == "here"
    assert "locations" not in warning
    assert whole["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "b.yaml", "uriBaseId": ROOT}}}]


def test_rules_are_what_explain_prints() -> None:
    run = valid(sarif([Diagnostic(code, "m") for code in CODES], "0", 0))

    for code, rule in zip(CODES, run["tool"]["driver"]["rules"], strict=True):
        assert (rule["id"], rule["shortDescription"]["text"]) == (code, code.summary)
        assert rule["help"]["markdown"] == code.markdown()
        body = MarkdownIt().parse(rule["help"]["markdown"])
        assert " ".join(body[4].content.split()) == rule["fullDescription"]["text"], "the first paragraph"
        assert rule["defaultConfiguration"]["level"] == ("warning" if code.startswith("W") else "error")


def leads_to(location: dict[str, Any], folder: Path) -> bytes:
    """The file that a location means, in a folder that the tool ran in."""
    artifact = location["physicalLocation"]["artifactLocation"]
    base = f"file://{folder}/" if artifact.get("uriBaseId") == ROOT else ""
    parts = urlsplit(urljoin(base, artifact["uri"]))
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("file", "", "", "")
    return unquote_to_bytes(parts.path)


NAME = st.binary(min_size=1, max_size=12).filter(lambda name: not {0, 47} & {*name} and name not in (b".", b".."))


@settings(max_examples=300)
@given(st.lists(NAME, min_size=1, max_size=3), st.sampled_from([b"", b"/", b"../", b"./"]))
def test_a_place_leads_to_its_file(names: list[bytes], start: bytes) -> None:
    """Whatever bytes a name has, UTF-8 or not, its URI is that file's."""
    path = start + b"/".join(names)
    found = Diagnostic(INVALID_YAML, "m", Span(Source(os.fsdecode(path), ""), 1, 1, 1))
    log = sarif([found], "0", 1)

    (location,) = log["runs"][0]["results"][0]["locations"]
    assert leads_to(location, Path.cwd()) == os.path.normpath(os.path.join(os.fsencode(Path.cwd()), path))
    assert location["physicalLocation"]["artifactLocation"]["uri"].isascii()


def test_logs_of_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands print is valid: of specs wrong in all ways, of one that cannot be read, and of nothing wrong."""
    monkeypatch.chdir(tmp_path)
    Path("a b.yaml").write_text(SMALL, encoding="utf-8")
    for words, code in (
        (("check", str(HERE / "cases/bad")), 1),
        (("check", "none.yaml"), 2),
        (("check", "a b.yaml"), 1),
    ):
        result = CliRunner().invoke(main, [*words, "--format", "sarif"])
        run = valid(json.loads(result.stdout))

        assert run["invocations"] == [{"executionSuccessful": code < 2, "exitCode": result.exit_code}]
        assert result.exit_code == code
        assert all(each["locations"] for each in run["results"])
    assert leads_to(run["results"][0]["locations"][0], tmp_path) == os.fsencode(tmp_path / "a b.yaml")
    assert (
        valid(
            json.loads(
                CliRunner().invoke(main, ["check", str(HERE.parent / "specs/alexnet.yaml"), "--format", "sarif"]).stdout
            )
        )["results"]
        == []
    )
