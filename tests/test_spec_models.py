"""The models of the files: a reference in words, and errors in our words alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.runner.base import config
from inception_dsl.runner.base.settings import CHOICES
from inception_dsl.spec.claims import ClaimsFile
from inception_dsl.spec.error_places import error_place
from inception_dsl.spec.fields import Section
from inception_dsl.spec.models import Spec
from inception_dsl.spec.validation import validate
from inception_dsl.spec.variant_models import KINDS, REPLACED, Remove, Variant
from inception_dsl.syntax import yaml
from inception_dsl.syntax.yaml_printer import dump

MODELS: tuple[type[Section], ...] = (Spec, Variant, ClaimsFile)


def undescribed(schema: dict[str, Any]) -> Iterator[str]:
    """What a JSON Schema does not describe: sections, and keys that do not refer to one."""
    for name, section in {"": schema, **schema.get("$defs", {})}.items():
        if "description" not in section:
            yield name
        for key, value in section.get("properties", {}).items():
            if not {"description", "$ref"} & value.keys():
                yield f"{name}.{key}"


@pytest.mark.parametrize("model", MODELS)
def test_every_key_is_described(model: type[Section]) -> None:
    assert [*undescribed(model.model_json_schema())] == []


def test_the_settings_of_the_runner_carry_its_comments() -> None:
    properties = Spec.model_json_schema()["$defs"]["Optim"]["properties"]
    lines = Path(config.__file__).read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith("    decay_all: bool"))

    assert line.partition("  # ")[2] == properties["decay_all"]["description"] != ""


@pytest.mark.parametrize("group", ["optim", "schedule", "loss", "average"])
def test_a_group_with_a_name_may_be_the_name_alone(group: str) -> None:
    """Other words are no names."""
    (word, *_) = CHOICES[f"{group}.name"]
    short, long = ({"training": {group: value}} for value in (word, {"name": word}))
    base: dict[str, Any] = {"network": "any", "input": "3x8x8", "layers": "|"}
    specs = [validate(yaml.parse(Source("any.yaml", dump(base | keys))), Spec) for keys in (short, long)]
    assert specs[0].written() == specs[1].written() == base | long
    with pytest.raises(SpecError) as raised:
        validate(yaml.parse(Source("any.yaml", dump(base | {"training": {group: f"{word}x"}}))), Spec)
    (found,) = raised.value.diagnostics
    assert found.message == f"`{group}` must be a mapping" and f"`{word}`" in found.help


def test_a_variant_edits_all_parts_and_replaces_all_other_keys() -> None:
    assert Remove.model_fields.keys() == KINDS.keys()
    parts = {*KINDS, "network", "layers", "published"}
    assert {field.alias or name for name, field in Spec.model_fields.items()} - parts == {*REPLACED}


TEXTS = st.sampled_from(
    ["network", "settings", "section", "value", "[key]", "int", "notes", "optim.lr", "min", "graph"]
)
SCALARS = st.none() | st.booleans() | st.integers(-3, 9) | st.floats(-1, 2) | TEXTS
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
KEYS = st.sampled_from(
    sorted({*Spec.model_fields, *Variant.model_fields, "claims", "data", "augment", "optim", "totals", "rows"})
)


@given(st.dictionaries(KEYS, ANYTHING | st.dictionaries(KEYS, ANYTHING, max_size=3), max_size=4))
def test_whatever_is_wrong_has_a_place_and_our_words(data: dict[str, Any]) -> None:
    """Each error is at a value or key of the file, and its message is none of pydantic's."""
    document = yaml.parse(Source("any.yaml", dump({**data, "title": 1})))
    for model in MODELS:
        try:
            validate(document, model)
        except SpecError as error:
            for found in error.diagnostics:
                assert found.span
                assert not {"input", "Input", "valid", "field"} & {*found.message.split()}
                assert found.message.startswith(("unknown key `", "`", "an item of `", "the spec has no"))


def test_places_lead_through_what_pydantic_adds_to_them() -> None:
    """Tags of unions, labels of their members and marks of keys are no parts of a path."""
    setting = error_place(Spec, ("settings", "value", "section", "min", "constrained-int"))
    note = error_place(Spec, ("training", "notes", "optim.lrr", "[key]"))
    column = error_place(Spec, ("published", "params", "unit"))

    assert (setting.path, setting.type.expected) == (("settings", "value", "min"), "a number")
    assert (note.path, note.of_key) == (("training", "notes", "optim.lrr"), True)
    assert "optim.lr" in note.parent.keys
    assert column.path == ("published", "params", "unit")
    assert column.type.expected.startswith("a whole number")
