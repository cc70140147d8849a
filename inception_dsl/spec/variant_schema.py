"""The keys of a variant: those of a spec that it gives anew, and its edits by verb and kind of part."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import CoreSchema
from pydantic_core import core_schema as cs

from inception_dsl.spec.kinds import LINE, REASON, mapping, want
from inception_dsl.spec.schema import COLUMN, HEAD, INIT, MODULE, NETWORK, PAPER, PRINTED, SETTING, VERBS, Keys, setting
from inception_dsl.spec.training_schema import KEYS as TRAINING_KEYS

KINDS: Final = {
    "rows": "row",
    "columns": "column",
    "modules": "module",
    "heads": "head",
    "defaults": "default",
    "settings": "setting",
    "totals": "total",
    "errata": "erratum",
}
"""What edits are about, by their keys, and what one of each is called."""

CELL: Final = want(
    "the text of a cell, a number, or nothing",
    cs.nullable_schema(cs.union_schema([LINE, cs.int_schema(), cs.float_schema()])),
)


def _named(schema: CoreSchema) -> CoreSchema:
    return cs.dict_schema(cs.str_schema(), schema)


def _any(schema: Any) -> CoreSchema:
    """A mapping with the same keys, none of which it must have; nothing in the place of a value takes its key out."""
    fields: dict[str, Any] = schema["fields"]
    edited = {
        key: field["schema"] if field["required"] else cs.nullable_schema(field["schema"])
        for key, field in fields.items()
    }
    return mapping({}, edited)


ROW: Final = mapping({"name": LINE, "layer": LINE}, {"after": LINE, "before": LINE}, others=CELL)
MODULE_EDIT, HEAD_EDIT, COLUMN_EDIT, SETTING_EDIT = map(_any, (MODULE, HEAD, COLUMN, SETTING))
OVERRIDE: Final = mapping(
    {},
    {
        "rows": _named(_named(CELL)),
        "columns": _named(COLUMN_EDIT),
        "modules": _named(MODULE_EDIT),
        "heads": _named(HEAD_EDIT),
        "defaults": _named(LINE),
        "settings": _named(setting(SETTING_EDIT)),
        "totals": _named(PRINTED),
        "errata": _named(REASON),
    },
)
INSERT: Final = mapping(
    {},
    {
        "rows": cs.list_schema(ROW),
        "columns": _named(COLUMN),
        "modules": _named(MODULE),
        "heads": _named(HEAD),
        "defaults": _named(LINE),
        "settings": _named(setting(SETTING)),
        "totals": _named(PRINTED),
        "errata": _named(REASON),
    },
)
REMOVE: Final = mapping({}, {kind: cs.list_schema(LINE) for kind in KINDS})
RENAME: Final = mapping({}, {kind: _named(LINE) for kind in ("rows", "modules", "heads")})

_FIELDS: Final[dict[str, Any]] = dict(NETWORK)["fields"]
ANEW: Final = tuple(key for key in _FIELDS if key not in {*KINDS, "network", "layers", "published"})
"""The keys that replace those of the base as a whole."""

VARIANT: Final[Keys] = {
    (): mapping(
        {"extends": want("the path of a spec, such as googlenet.yaml", cs.str_schema(max_length=500)), "network": LINE},
        {
            **{key: _FIELDS[key]["schema"] for key in ANEW},
            **dict(zip(VERBS, (RENAME, REMOVE, OVERRIDE, INSERT), strict=True)),
        },
    ),
    ("paper",): PAPER,
    ("rename",): RENAME,
    ("remove",): REMOVE,
    ("override",): OVERRIDE,
    ("insert",): INSERT,
    ("override", "columns", "*"): COLUMN_EDIT,
    ("override", "modules", "*"): MODULE_EDIT,
    ("override", "heads", "*"): HEAD_EDIT,
    ("override", "settings", "*"): SETTING_EDIT,
    ("insert", "rows", "*"): ROW,
    ("insert", "columns", "*"): COLUMN,
    ("insert", "modules", "*"): MODULE,
    ("insert", "heads", "*"): HEAD,
    ("insert", "settings", "*"): SETTING,
    ("init",): INIT,
    **TRAINING_KEYS,
}
