"""The kinds of values that the keys of a spec hold, each with the words that an error uses for it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from inception_dsl.ir import names, values
from inception_dsl.ir.values import MAX_NUMBER

T = TypeVar("T")


class Section(BaseModel):
    """A mapping whose keys are known."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,  # `"7"` is not a number and `1` is not `true`: values have the types that YAML gives them
        allow_inf_nan=False,
        defer_build=True,  # the first file that is read builds what it needs
    )

    def written(self) -> dict[str, Any]:
        """The keys that the file gives, in the order in which the language lists them."""
        return self.model_dump(by_alias=True, exclude_unset=True)


if TYPE_CHECKING:
    Omittable: TypeAlias = T | None
else:

    class Omittable:
        """A key that may be left out, and is None then; where it is written, it has a value."""

        def __class_getitem__(cls, annotation: Any) -> Any:
            """The type of the value: pydantic does not validate defaults, so that None is not in it."""
            return annotation


@dataclass(frozen=True)
class MustBe:
    """Metadata of a type: what its value must be, in the words of an error.

    An error anywhere inside such a value is reported as one error of the whole value.
    """

    what: str


Text = Annotated[str, MustBe("a string")]
Line = Annotated[str, Field(max_length=500), MustBe("a string of at most 500 characters")]
Reason = Annotated[str, Field(min_length=1, max_length=2000), MustBe("the reason, in words")]

Int = Annotated[int, Field(ge=-MAX_NUMBER, le=MAX_NUMBER)]
Float = Annotated[float, Field(ge=-MAX_NUMBER, le=MAX_NUMBER)]
Number = Annotated[Int | Float, MustBe("a number")]
Scalar = Annotated[Int | Float | Line, MustBe("a number, or the name of a layer")]

# E108 reports a name that is not valid, and proposes another; JSON Schema has the rule itself.
_IDENTIFIER: Any = {"type": "string", "pattern": f"^{names.IDENTIFIER.pattern}$"}
_NAME: Any = WithJsonSchema(_IDENTIFIER | {"maxLength": names.MAX_NAME})
SettingName = Annotated[str, WithJsonSchema(_IDENTIFIER)]
PartName = Annotated[str, _NAME]
LineName = Annotated[Line, _NAME]

PrintedNumber = Annotated[
    int | float | Annotated[str, Field(max_length=50)], MustBe("the number as printed, such as 1.5B")
]
Rounding = Literal["nearest", "down", "either"]

COLUMN_MEASURES = ("output", *values.MEASURE_FUNCTIONS)
"""What a printed column may count; `paper.verdicts.MEASURES` says how."""
