"""The documentation as a site: what its build (`make docs`, a step of `.ci/run`) does not check by itself."""

from __future__ import annotations

import html
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import click
import pytest
from cli_runner import all_commands

pytest.importorskip("mkdocs", reason="needs the extra `docs`")

import hooks
import links
import markdown
import prose
import sources
from hooks import generated
from mkdocs.config import load_config
from reference import api, codes

import inception_dsl
from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.table import CODES
from inception_dsl.emit.backends import BACKENDS
from inception_dsl.lint import table as rules
from inception_dsl.spec.json_schema import KINDS, schema
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.words import WORDS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
CONFIG = load_config(str(DOCS / "website" / "mkdocs.yml"))


def as_html(text: str) -> str:
    """What the site makes of a text, without the plugins."""
    return str(markdown.markdown(text, extensions=CONFIG.markdown_extensions, extension_configs=CONFIG.mdx_configs))


def listed(nav: Any) -> Iterator[str]:
    """The pages under an entry of the navigation."""
    if isinstance(nav, str):
        yield nav
    for entry in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from listed(entry)


def test_the_navigation_lists_every_page_once() -> None:
    pages = [*listed(hooks.on_config(CONFIG).nav)]
    files = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}

    assert sorted(pages) == sorted({*files, *sources.DOCUMENTS.values(), *generated()})


# codes


def test_every_code_has_a_page_and_a_line_in_an_index() -> None:
    for code in CODES:
        assert f"| {code} |" in generated()["diagnostics/index.md"] and f"diagnostics/{code}.md" in generated()
    for code in rules.codes():
        assert f"| {code} |" in (DOCS / "lint.md").read_text(encoding="utf-8") and f"lint/{code}.md" in generated()
    assert "| [E204](E204.md) |" in codes.linked("diagnostics/index.md", generated()["diagnostics/index.md"])


@pytest.mark.parametrize("code", [code for code in codes.ALL.values() if code.wrong], ids=str)
def test_a_page_shows_what_the_wrong_example_gives(code: Code) -> None:
    page = generated()[codes.page_of(code)]
    kind = "warning" if code[0] in "WL" else "error"

    assert f">{kind}[{code}]</span>" in page
    assert code.wrong.rstrip() in page and code.right.rstrip() in page


SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        f"`{SCRIPT}`",
        f"# {SCRIPT}",
        f"<pre>{SCRIPT}</pre>",
        f"a `b\n{SCRIPT}` c",
        f"a ` b\n\n{SCRIPT}\n\nc ` d",
        f"```\n{SCRIPT}\n```\n",
        f"```\n```\n{SCRIPT}\n",
        f"[a](javascript:alert) {SCRIPT}",
        f"| a |\n| --- |\n| {SCRIPT} |\n",
    ],
)
def test_a_hostile_code_cannot_break_out_of_its_page(text: str) -> None:
    hostile = Code("E999", text.partition("\n")[0], f"{text}\n", wrong=f"network: {text}\n", right=f"{text}\n")
    pages = as_html(codes.page(hostile)) + as_html(prose.table(["a"], [[prose.plain(text)]]))

    assert not re.search('<script|javascript:alert"', pages)
    assert pages.count("&lt;script&gt;") >= 4


def test_bars_in_a_table_are_no_columns() -> None:
    (row,) = re.findall("<td>.*</td>", as_html(prose.table(["a"], [["x | y `z|z`"]])))
    assert row == "<td>x &#124; y <code>z|z</code></td>"


def test_codes_in_prose_become_links_and_those_in_code_do_not() -> None:
    text = "E204, `E204`, E999\n\n# E204\n\n```\nE204\n```\n"

    assert codes.linked("ci.md", text) == text.replace("E204,", "[E204](diagnostics/E204.md),", 1)


# the language


