"""The keys of the files that people write, from the JSON Schema of the models that validate them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from prose import code, plain, table

from inception_dsl.spec.json_schema import schema

Schema = Mapping[str, Any]


class Keys(NamedTuple):
    """A page: the kind of file that it is about, and the section of its keys that stands at the top."""

    title: str
    kind: str
    top: str


PAGES: Final = {
    "spec": Keys("Keys of a spec", "spec", "Spec"),
    "variant": Keys("Keys of a variant", "spec", "Variant"),
    "training": Keys("Keys of `training`", "spec", "Training"),
    "claims": Keys("Keys of a file of claims", "claims", "ClaimsFile"),
}
TOPS: Final = {keys.top: f"{page}.md" for page, keys in PAGES.items()}
"""The pages of the sections that have one; all others stand below the first that leads to them."""

UNLIMITED: Final = 10**9
"""What every number is limited by, which says nothing about one."""


def pages() -> dict[str, str]:
    """A page for every kind of file, and for the section `training`."""
    return {f"language/{page}.md": _page(*keys) for page, keys in PAGES.items()}


def _page(title: str, kind: str, top: str) -> str:
    sections: Schema = schema(kind)["definitions"]
    names = [top]
    for name in names:  # which grows by the sections that are met
        met = re.findall(r'"#/definitions/(\w+)"', json.dumps(sections[name]))
        names += [other for other in dict.fromkeys(met) if other not in {*names, *TOPS}]
    parts = [f"# {title}\n", *_section(sections[top], sections)]
    parts += ["A recipe is a file with these keys, except `recipe`.\n"] if top == "Training" else []
    for name in names[1:]:
        parts += [f"## {name} {{ #{name.lower()} }}\n", *_section(sections[name], sections)]
    return "\n".join(parts)


def _section(section: Schema, sections: Schema) -> Iterator[str]:
    yield f"{plain(section['description'])}\n"
    required = {*section.get("required", ())}
    keys = sorted(section.get("properties", {}).items(), key=lambda key: key[0] not in required)
    rows = [_key(key, value, key in required, sections) for key, value in keys]
    yield table(["key", "value", "default", "meaning", "examples"], rows)
    if others := section.get("additionalProperties"):
        yield f"Any other key: {_type(others)}.\n"


def _key(key: str, value: Schema, required: bool, sections: Schema) -> list[str]:
    meaning = value.get("description") or sections[_named(value)]["description"]
    examples = [_written(example) for example in value.get("examples", ())]
    return [
        code(key),
        _type(value),
        "required" if required else code(_written(value.get("default", ""))),
        plain(meaning),
        ", ".join(code(example) for example in examples if example and "\n" not in example),
    ]


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _named(value: Schema) -> str:
    """The section that a value is."""
    return str(value["$ref"]).rpartition("/")[2]


def _type(value: Schema) -> str:
    """What a value may be, in words."""
    if "$ref" in value:
        name = _named(value)
        return f"[{name}]({TOPS.get(name, f'#{name.lower()}')})"
    if alternatives := value.get("anyOf", value.get("oneOf")):
        types = [*dict.fromkeys(map(_type, alternatives))]
        return " or ".join(one for one in types if one.replace("whole ", "") not in types or "whole" not in one)
    if "enum" in value:
        return ", ".join(code(_written(choice)) for choice in value["enum"])
    match value.get("type"):
        case "object":
            (inner,) = value.get("patternProperties", {"": value.get("additionalProperties", {})}).values()
            return f"{_type(inner)}, by name"
        case "array":
            return f"a list of {_type(value['items'])}"
        case "integer":
            return f"a whole number{_limits(value)}"
        case "number":
            return f"a number{_limits(value)}"
        case "boolean":
            return "`true` or `false`"
        case "null":
            return "`null`"
        case _:
            return "text"


def _limits(value: Schema) -> str:
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    stated = ((word, value[key]) for key, word in words.items() if key in value)
    return "".join(
        f" {word} {limit:{',' if limit >= 10_000 else ''}}" for word, limit in stated if abs(limit) < UNLIMITED
    )
