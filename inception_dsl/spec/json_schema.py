"""JSON Schema of the files that people write, from the models that validate them, for editors and other tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from inception_dsl.spec.claims import ClaimsFile
from inception_dsl.spec.fields import COLUMN_MEASURES, Section
from inception_dsl.spec.init import LAYER_WORDS
from inception_dsl.spec.models import Spec
from inception_dsl.spec.training_model import GROUPS, RECIPES, RecipeFile, recipe_file
from inception_dsl.spec.variant_models import Variant
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.syntax import source, yaml

Schema = dict[str, Any]

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""The draft that all servers for YAML know."""

_REFERENCE: Final = "#/definitions/{model}"


def _spec(references: Mapping[str, Schema]) -> Schema:
    """A network, or a variant where there is `extends`."""
    extends = {"description": Variant.model_fields["extends"].description}  # so that editors offer it
    return {
        "title": "A spec of inception-dsl",
        "description": Spec.__doc__,
        "properties": {"extends": extends},
        "if": {"required": ["extends"]},
        "then": references["Variant"],
        "else": references["Spec"],
    }


def _one(title: str, model: type[Section]) -> Callable[[Mapping[str, Schema]], Schema]:
    return lambda references: {"title": title, "description": model.__doc__, "allOf": [references[model.__name__]]}


_KINDS: Final[Mapping[str, tuple[tuple[type[Section], ...], Callable[[Mapping[str, Schema]], Schema]]]] = {
    "spec": ((Spec, Variant), _spec),
    "claims": ((ClaimsFile,), _one("Claims of papers, for inception-dsl", ClaimsFile)),
    "recipe": ((RecipeFile,), _one("A recipe of inception-dsl", RecipeFile)),
}

KINDS: Final = tuple(_KINDS)
"""The kinds of files that have a schema."""

_DEFAULTS: Final = {name: f"Words for `{entry.written}`." for name, entry in LAYERS.items() if entry.words}
_OFFERED: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    **{section: {"defaults": _DEFAULTS} for section in ("Spec", "Override", "Insert")},
    "Init": {"": {word: f"All weights of `{word}`." for word in LAYER_WORDS}},
    "Published": {"": {column: f"How the column `{column}` counts." for column in COLUMN_MEASURES}},
}
"""Keys for editors to offer where any name may stand: by section, and by its key, "" for the section itself."""


def schema(kind: str) -> Schema:
    """The JSON Schema (draft 7) of a kind of file, one of `KINDS`. It accepts every file that the models accept."""
    from pydantic.json_schema import models_json_schema

    models, top = _KINDS[kind]
    references, rest = models_json_schema([(model, "validation") for model in models], ref_template=_REFERENCE)
    definitions: dict[str, Schema] = rest["$defs"]
    for part in [part for definition in definitions.values() for part in _parts(definition)]:
        _simplify(part)
    for section in definitions.keys() & _OFFERED.keys():
        for key, names in _OFFERED[section].items():
            part = definitions[section]["properties"][key] if key else definitions[section]
            new = {name: {"description": text, **part["additionalProperties"]} for name, text in names.items()}
            part["properties"] = {**part.get("properties", {}), **new}
    if "Training" in definitions or "RecipeFile" in definitions:
        _add_examples(definitions)
    by_name = {model.__name__: reference for (model, _), reference in references.items()}
    return {"$schema": DRAFT, **top(by_name), "definitions": definitions}


def schema_text(kind: str) -> str:
    """The JSON Schema of a kind of file as the text of a file."""
    return json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"


def _parts(schema: Schema) -> Iterator[Schema]:
    """A schema and every schema in it."""
    yield schema
    several = (schema.get(key, {}).values() for key in ("properties", "patternProperties"))
    listed = (schema.get(key, ()) for key in ("anyOf", "oneOf"))
    single = (schema[key] for key in ("items", "additionalProperties", "propertyNames") if key in schema)
    for inner in chain(*several, *listed, single):
        if isinstance(inner, dict):
            yield from _parts(inner)


def _simplify(part: Schema) -> None:
    """Leave out titles, which are names again, and defaults that mean no more than that the key is left out.

    A pattern of keys means that there are no other keys.
    """
    part.pop("title", None)
    if "default" in part and part["default"] in (None, {}, []):
        del part["default"]
    if "patternProperties" in part:
        part["additionalProperties"] = False


def _add_examples(definitions: Mapping[str, Schema]) -> None:
    """Add the values that the built-in recipes give to a setting, or else its default."""
    recipes = [yaml.parse(source.read(file)).data for file in map(recipe_file, RECIPES)]
    for group, defaults in GROUPS.items():
        for key, default in defaults.items():
            part = definitions[group.capitalize()]["properties"][key]
            if {"enum", "examples"} & part.keys() or part.get("type") == "boolean":
                continue
            given = [recipe[group][key] for recipe in recipes if key in recipe.get(group, {})]
            different = {json.dumps(value): value for value in (*given, part.get("default", default))}
            part["examples"] = [*different.values()]
