"""The keys of a spec file, and of a file of claims: which there are, what they hold, and how a wrong one is told.

The rules are pydantic's, given straight to its engine: importing `pydantic.BaseModel` costs six times the start-up of
Python itself, the engine a third of that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import CoreSchema, SchemaValidator, ValidationError
from pydantic_core import core_schema as cs

from inception_dsl.diagnostics.codes.syntax import OUT_OF_BOUNDS
from inception_dsl.diagnostics.codes.yaml import INVALID_VALUE, MISSING_KEY, UNKNOWN_KEY
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.ir import values
from inception_dsl.spec import elsewhere
from inception_dsl.spec.kinds import BOUNDS, CHOICE, LINE, REASON, SWITCH, TEXT, choice, mapping, want
from inception_dsl.spec.training_schema import KEYS as TRAINING_KEYS
from inception_dsl.spec.training_schema import TRAINING
from inception_dsl.syntax.yaml import Document, kind

MEASURES: Final = ("output", *values.MEASURES)
"""What a printed column may count; `published.MEASURES` says how."""

PRINTED: Final = want(
    "the number as printed, such as 1.5B",
    cs.union_schema([cs.str_schema(max_length=50), cs.int_schema(), cs.float_schema()]),
)
ROUNDING: Final = choice("nearest", "down", "either")
REAL: Final = want("a number", cs.float_schema(allow_inf_nan=False, ge=-(10**9), le=10**9))
TABLE: Final = want("a number, or a text such as A.1", cs.union_schema([cs.int_schema(), cs.str_schema(max_length=50)]))
CHOICES: Final = ("<keys>", "<value>")
"""What pydantic calls the two ways to write a setting. It tells of them as of keys, and no file has these."""

WHOLE: Final = cs.int_schema(ge=-(10**9), le=10**9)
BOUND: Final = want("a number", cs.union_schema([WHOLE, REAL]))
VALUE: Final = want("a number, or the name of a layer", cs.union_schema([WHOLE, REAL, LINE]))
SETTING: Final = mapping(
    {"default": VALUE},
    {
        "type": choice("real", "whole", "layer"),
        "min": BOUND,
        "max": BOUND,
        "doc": LINE,
    },
)


def setting(schema: CoreSchema) -> CoreSchema:
    """A setting: such a mapping, or its value alone."""
    ways = dict(zip(CHOICES, (schema, VALUE), strict=True))
    return cs.tagged_union_schema(ways, lambda value: CHOICES[not isinstance(value, dict)])


PAPER: Final = mapping(
    {},
    {
        "title": LINE,
        "authors": LINE,
        "year": want("a year, such as 2015", cs.int_schema(ge=1900, le=2200)),
        "arxiv": LINE,
        "table": TABLE,
        "figure": TABLE,
    },
)
MODULE: Final = mapping({"graph": TEXT}, {"columns": cs.list_schema(LINE), "doc": LINE})
HEAD: Final = mapping({"from": LINE, "graph": TEXT}, {"loss_weight": REAL})
COLUMN: Final = mapping(
    {},
    {
        "measure": want(f"one of {listing(MEASURES, 'or')}", cs.literal_schema(list(MEASURES))),
        "unit": want("a whole number such as 1000 or 1024: what its suffix stands for", cs.int_schema(ge=1, le=2**40)),
        "rounding": ROUNDING,
        "bias": SWITCH,
    },
)
PUBLISHED: Final = mapping(
    {},
    {
        "totals": cs.dict_schema(cs.str_schema(), PRINTED),
        "errata": cs.dict_schema(cs.str_schema(), REASON),
    },
    others=COLUMN,
)
INIT: Final = mapping({"source": LINE}, {}, others=LINE)
NETWORK: Final = mapping(
    {
        "network": LINE,
        "input": want("channels, height and width, such as 3x224x224", cs.str_schema(max_length=50)),
        "layers": TEXT,
    },
    {
        "title": LINE,
        "paper": PAPER,
        "classes": want("a whole number from 1 to 1,000,000", cs.int_schema(ge=1, le=10**6)),
        "settings": cs.dict_schema(cs.str_schema(), setting(SETTING)),
        "defaults": cs.dict_schema(cs.str_schema(), LINE),
        "modules": cs.dict_schema(cs.str_schema(), MODULE),
        "heads": cs.dict_schema(cs.str_schema(), HEAD),
        "published": PUBLISHED,
        "init": INIT,
        "training": TRAINING,
    },
)

CLAIM: Final = mapping(
    {
        "source": LINE,
        "sentence": LINE,
        "formula": TEXT,
        "printed": PRINTED,
        "verdict": want(
            "`exact`, `rounds`, `false` or `not reproduced`",
            cs.union_schema(
                [
                    cs.literal_schema(["exact", "rounds", "false", "not reproduced"]),
                    cs.chain_schema([cs.bool_schema(), cs.literal_schema([False])]),  # `false` is a word of YAML too
                ]
            ),
        ),
    },
    {"rounding": ROUNDING, "within": PRINTED, "reason": REASON},
)

VERBS: Final = ("rename", "remove", "override", "insert")
"""What a variant does to its base, in the order in which it does it."""

Advice = Callable[[tuple[int | str, ...], Any], str]
"""The help for an error about the value at a place; empty where the usual one serves."""

Keys = Mapping[tuple[str, ...], CoreSchema]
"""What a kind of file holds: its schema under `()`, and those of the mappings in it that have known keys by path."""

SPEC: Final[Keys] = {
    (): NETWORK,
    ("paper",): PAPER,
    ("modules", "*"): MODULE,
    ("heads", "*"): HEAD,
    ("published", "*"): COLUMN,
    ("settings", "*"): SETTING,
    ("init",): INIT,
    **TRAINING_KEYS,
}
CLAIMS: Final[Keys] = {
    (): mapping({"claims": cs.dict_schema(cs.str_schema(), CLAIM)}, {}),
    ("claims", "*"): CLAIM,
}


INPUT: Final = re.compile(r"\s*([0-9]{1,6})\s*x\s*([0-9]{1,6})\s*x\s*([0-9]{1,6})\s*")
LARGEST_INPUT: Final = 65_536
LISTED: Final = 20
"""Keys that are shown where one is not known."""


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


def no_variant(loc: tuple[int | str, ...], value: object) -> str:
    """The help for edits in a file that extends none."""
    if loc in {("base",), ("extend",), ("from",), ("include",), ("inherits",), ("parent",)}:
        return "write `extends:` for the spec that this one is a variant of"
    return "a variant edits its base: say which with `extends:`" if loc[0] in VERBS else ""


def validate(document: Document, keys: Keys = SPEC, advise: Advice = no_variant) -> dict[str, Any]:
    """The document's data, every key known and every value of its kind.

    Raises `SpecError`: E103 for an unknown key, E104 for a missing one, E105 for a value of another kind, E117 for a
    number out of bounds.
    """
    try:
        data: dict[str, Any] = SchemaValidator(keys[()]).validate_python(document.data, strict=True)
        return data
    except ValidationError as error:
        findings = Findings()
        errors: list[Any] = error.errors(include_url=False)
        for each in errors:
            each["loc"] = tuple(part for part in each["loc"] if part not in CHOICES)
        unknown: dict[tuple[int | str, ...], list[str]] = {}
        for each in errors:
            if each["type"] == "extra_forbidden":
                unknown.setdefault(each["loc"][:-1], []).append(str(each["loc"][-1]))
        for each in errors:
            *parent, key = each["loc"]
            if each["type"] == "missing" and did_you_mean(str(key), unknown.get(tuple(parent), ())):
                continue  # misspelt, and reported as that
            _tell(each["type"], each["loc"], each["msg"], each["input"], document, keys, advise, findings)
        findings.stop()
        raise AssertionError("an invalid document has errors") from error


def _tell(
    rule: str,
    loc: tuple[int | str, ...],
    message: str,
    value: object,
    document: Document,
    keys: Keys,
    advise: Advice,
    findings: Findings,
) -> None:
    key, advised = loc[-1], advise(loc, value)
    if rule == "extra_forbidden":
        known = _known(keys, loc[:-1])
        keys_here = listing(sorted(known)) if len(known) <= LISTED else f"such as `{known[0]}`"
        hint = advised or did_you_mean(str(key), known) or f"the keys here are {keys_here}"
        if re.match(r"->|[|+\[]", str(key)):
            hint = "indent this line as the formula that it belongs to"
        findings.error(UNKNOWN_KEY, f"there is no key `{key}` here", document.key_span(loc), help=hint)
    elif rule == "missing":
        where = f"`{'.'.join(map(str, loc[:-1]))}`" if loc[:-1] else "the spec"
        span = document.key_span(loc[:-1]) if loc[:-1] else document.value_span(())
        findings.error(MISSING_KEY, f"{where} lacks the key `{key}`", span, help=advised or f"add `{key}:`")
    else:
        wanted = {"dict_type": "a mapping", "list_type": "a list, such as [a, b]"}.get(rule, message)
        span, known, hint = document.value_span(loc), _known(keys, loc), ""
        if known and rule == "dict_type":
            hint = f"its keys are {listing(known)}"
        elif key in ("layers", "graph") and not isinstance(value, str):
            what = "table" if key == "layers" else "formula"
            hint = f"write `{key}: |`, and the {what} on the lines below it"
        elif "text" in wanted and isinstance(value, int | float):
            hint = f'write `"{document.text(loc).text}"`'
        elif isinstance(value, str):
            hint = elsewhere.suggest(value, re.findall("`(.+?)`", wanted), elsewhere.VALUES)
        misspelt = rule == CHOICE and isinstance(value, str)
        label = f"this is {kind(value)}" if kind(value).split()[-1] not in wanted and not misspelt else ""
        if isinstance(value, str) and "characters" in wanted:
            label = f"this has {len(value):,}"
        what = f"`{key}`" if isinstance(key, str) else f"an item of `{loc[-2]}`"
        code = OUT_OF_BOUNDS if rule == BOUNDS else INVALID_VALUE
        findings.error(code, f"{what} must be {wanted}", span, label, help=advised or hint)


def _known(keys: Keys, parent: tuple[int | str, ...]) -> list[str]:
    for pattern, schema in keys.items():
        if len(pattern) == len(parent) and all(p in ("*", q) for p, q in zip(pattern, parent, strict=True)):
            return list(schema["fields"])
    return []
