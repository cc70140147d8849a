"""What the keys of a file can hold, as schemas of pydantic's engine whose errors speak our words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pydantic_core import CoreSchema
from pydantic_core import core_schema as cs

from inception_dsl.diagnostics.spelling import listing

BOUNDS: Final = "bounds"
"""The type of the error of a number that is too small or too large."""

CHOICE: Final = "choice"
"""The type of the error of what is none of some words."""


def want(what: str, schema: CoreSchema, rule: str = "kind") -> CoreSchema:
    """A value whose error says what it must be."""
    return cs.custom_error_schema(schema, custom_error_type=rule, custom_error_message=what)


def choice(*words: str) -> CoreSchema:
    """One of some words."""
    return want(listing(words, "or"), cs.literal_schema(list(words)), CHOICE)


def whole(low: int, high: int) -> CoreSchema:
    """A whole number in bounds."""
    return _within("a whole number", low, high, cs.int_schema)


def real(low: float, high: float) -> CoreSchema:
    """A number in bounds; one that is written without a point stays whole."""

    def schema(**bounds: Any) -> CoreSchema:
        return cs.union_schema([cs.int_schema(**bounds), cs.float_schema(allow_inf_nan=False, **bounds)])

    return _within("a number", low, high, schema)


def _within(what: str, low: float, high: float, schema: Callable[..., CoreSchema]) -> CoreSchema:
    bounded = want(f"{what} from {low:,g} to {high:,.10g}", schema(ge=low, le=high), BOUNDS)
    return cs.chain_schema([want(what, schema()), bounded])


def numbers(least: int, most: int, low: float, high: float) -> CoreSchema:
    """A list of `least` to `most` numbers in bounds."""
    count = f"{least}" if least == most else f"{least} to {most}"
    what = f"a list of {count} numbers from {low:g} to {high:g}"
    return want(what, cs.list_schema(real(low, high), min_length=least, max_length=most))


def mapping(
    required: dict[str, CoreSchema], optional: dict[str, CoreSchema], others: CoreSchema | None = None
) -> CoreSchema:
    """A mapping with known keys; `others` is what any further key holds."""
    fields = {
        key: cs.typed_dict_field(schema, required=key in required) for key, schema in (required | optional).items()
    }
    if others is None:
        return cs.typed_dict_schema(fields, extra_behavior="forbid")
    return cs.typed_dict_schema(fields, extra_behavior="allow", extras_schema=others)


TEXT: Final = want("a text", cs.str_schema())
LINE: Final = want("a text of at most 500 characters", cs.str_schema(max_length=500))
REASON: Final = want("the reason, in words", cs.str_schema(min_length=1, max_length=2000))
SWITCH: Final = want("`true` or `false`", cs.bool_schema())
