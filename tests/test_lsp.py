"""The language server: unsaved texts and their diagnostics, and places as the protocol counts them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli_runner import cli
from lsp_editor import SMALL

from inception_dsl.lsp import diagnostics
from inception_dsl.lsp.files import OpenFiles
from inception_dsl.lsp.positions import Units, path_of, uri_of

VARIANT = "extends: small.yaml\nnetwork: variant\n"
BROKEN = SMALL.replace("conv 3x3 8", "convv 3x3 8")


def shown(files: OpenFiles) -> dict[str, list[str]]:
    """The diagnostics that the client gets: `line:character code`, by URI."""
    return {
        params.uri: [f"{each.range.start.line}:{each.range.start.character} {each.code}" for each in params.diagnostics]
        for params in diagnostics.published(files)
    }


@pytest.fixture
def small(tmp_path: Path) -> str:
    """The URI of a small spec on the disk, in a folder whose name has a space."""
    file = tmp_path / "my specs" / "small.yaml"
    file.parent.mkdir()
    file.write_text(SMALL, encoding="utf-8")
    return file.as_uri()


def test_a_text_is_analysed_before_it_is_saved(small: str) -> None:
    files = OpenFiles()
    files.open(small, SMALL)

    assert shown(files) == {small: []}

    files.open(small, BROKEN)

    assert shown(files) == {small: ["6:9 E201"]}


def test_a_variant_follows_the_unsaved_text_of_its_base(small: str) -> None:
    files = OpenFiles()
    variant = small.replace("small.yaml", "variant.yaml")
    files.open(variant, VARIANT)
    assert shown(files) == {variant: []}

    files.open(small, BROKEN)
    assert shown(files) == {variant: [], small: ["6:9 E201"]}

    files.close(small)
    assert shown(files) == {variant: [], small: []}


def test_an_edit_of_a_base_shows_what_it_breaks_in_variants_that_are_not_open(small: str) -> None:
    folder = Path(path_of(small)).parent
    (folder / "variant.yaml").write_text(f"{VARIANT}remove: {{rows: [fc]}}\n", encoding="utf-8")
    (folder / "second.yaml").write_text("extends: variant.yaml\nnetwork: second\n", encoding="utf-8")
    variant, second = (small.replace("small.yaml", name) for name in ("variant.yaml", "second.yaml"))
    files = OpenFiles([str(folder)])
    files.open(small, SMALL)
    assert not files.analyse_next()

    files.open(small, SMALL.replace("  fc ", "  fc2"))
    assert [files.analyse_next() for _ in range(3)] == [True, True, False]
    assert shown(files) == {small: [], variant: ["2:16 E122"]}

    files.close(small)
    assert [files.analyse_next() for _ in range(3)] == [True, True, False]
    assert shown(files) == {small: [], variant: []}
    assert second not in shown(files)


def test_a_file_without_the_keys_of_a_spec_has_no_diagnostics() -> None:
    files = OpenFiles()
    files.open("file:///x/compose.yaml", "services: [")

    assert shown(files) == {"file:///x/compose.yaml": []}


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b%20c.yaml", "/a/b c.yaml"),
        ("file:///a/b;c%23d.yaml", "/a/b;c#d.yaml"),
        ("file:///c%3A/Me/x.yaml", "c:/Me/x.yaml"),
        ("file:///C:/x.yaml", "C:/x.yaml"),
        ("file://server/share/x.yaml", "//server/share/x.yaml"),
        ("untitled:Untitled-1", ""),
    ],
)
def test_uris_are_paths(uri: str, path: str) -> None:
    assert path_of(uri) == path


def test_the_uri_of_a_path_leads_back_to_it() -> None:
    assert path_of(uri_of("/a/b c#d?é.yaml")) == "/a/b c#d?é.yaml"


def test_columns_are_counted_in_the_units_of_the_client() -> None:
    line = "a𝄞é|"

    for encoding, characters in {
        "utf-8": [0, 1, 5, 7, 8],
        "utf-16": [0, 1, 3, 4, 5],
        "utf-32": [0, 1, 2, 3, 4],
    }.items():
        units = Units(encoding)
        assert [units.units(line[:column]) for column in range(5)] == characters
        assert [units.column(line, character) for character in characters] == [1, 2, 3, 4, 5]
        assert units.column(line, 99) == 5


def test_claims_are_compared_with_the_unsaved_texts_of_specs(small: str) -> None:
    claims = small.replace("small.yaml", "claims.yaml")
    text = "claims:\n  one: {sentence: Small., source: Table 1, formula: params(small), printed: 360, verdict: exact}\n"
    files = OpenFiles()
    files.open(claims, text)
    assert shown(files) == {claims: []}

    files.open(small, SMALL.replace("conv 3x3 8", "conv 3x3 16"))
    assert shown(files)[claims] == ["1:90 E310"]

    files.open(claims, text.replace("360", "704"))
    assert shown(files)[claims] == []


def test_the_command_says_which_extra_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "inception_dsl.lsp.server", raising=False)
    monkeypatch.setitem(sys.modules, "pygls.lsp.server", None)
    result = cli("lsp")

    assert result.exit_code == 2
    assert "inception-dsl[lsp]" in result.stderr
