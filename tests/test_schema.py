"""JSON Schema of specs, claims and recipes: published, complete, and never stricter than the compiler."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cli_runner import SMALL, cli
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from strategies import specs
from test_spec_models import ANYTHING, KEYS, MODELS
from variant_strategies import edits

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.files.modeline import PREFIX, modeline, with_modeline
from inception_dsl.spec.claims import ClaimsFile, read_claims
from inception_dsl.spec.fields import Section
from inception_dsl.spec.json_schema import DRAFT, KINDS, schema, schema_text
from inception_dsl.spec.network import read_spec
from inception_dsl.spec.training_model import RECIPES, recipe_file
from inception_dsl.spec.validation import validate
from inception_dsl.spec.variant_models import Variant
from inception_dsl.syntax import yaml
from inception_dsl.syntax.document import Document
from inception_dsl.syntax.source import read
from inception_dsl.syntax.yaml_printer import dump

ROOT = Path(__file__).parent.parent
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
BAD = sorted((ROOT / "tests/cases/bad").glob("*.yaml"))


@cache
def validator(kind: str) -> Draft7Validator:
    """What judges a file of a kind."""
    return Draft7Validator(schema(kind))


def kind_of(data: dict[str, Any]) -> str:
    """The kind of a file, by its keys."""
    return "claims" if "claims" in data else "spec"


def accepts(data: dict[str, Any]) -> bool:
    """Whether the schema of its kind accepts a file."""
    return bool(validator(kind_of(data)).is_valid(data))


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_file_is_fresh(kind: str) -> None:
    published = (ROOT / "schemas" / f"{kind}.json").read_text(encoding="utf-8")

    assert published == schema_text(kind), f"inception-dsl schema --kind {kind} > schemas/{kind}.json"


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one_of_its_draft(kind: str) -> None:
    assert schema(kind)["$schema"] == DRAFT == Draft7Validator.META_SCHEMA["$id"].rstrip("#") + "#"
    Draft7Validator.check_schema(schema(kind))


def test_the_command_prints_it() -> None:
    assert cli("schema").stdout == schema_text("spec")
    assert json.loads(cli("schema", "--kind", "recipe", "--format", "json").stdout)["result"] == {
        "schema": schema("recipe")
    }
    assert cli("schema", "--kind", "other").exit_code == 2


def keys(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of a schema, and what is known about it."""
    for name, section in schema(kind)["definitions"].items():
        for key, value in section.get("properties", {}).items():
            yield f"{name}.{key}", value


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_has_a_description_and_an_example(kind: str) -> None:
    """A section, a choice and a switch need no example; what names the columns and layers has that of its section."""
    own = [(name, value) for name, value in keys(kind) if "$ref" not in value]
    offered = {name for name, value in own if value["description"].startswith(("Words for `", "All weights of `"))}
    chosen = {name for name, value in own if value.keys() & {"enum", "anyOf"} or value.get("type") == "boolean"}

    assert [name for name, value in own if not value.get("description")] == []
    assert [name for name, value in own if name not in chosen | offered and not value.get("examples")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_are_right(kind: str) -> None:
    whole = schema(kind)
    for name, value in keys(kind):
        one = Draft7Validator({**value, "definitions": whole["definitions"]})
        for example in value.get("examples", ()):
            assert one.is_valid(example), (name, example)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_it_accepts_the_specs(path: Path) -> None:
    data = yaml.parse(read(path)).data
    validator(kind_of(data)).validate(data)


@pytest.mark.parametrize("name", RECIPES)
def test_it_accepts_the_recipes(name: str) -> None:
    validator("recipe").validate(yaml.parse(read(recipe_file(name))).data)


@pytest.mark.parametrize("loss", ["bce", {"name": "bce"}, {"smoothing": 0.1}])
def test_it_knows_short_groups(loss: Any) -> None:
    """A group may be its name alone."""
    data = {"network": "any", "input": "3x8x8", "layers": "|"}
    assert accepts({**data, "training": {"loss": loss}})
    assert not accepts({**data, "training": {"loss": "hinge"}}) and not accepts({**data, "training": {"loss": 0.1}})


@pytest.mark.parametrize("type_", ["int", "whole"])
def test_it_accepts_what_is_still_read(type_: str) -> None:
    """The former names of types."""
    assert accepts({"network": "a", "input": "3x8x8", "layers": "|", "settings": {"k": {"default": 1, "type": type_}}})


def test_it_accepts_what_plugins_add() -> None:
    """Their recipes and layers; it has the names of ours, which editors offer."""
    data = {"network": "a", "input": "3x8x8", "layers": "|"}
    assert accepts({**data, "training": {"recipe": "of-a-plugin"}, "defaults": {"swish": "fast"}})
    assert schema("spec")["definitions"]["Training"]["properties"]["recipe"]["anyOf"][0]["enum"] == [*RECIPES]


WITHIN = {"E103", "E104", "E105", "E108", "E117"}
"""The codes of what is wrong about keys and their values, which a schema can know."""


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_it_rejects_no_spec_that_is_right(path: Path) -> None:
    """A file that the schema rejects has errors, and at least one of them is about its keys."""
    try:
        data = yaml.parse(read(path)).data
    except SpecError:
        return  # not YAML
    if accepts(data):
        return
    with pytest.raises(SpecError) as raised:
        read_claims(yaml.parse(read(path))) if "claims" in data else compiler.load(path)
    assert WITHIN & {str(found.code) for found in raised.value.diagnostics}


def test_it_rejects_most_of_what_is_wrong_about_keys() -> None:
    """Each of these codes, in the files that break nothing else."""
    for code, path, broken in (
        ("E103", ("training", "optim"), {"lrr": 0.1}),
        ("E104", (), {"input": ...}),
        ("E105", ("classes",), "ten"),
        ("E105", ("input",), "224"),
        ("E108", ("network",), "2 nets"),
        ("E108", ("modules", "a-b"), {"graph": "pass"}),
        ("E117", ("training", "optim"), {"lr": -1}),
    ):
        data = yaml.parse(Source("small.yaml", SMALL)).data
        place = data
        for key in path[:-1]:
            place = place.setdefault(key, {})
        if path:
            place[path[-1]] = broken
        else:
            data = {key: value for key, value in data.items() if key not in broken}
        with pytest.raises(SpecError) as raised:
            compiler.compile_source(Source("small.yaml", dump(data)))
        assert {str(found.code) for found in raised.value.diagnostics} == {code}
        assert not accepts(data), code


@settings(max_examples=20)
@given(specs())
def test_it_accepts_every_spec_that_compiles(text: str) -> None:
    data = yaml.parse(Source("any.yaml", text)).data
    validator("spec").validate(data)


@settings(max_examples=10)
@given(st.data())
def test_it_accepts_every_variant(data: st.DataObject) -> None:
    spec = read_spec(yaml.parse(Source("any.yaml", data.draw(specs()))))
    changes = data.draw(edits(spec, compiler.as_base(spec).network))
    validator("spec").validate({"extends": "any.yaml", "network": "other", **changes})


def refusals(document: Document, model: type[Section]) -> set[str]:
    """The codes of what a model refuses in a document."""
    try:
        validate(document, model)
    except SpecError as error:
        return {str(found.code) for found in error.diagnostics}
    return set()


@settings(max_examples=60)
@given(st.dictionaries(KEYS, ANYTHING | st.dictionaries(KEYS, ANYTHING, max_size=3), max_size=4))
def test_it_is_as_strict_as_the_models(data: dict[str, Any]) -> None:
    """Whatever the models accept, it accepts; what it accepts and they refuse, is a whole number such as `1.0`."""
    document = yaml.parse(Source("any.yaml", dump({**data, "title": "any"})))
    for model in MODELS:
        kind = "claims" if model is ClaimsFile else "spec"
        if kind == "spec" and ("extends" in data) != (model is Variant):
            continue
        codes = refusals(document, model)
        assert validator(kind).is_valid(document.data) or codes
        assert not validator(kind).is_valid(document.data) or codes <= {"E105", "E117"}


# --- modelines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_names_its_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    line = text.partition("\n")[0]
    kind = kind_of(yaml.parse(read(path)).data)

    assert line == modeline(path, kind)
    assert (path.parent / line.removeprefix(PREFIX)).resolve() == ROOT / "schemas" / f"{kind}.json"


def test_a_copy_names_the_schema_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`specs NAME` prints a spec for another folder, where the path of the original leads nowhere; so does `new`."""
    monkeypatch.chdir(tmp_path)
    assert not cli("specs", "googlenet").stdout.startswith(PREFIX)
    cli("new", "first")
    assert (tmp_path / "first.yaml").read_text("utf-8").startswith("# ")
    assert PREFIX not in (tmp_path / "first.yaml").read_text("utf-8")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "spec.json").write_text("{}", encoding="utf-8")
    assert cli("specs", "googlenet").stdout.startswith(f"{PREFIX}schemas/spec.json\n#")
    cli("new", "second", "--out", "a/b")
    assert (tmp_path / "a/b/second.yaml").read_text("utf-8").startswith(f"{PREFIX}../../schemas/spec.json\n#")
    assert modeline(tmp_path / "a" / "b.yaml") == f"{PREFIX}../schemas/spec.json"
    assert modeline(tmp_path / "a" / "b.yaml", "claims") == ""


@given(st.text("\n# a", max_size=12), st.sampled_from(["", f"{PREFIX}a.json", f"{PREFIX}b.json"]))
def test_a_modeline_is_put_and_taken(text: str, line: str) -> None:
    assert with_modeline(with_modeline(text, f"{PREFIX}old.json"), line) == with_modeline(text, line)
    assert with_modeline(with_modeline(text, line), "") == text
