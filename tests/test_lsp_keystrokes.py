"""The language server survives every keystroke: it is asked everything about the beginnings of specs.

Here are all beginnings of three small specs, and a few of every other one; the rest are in tests/nightly.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from lsp_editor import ROOT, ask_everything, opened

from inception_dsl.diagnostics.codes.tool import INTERNAL_ERROR
from inception_dsl.lsp import diagnostics
from inception_dsl.lsp.files import OpenFiles

SPECS = ROOT / "specs"
WHOLE = (SPECS / "inception_naive.yaml", SPECS / "zoo" / "vgg11_bn.yaml", SPECS / "zoo" / "vgg13.yaml")
OTHERS = [path for path in sorted(SPECS.rglob("*.yaml")) if path not in WHOLE and path.name != "claims.yaml"]
FEW = 2


def boundaries(text: str, count: int) -> list[int]:
    """Some of the offsets at which a word, a number or a sign begins or ends: always the same ones."""
    found = [match.start() for match in re.finditer(r"\b|(?<=\W)(?=\W)", text)]
    return sorted(random.Random(len(text)).sample(found, min(count, len(found))))  # noqa: S311 - no secret


def type_into(path: Path, offsets: Iterable[int]) -> None:
    """Open the beginnings of a file one after the other, and ask everything at the end of each."""
    text, files = path.read_text(encoding="utf-8"), OpenFiles()
    for offset in offsets:
        file = opened(text[:offset], path, files)
        shown = diagnostics.published(files)
        ask_everything(file, files.units.position(file.source, len(file.source.lines), len(file.source.lines[-1]) + 1))

        assert [each.message for params in shown for each in params.diagnostics if each.code == INTERNAL_ERROR] == []


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_every_beginning_of_a_spec(path: Path) -> None:
    type_into(path, range(len(path.read_text(encoding="utf-8")) + 1))


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_some_beginnings_of_every_spec(path: Path) -> None:
    type_into(path, boundaries(path.read_text(encoding="utf-8"), FEW))
