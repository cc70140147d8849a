"""The English of the repository: constructions that a native engineer would not write stay out of it.

The list is short, so that it gives no false alarms. It covers everything that users or developers read: messages, help
texts, the explanations of codes, pages, specs and recipes, reports, docstrings and comments.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from inception_dsl.cli.main import main
from inception_dsl.diagnostics.codes.table import CODES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "inception_dsl"

FORBIDDEN = {
    r"(?<!there )\b(is|are|was|were) no (?!longer\b|more\b|fewer\b|less\b)": "`x` is not a ...; there is no ...",
    r"\btold\b": "reported, shown, given",
    r"\bso many\b": "N, this many, the number of",
    r"\bsaid\b": "stated, given, named",
    r"\bbut for\b": "except",
    r"\bwhat bears\b": "what supports",
    r"\bof it with\b": "of ... that has",
    r"\b(is|are) wanted\b": "must be, is required",
    r"\bheld against\b|\bholds? [\w' ]{1,40} against\b": "compare ... with, check",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bsays? of\b": "says about",
    r"\botherwise than\b": "differently from",
    r"\bso often\b": "N times, this often",
    r"\bin so far\b|\bso far as\b": "as far as, if",
    r"\bdoes? without\b": "does not need",
    r"\bas (it|they) (has|have) (it|them)\b": "as in ...",
}
"""Patterns, each with what to write instead."""


def wrong(text: str) -> list[str]:
    """The forbidden constructions in a text, each with the words around it."""
    joined = " ".join(text.split())
    return [
        f"...{joined[max(match.start() - 30, 0) : match.end() + 20]}... (write: {advice})"
        for pattern, advice in FORBIDDEN.items()
        for match in re.finditer(pattern, joined, re.IGNORECASE)
    ]


def helps(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """The help text of a command and of those below it, by their names."""
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner
            yield from helps(inner, click.Context(inner, info_name=name, parent=context))


def docstrings_and_comments(file: Path) -> str:
    """What a Python file explains, and the texts that it may print."""
    source = file.read_text(encoding="utf-8")
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    comments = [
        token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    return "\n".join([*(text for text in texts if isinstance(text, str)), " ".join(comments)])


def test_the_patterns_find_what_they_should() -> None:
    assert wrong("`x` is no setting") and wrong("all errors are\n  told at once") and wrong("take so many images")
    assert not wrong("there is no setting `x`, and the row is no longer there")


@pytest.mark.parametrize("file", sorted((ROOT / "tests/cases/bad").glob("*.txt")), ids=lambda file: file.stem)
def test_messages(file: Path) -> None:
    assert wrong(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("name", "text"), [*helps(main, click.Context(main, info_name="inception-dsl"))])
def test_help_texts(name: str, text: str) -> None:
    assert wrong(text) == [], name


@pytest.mark.parametrize("code", CODES, ids=str)
def test_explanations(code: str) -> None:
    found = next(entry for entry in CODES if entry == code)
    assert wrong(f"{found.summary}. {found.explanation}") == []


PAGES = [
    *(
        ROOT / name
        for name in (
            "README.md",
            "CONTRIBUTING.md",
            "CHANGELOG.md",
            "benchmarks/README.md",
            "action.yml",
            "pyproject.toml",
        )
    ),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "specs").rglob("*.yaml")),
    *sorted((PACKAGE / "recipes").glob("*.yaml")),
    *sorted((ROOT / "generated").glob("*/report.md")),
]


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_pages(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".yaml":
        text = re.sub(r"^ *sentence:.*$", "", text, flags=re.MULTILINE)  # quoted from papers
    assert wrong(re.sub(r"(^ *|  )#", "", text, flags=re.MULTILINE)) == []


SOURCES = [
    *sorted(PACKAGE.rglob("*.py")),
    *sorted((ROOT / "benchmarks").glob("*.py")),
    *sorted((ROOT / "docs").rglob("*.py")),
]


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_sources(file: Path) -> None:
    assert wrong(docstrings_and_comments(file)) == []