def test_every_layer_and_word_is_described_with_its_spelling_in_each_backend() -> None:
    layers = generated()["language/layers.md"].split("\n## ")[1:]

    assert [re.search(r"\{ #(\w+) \}", section)[1] for section in layers] == [*LAYERS]  # type: ignore[index]
    for section in layers:
        spelt = dict(re.findall(r"^\| (\w+) \| (.+) \|$", section.partition("| backend |")[2], re.MULTILINE))
        assert all(spelt[backend.title] for backend in BACKENDS), section
    for name, word in WORDS.items():
        assert f"| `{name}{'' if word.alone else '='}` |" in generated()["language/words.md"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_described(kind: str) -> None:
    pages = "".join(text for page, text in generated().items() if page.startswith("language/"))
    for section in schema(kind)["definitions"].values():
        for key in section["properties"]:
            assert f"| `{key}` |" in pages


def test_a_recipe_has_the_keys_of_training_except_one() -> None:
    training = schema("spec")["definitions"]["Training"]["properties"]
    recipe = schema("recipe")["definitions"]["RecipeFile"]["properties"]

    assert "A recipe is a file with these keys, except `recipe`." in generated()["language/training.md"]
    assert training.keys() - recipe.keys() == {"recipe"} and recipe.keys() <= training.keys()


# commands


def test_every_command_and_option_is_described() -> None:
    for path, command in all_commands():
        page = generated()[f"commands/{path[0] if path else 'index'}.md"]
        (section,) = re.findall(rf"^#+ {' '.join(path) or 'Commands'}$.*?(?=^#|\Z)", page, re.DOTALL | re.MULTILINE)
        named = {
            name for names in re.findall(r"^\| `(-.*?)`", section, re.MULTILINE) for name in re.split(", | / ", names)
        }
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        assert {name for option in options for name in (*option.opts, *option.secondary_opts)} <= named
        assert not path or f"\n{' '.join(('inception-dsl', *path))} " in section


# the API


def members(thing: Any) -> Iterator[Any]:
    """The functions of a public name: itself, or the methods and properties of a class."""
    if isinstance(thing, FunctionType):
        yield thing
    for name, member in vars(thing).items() if inspect.isclass(thing) else ():
        found = member.fget if isinstance(member, property) else getattr(member, "func", member)
        if isinstance(found, FunctionType) and not name.startswith("_"):
            yield found


def test_every_public_name_and_what_it_gives_is_described() -> None:
    described = {path.rpartition(".")[2] for path in api.PATHS}
    for name in inception_dsl.__all__:
        assert api.home(name) in api.PATHS and f"[`{name}`](" in generated()["api/index.md"], name
        for member in members(getattr(inception_dsl, name)):
            given = {*re.findall(r"\b[A-Z]\w+", str(member.__annotations__["return"]))}
            foreign = {"Literal", "Mapping", "Module", "FeasibleSampler"}
            assert given - foreign <= described, "say in `PAGES` of docs/website/reference/api.py where it belongs"


# links into the repository


def test_links_into_the_repository_lead_to_pages() -> None:
    text = "[a](../specs/nin.yaml) [b](ci.md#formats) [c](../CONTRIBUTING.md) `[d](../specs/nin.yaml)` [e](../gone.md)"
    shown = "[a](source/specs/nin.yaml.md) [b](ci.md#formats) [c](project/contributing.md) "

    assert sources.linked("language.md", text) == f"{shown}`[d](../specs/nin.yaml)` [e](../gone.md)"
    assert sources.linked("project/contributing.md", "[a](docs/ci.md)") == "[a](../ci.md)"
    assert "network: nin" in sources.pages({"language.md": text})["source/specs/nin.yaml.md"]


def test_bars_in_the_code_of_tables_lose_their_backslash_and_others_do_not() -> None:
    assert prose.without_escapes(r"| `a \| b` | c \| d |") == r"| `a | b` | c \| d |"


def test_links_of_the_built_site_are_checked(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text('<h1 id="x">A</h1><a href="#x"><a href=".."><a href="https://b.org">')
    (tmp_path / "index.html").write_text(
        '<a href="a/#x"><a href="a/#y"><a href="b/"><img src="c.svg"><script src="https://b.org/d.js"></script>'
    )

    assert [*links.faults(tmp_path)] == [
        "`index.html` loads `https://b.org/d.js`",
        "`index.html` links to `a/#y`, where the anchor is missing",
        "`index.html` links to `b/`, which is not there",
        "`index.html` links to `c.svg`, which is not there",
    ]


# colours


def test_a_spec_in_a_page_has_the_colours_of_formulas_and_loses_nothing() -> None:
    text = (ROOT / "specs/googlenet.yaml").read_text(encoding="utf-8")
    config = hooks.on_config(load_config(str(DOCS / "website" / "mkdocs.yml")))
    block = prose.fenced(text, "yaml", "<b>")
    shown = markdown.markdown(block, extensions=config.markdown_extensions, extension_configs=config.mdx_configs)

    assert '<span class="filename">&lt;b&gt;</span>' in shown
    assert '<span class="no">{#5x5 reduce}</span>' in shown and '<span class="k">maxpool</span>' in shown
    code = shown[shown.index("<code>") :]
    assert html.unescape(re.sub("<[^>]*>", "", code)).strip() == text.strip()
