"""The keys of a spec file: which there are, what they hold, and how a wrong one is told.

The rules are pydantic's, given straight to its engine: importing `pydantic.BaseModel` costs six times the start-up of
Python itself, the engine a third of that.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic_core import CoreSchema, SchemaValidator, ValidationError
from pydantic_core import core_schema as cs

from inception_dsl.diagnostics import Findings, did_you_mean, listing
from inception_dsl.syntax.yaml import Document, kind

MEASURES: Final = ("output", "depth", "params", "ops", "receptive_field", "activations")
"""What a printed column may count; `published.MEASURES` says how."""


def _want(what: str, schema: CoreSchema) -> CoreSchema:
    """A value whose error says what it must be."""
    return cs.custom_error_schema(schema, custom_error_type="kind", custom_error_message=what)


def _keys(
    required: dict[str, CoreSchema], optional: dict[str, CoreSchema], others: CoreSchema | None = None
) -> CoreSchema:
    """A mapping with known keys; `others` is what any further key holds."""
    fields = {
        key: cs.typed_dict_field(schema, required=key in required) for key, schema in (required | optional).items()
    }
    if others is None:
        return cs.typed_dict_schema(fields, extra_behavior="forbid")
    return cs.typed_dict_schema(fields, extra_behavior="allow", extras_schema=others)


TEXT: Final = _want("a text", cs.str_schema())
LINE: Final = _want("a text of at most 500 characters", cs.str_schema(max_length=500))
REAL: Final = _want("a number", cs.float_schema(allow_inf_nan=False, ge=-(10**9), le=10**9))
TABLE: Final = _want(
    "a number, or a text such as A.1", cs.union_schema([cs.int_schema(), cs.str_schema(max_length=50)])
)
SETTING: Final = _want(
    "a number", cs.union_schema([cs.int_schema(ge=-(10**9), le=10**9), cs.float_schema(allow_inf_nan=False)])
)

PAPER: Final = _keys(
    {},
    {
        "title": LINE,
        "authors": LINE,
        "year": _want("a year, such as 2015", cs.int_schema(ge=1900, le=2200)),
        "arxiv": LINE,
        "table": TABLE,
        "figure": TABLE,
    },
)
MODULE: Final = _keys({"graph": TEXT}, {"columns": cs.list_schema(LINE), "doc": LINE})
HEAD: Final = _keys({"from": LINE, "graph": TEXT}, {"loss_weight": REAL})
COLUMN: Final = _keys(
    {},
    {
        "measure": _want(f"one of {listing(MEASURES, 'or')}", cs.literal_schema(list(MEASURES))),
        "unit": _want("a whole number such as 1000 or 1024: what its suffix stands for", cs.int_schema(ge=1, le=2**40)),
        "rounding": _want("`nearest`, `down` or `either`", cs.literal_schema(["nearest", "down", "either"])),
        "bias": _want("`true` or `false`", cs.bool_schema()),
    },
)
PUBLISHED: Final = _keys(
    {},
    {
        "totals": cs.dict_schema(
            cs.str_schema(),
            _want(
                "the number as printed, such as 1.5B",
                cs.union_schema([cs.str_schema(max_length=50), cs.int_schema(), cs.float_schema()]),
            ),
        ),
        "errata": cs.dict_schema(
            cs.str_schema(), _want("the reason, in words", cs.str_schema(min_length=1, max_length=2000))
        ),
    },
    others=COLUMN,
)
NETWORK: Final = _keys(
    {
        "network": LINE,
        "input": _want("channels, height and width, such as 3x224x224", cs.str_schema(max_length=50)),
        "layers": TEXT,
    },
    {
        "title": LINE,
        "paper": PAPER,
        "classes": _want("a whole number from 1 to 1,000,000", cs.int_schema(ge=1, le=10**6)),
        "settings": cs.dict_schema(cs.str_schema(), SETTING),
        "defaults": cs.dict_schema(cs.str_schema(), LINE),
        "modules": cs.dict_schema(cs.str_schema(), MODULE),
        "heads": cs.dict_schema(cs.str_schema(), HEAD),
        "published": PUBLISHED,
    },
)

KNOWN: Final = {
    (): NETWORK,
    ("paper",): PAPER,
    ("modules", "*"): MODULE,
    ("heads", "*"): HEAD,
    ("published", "*"): COLUMN,
}


INPUT: Final = re.compile(r"\s*([0-9]{1,6})\s*x\s*([0-9]{1,6})\s*x\s*([0-9]{1,6})\s*")
LARGEST_INPUT: Final = 65_536


def input_size(text: str) -> tuple[int, int, int] | None:
    """Channels, height and width of `3x224x224`; None for what is no size, or out of bounds."""
    match = INPUT.fullmatch(text)
    if not match:
        return None
    channels, height, width = map(int, match.groups())
    return (
        (channels, height, width)
        if 1 <= min(channels, height, width) <= max(channels, height, width) <= LARGEST_INPUT
        else None
    )


def validate(document: Document) -> dict[str, Any]:
    """The document's data, every key known and every value of its kind.

    Raises `SpecError`: E103 for an unknown key, E104 for a missing one, E105 for a value of another kind.
    """
    try:
        data: dict[str, Any] = _validator().validate_python(document.data, strict=True)
        return data
    except ValidationError as error:
        findings = Findings()
        errors = error.errors(include_url=False)
        unknown = [each["loc"] for each in errors if each["type"] == "extra_forbidden"]
        for each in errors:
            if each["type"] == "missing" and any(_resemble(each["loc"], loc) for loc in unknown):
                continue  # misspelt, and told as that
            _tell(each["type"], each["loc"], each["msg"], each["input"], document, findings)
        findings.stop()
        raise AssertionError("an invalid document has errors") from error


def _validator() -> SchemaValidator:
    return SchemaValidator(NETWORK)


def _resemble(missing: tuple[int | str, ...], unknown: tuple[int | str, ...]) -> bool:
    return missing[:-1] == unknown[:-1] and bool(did_you_mean(str(unknown[-1]), [str(missing[-1])]))


def _tell(
    rule: str, loc: tuple[int | str, ...], message: str, value: object, document: Document, findings: Findings
) -> None:
    key = loc[-1]
    if rule == "extra_forbidden":
        known = _known(loc[:-1])
        hint = did_you_mean(str(key), known) or f"the keys here are {listing(sorted(known))}"
        findings.error("E103", f"there is no key `{key}` here", document.key_span(loc), help=hint)
    elif rule == "missing":
        where = f"`{'.'.join(map(str, loc[:-1]))}`" if loc[:-1] else "the spec"
        span = document.key_span(loc[:-1]) if loc[:-1] else document.value_span(())
        findings.error("E104", f"{where} lacks the key `{key}`", span, help=f"add `{key}:`")
    else:
        wanted = {"dict_type": "a mapping", "list_type": "a list, such as [a, b]"}.get(rule, message)
        span, known, hint = document.value_span(loc), _known(loc), ""
        if known and rule == "dict_type":
            hint = f"its keys are {listing(known)}"
        elif "text" in wanted and isinstance(value, int | float):
            hint = f'write `"{document.text(loc).text}"`'
        label = f"this is {kind(value)}" if kind(value).split()[-1] not in wanted else ""
        if isinstance(value, str) and "characters" in wanted:
            label = f"this has {len(value):,}"
        what = f"`{key}`" if isinstance(key, str) else f"an item of `{loc[-2]}`"
        findings.error("E105", f"{what} must be {wanted}", span, label, help=hint)


def _known(parent: tuple[int | str, ...]) -> list[str]:
    for pattern, schema in KNOWN.items():
        if len(pattern) == len(parent) and all(p in ("*", q) for p, q in zip(pattern, parent, strict=True)):
            return list(schema["fields"])
    return []
