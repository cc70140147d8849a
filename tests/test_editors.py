"""The files in `editors/`: their words are those of the language, and their settings those of the documentation."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from inception_dsl.elaborate.references import AGAIN
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import FUNCTIONS
from inception_dsl.spec.vocabulary.words import WORDS

ROOT = Path(__file__).parent.parent
EDITORS = ROOT / "editors"
VSCODE = EDITORS / "vscode"


def parsed(name: str) -> Any:
    """A JSON file of the extension."""
    return json.loads((VSCODE / name).read_text(encoding="utf-8"))


def alternatives() -> list[set[str]]:
    """The lists of words in the patterns of the grammar."""
    text = json.dumps(parsed("syntaxes/blocks.tmLanguage.json"))
    lists = re.findall(r"\(((?:\w+\|)+\w+)\)", text)
    return [{*found.split("|")} for found in lists]


@pytest.mark.parametrize("names", [LAYERS, WORDS, FUNCTIONS], ids=["layers", "words", "functions"])
def test_the_grammar_has_the_words_of_the_language(names: Any) -> None:
    known = alternatives()

    assert {*names} in known
    assert all(found in ({*LAYERS}, {*WORDS}, {*FUNCTIONS}) for found in known if found & {"conv", "same", "round"})


def test_the_grammar_knows_how_a_step_is_applied_again() -> None:
    assert (
        rf"\b({AGAIN})[ \t]"
        in parsed("syntaxes/blocks.tmLanguage.json")["repository"]["formula"]["patterns"][1]["match"]
    )


def test_the_extension_names_files_that_exist() -> None:
    package = parsed("package.json")
    contributed = package["contributes"]
    files = [grammar["path"] for grammar in contributed["grammars"]]
    files += [language["configuration"] for language in contributed["languages"]]

    assert [name for name in files if not (VSCODE / name).is_file()] == []
    for grammar in contributed["grammars"]:
        assert parsed(grammar["path"])["scopeName"] == grammar["scopeName"]
    assert parsed("language-configuration.json")["comments"] == {"lineComment": "#"}


def test_the_lock_names_no_host() -> None:
    """Packages come from the registry that npm is set to; their hashes are in the file."""
    packages = parsed("package-lock.json")["packages"]

    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)


def test_the_settings_for_helix_are_those_of_the_page() -> None:
    page = (ROOT / "docs/editors.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    settings = tomllib.loads((EDITORS / "helix/languages.toml").read_text(encoding="utf-8"))

    assert tomllib.loads(block) == settings
    assert [settings["language-server"]["inception-dsl"][key] for key in ("command", "args")] == [
        "inception-dsl",
        ["lsp"],
    ]
    assert parsed("package.json")["contributes"]["configuration"]["properties"]["inception-dsl.command"]["default"] == [
        "inception-dsl",
        "lsp",
    ]
